"""Members who may not use the bot in a guild, as its moderators said."""

from __future__ import annotations

from musicgen_bot.store.database import Database


class BlockStore:
    """Who is blocked where. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(self, guild_id: int, user_id: int, by_user_id: int, at: float) -> bool:
        """Block a member; `at` is in seconds since 1970. False if that was so already."""
        if await self.is_blocked(guild_id, user_id):
            return False
        await self._database.execute(
            "INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?)", (guild_id, user_id, by_user_id, at)
        )
        return True

    async def unblock(self, guild_id: int, user_id: int) -> bool:
        """Let a member use the bot again; False if they were not blocked."""
        was_blocked = await self.is_blocked(guild_id, user_id)
        await self._database.execute(
            "DELETE FROM blocks WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
        )
        return was_blocked

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
