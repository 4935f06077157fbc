"""Who may not use the bot: in a guild, as its moderators said, or at all, as the host said."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from musicgen_bot.blocks import BlockKind, HostBlock
from musicgen_bot.errors import LimitReached
from musicgen_bot.store.blocks import BlockStore, HostBlockStore

_log = logging.getLogger(__name__)


class Blocklist:
    """Blocks, unblocks, and turns away. Every method may raise StoreError."""

    def __init__(
        self,
        guilds: BlockStore,
        host: HostBlockStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._guilds = guilds
        self._host = host
        self._clock = clock

    async def check(self, guild_id: int | None, user_id: int) -> None:
        """Return if somebody may use the bot where they are. Raises LimitReached."""
        by_host = await self._host.blocked(user_id, guild_id)
        if by_host is BlockKind.USER:
            raise LimitReached("The host of this bot has blocked you from using me.")
        if by_host is BlockKind.GUILD:
            raise LimitReached("The host of this bot has blocked this server from using me.")
        if guild_id is not None and await self._guilds.is_blocked(guild_id, user_id):
            raise LimitReached("The moderators of this server have blocked you from using me.")

    async def block(self, guild_id: int, user_id: int, by_user_id: int) -> bool:
        """Block a member of a guild; False if that was so already."""
        return await self._guilds.block(guild_id, user_id, by_user_id, self._clock())

    async def unblock(self, guild_id: int, user_id: int) -> bool:
        """Let a member of a guild use the bot again; False if they were not blocked."""
        return await self._guilds.unblock(guild_id, user_id)

    async def of_guild(self, guild_id: int) -> list[int]:
        """Return the ids of all who are blocked in a guild, the latest first."""
        return await self._guilds.blocked(guild_id)

    async def block_everywhere(self, kind: BlockKind, snowflake: int, by_user_id: int) -> bool:
        """Block a user or a guild for the host; False if that was so already."""
        news = await self._host.block(HostBlock(kind, snowflake, by_user_id, self._clock()))
        if news:
            _log.info("user %d blocked the %s %d", by_user_id, kind, snowflake)
        return news

    async def unblock_everywhere(self, kind: BlockKind, snowflake: int, by_user_id: int) -> bool:
        """Let a user or a guild use the bot again; False if the host had not blocked them."""
        news = await self._host.unblock(kind, snowflake)
        if news:
            _log.info("user %d unblocked the %s %d", by_user_id, kind, snowflake)
        return news

    async def everywhere(self) -> list[HostBlock]:
        """Return everything that the host has blocked, the latest first."""
        return await self._host.all()
