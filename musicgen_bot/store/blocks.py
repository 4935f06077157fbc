"""Who may not use the bot: in a guild, as its moderators said, or at all, as the host said."""

from __future__ import annotations

from musicgen_bot.blocks import BlockKind, HostBlock
from musicgen_bot.store.database import Database


class BlockStore:
    """Who is blocked where. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(self, guild_id: int, user_id: int, by_user_id: int, at: float) -> bool:
        """Block a member; `at` is in seconds since 1970. False if that was so already."""
        return bool(
            await self._database.rows(
                "INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?) RETURNING user_id",
                (guild_id, user_id, by_user_id, at),
            )
        )

    async def unblock(self, guild_id: int, user_id: int) -> bool:
        """Let a member use the bot again; False if they were not blocked."""
        return bool(
            await self._database.rows(
                "DELETE FROM blocks WHERE guild_id = ? AND user_id = ? RETURNING user_id",
                (guild_id, user_id),
            )
        )

    async def is_blocked(self, guild_id: int, user_id: int) -> bool:
        """Return whether a member is blocked."""
        rows = await self._database.rows(
            "SELECT 1 FROM blocks WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
        )
        return bool(rows)

    async def blocked(self, guild_id: int) -> list[int]:
        """Return the ids of all who are blocked in a guild, the latest first."""
        rows = await self._database.rows(
            "SELECT user_id FROM blocks WHERE guild_id = ? ORDER BY at DESC", (guild_id,)
        )
        return [row[0] for row in rows]


class HostBlockStore:
    """What the host has blocked. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(self, block: HostBlock) -> bool:
        """Block a user or a guild everywhere; False if that was so already."""
        return bool(
            await self._database.rows(
                "INSERT OR IGNORE INTO host_blocks VALUES (?, ?, ?, ?) RETURNING id",
                (block.kind, block.id, block.by_user_id, block.at),
            )
        )

    async def unblock(self, kind: BlockKind, snowflake: int) -> bool:
        """Let them use the bot again; False if they were not blocked."""
        return bool(
            await self._database.rows(
                "DELETE FROM host_blocks WHERE kind = ? AND id = ? RETURNING id", (kind, snowflake)
            )
        )

    async def blocked(self, user_id: int, guild_id: int | None) -> BlockKind | None:
        """Return which of the two is blocked, the user before the guild; None if neither is."""
        rows = await self._database.rows(
            "SELECT kind FROM host_blocks WHERE (kind, id) IN (VALUES (?, ?), (?, ?)) "
            "ORDER BY kind DESC",
            (BlockKind.USER, user_id, BlockKind.GUILD, guild_id),
        )
        return BlockKind(rows[0][0]) if rows else None

    async def all(self) -> list[HostBlock]:
        """Return everything that is blocked, the latest first."""
        rows = await self._database.rows("SELECT * FROM host_blocks ORDER BY at DESC")
        return [
            HostBlock(BlockKind(row["kind"]), row["id"], row["by_user_id"], row["at"])
            for row in rows
        ]
