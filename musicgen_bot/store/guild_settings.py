"""Each guild's settings, with the versions before them.

A change writes a new version and never touches an old one, so what the log tells of who changed
what cannot differ from what is in effect.
"""

from __future__ import annotations

import logging
from itertools import pairwise

from musicgen_bot.guild_settings import GuildSettings, SettingsChange
from musicgen_bot.guild_settings_json import dump_settings, recall_settings
from musicgen_bot.store.database import Database

CHANGES_KEPT = 50

_log = logging.getLogger(__name__)


class GuildSettingsStore:
    """The settings of all guilds. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, guild_id: int) -> GuildSettings:
        """Return what is in effect in a guild."""
        rows = await self._database.rows(
            "SELECT settings FROM guild_settings WHERE guild_id = ? ORDER BY id DESC LIMIT 1",
            (guild_id,),
        )
        if not rows:
            return GuildSettings()
        settings, lost = recall_settings(rows[0][0])
        if lost:
            _log.warning(
                "guild %d: no longer valid, and as if they were not set: %s",
                guild_id,
                ", ".join(lost),
            )
        return settings

    async def set(self, guild_id: int, user_id: int, settings: GuildSettings, at: float) -> None:
        """Put settings into effect; `user_id` is who wants them, `at` in seconds since 1970."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO guild_settings (guild_id, user_id, at, settings) VALUES (?, ?, ?, ?)",
                (guild_id, user_id, at, dump_settings(settings)),
            )
            await transaction.execute(
                "DELETE FROM guild_settings WHERE guild_id = :guild AND id <= ("
                "SELECT id FROM guild_settings WHERE guild_id = :guild "
                "ORDER BY id DESC LIMIT 1 OFFSET :kept)",
                # Told of each change is the version before it, so one more version is kept.
                {"guild": guild_id, "kept": CHANGES_KEPT + 1},
            )

    async def changes(self, guild_id: int) -> list[SettingsChange]:
        """Return the latest fifty changes, the newest first."""
        rows = await self._database.rows(
            "SELECT user_id, at, settings FROM guild_settings WHERE guild_id = ? ORDER BY id",
            (guild_id,),
        )
        versions = [GuildSettings(), *(recall_settings(row["settings"])[0] for row in rows)]
        changes = [
            SettingsChange(row["user_id"], row["at"], before, after)
            for row, (before, after) in zip(rows, pairwise(versions), strict=True)
        ]
        return changes[::-1][:CHANGES_KEPT]
