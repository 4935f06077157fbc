"""Changes a guild's settings, within what the host allows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import fields

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import NUMBERS, GuildSettings, SettingsChange
from musicgen_bot.jobs.limits import Limits
from musicgen_bot.store.guild_settings import GuildSettingsStore

SettingsEdit = Callable[[GuildSettings], GuildSettings]
"""Makes new settings of the current ones. Raises InvalidRequest."""

_log = logging.getLogger(__name__)


class GuildSettingsService:
    """Where the admins of a guild look at its settings and change them."""

    def __init__(
        self, store: GuildSettingsStore, host: Limits, clock: Callable[[], float] = time.time
    ) -> None:
        self.host = host
        self._store = store
        self._clock = clock
        self._changing = asyncio.Lock()

    async def get(self, guild_id: int) -> GuildSettings:
        """Return what is in effect. Raises StoreError."""
        return await self._store.get(guild_id)

    async def change(self, guild_id: int, user_id: int, edit: SettingsEdit) -> SettingsChange:
        """Put into effect what `edit` makes of the settings, and return what that came to.

        Raises InvalidRequest or StoreError, and then nothing has changed.
        """
        async with self._changing:
            before, now = await self._store.get(guild_id), self._clock()
            after = edit(before)
            if after != before:
                _check_host(before, after, self.host)
                await self._store.set(guild_id, user_id, after, now)
                changed = [f.name for f in fields(after) if _differ(before, after, f.name)]
                _log.info("guild %d: user %d changed %s", guild_id, user_id, ", ".join(changed))
        return SettingsChange(user_id, now, before, after)

    async def changes(self, guild_id: int) -> list[SettingsChange]:
        """Return the latest fifty changes, the newest first. Raises StoreError."""
        return await self._store.changes(guild_id)


def _check_host(before: GuildSettings, after: GuildSettings, host: Limits) -> None:
    """Raise InvalidRequest where something was changed to more than the host allows.

    What the host has lowered since it was set stays as it is: the host's limit holds anyway.
    """
    for name, most in (
        ("longest_clip_seconds", host.clip_seconds),
        ("default_clip_seconds", host.clip_seconds),
        ("waiting_per_user", host.waiting_per_user),
        ("waiting_per_server", host.waiting_per_guild),
    ):
        value = getattr(after, name)
        if value is not None and value > most and _differ(before, after, name):
            raise InvalidRequest(
                "{setting}: the host of this bot allows at most {most}.",
                setting=NUMBERS[name][0],
                most=most,
            )
    cooldown = after.cooldown_seconds
    if (
        cooldown is not None
        and cooldown < host.cooldown_seconds
        and _differ(before, after, "cooldown_seconds")
    ):
        raise InvalidRequest(
            "{setting}: the host of this bot requires at least {least} seconds.",
            setting=NUMBERS["cooldown_seconds"][0],
            least=host.cooldown_seconds,
        )


def _differ(before: GuildSettings, after: GuildSettings, name: str) -> bool:
    return bool(getattr(before, name) != getattr(after, name))
