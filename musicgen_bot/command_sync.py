"""Tells Discord the bot's commands, where they are not those it was told last.

Discord allows 200 creations a day, so a bot that does so at each start can lock itself out.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress

import discord

from musicgen_bot.cogs.client import Client
from musicgen_bot.network import UNREACHABLE
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.ui.common.command_names import CommandNames

SYNCED_TREE = "synced-command-tree"
SYNCED_GUILD_TREE = "synced-command-tree-of-the-owner-guild"
OWNER_GUILD = "owner-guild"

_log = logging.getLogger(__name__)


class CommandSync:
    """Keeps Discord's copy of the command tree up to date. Every method may raise StoreError."""

    def __init__(self, client: Client, notes: NoteStore) -> None:
        self._client = client
        self._notes = notes

    async def sync(self, owner_guild: int | None) -> None:
        """Bring the commands in Discord up to date; failing that, go on with those it knows."""
        try:
            await self._tell(SYNCED_TREE, None)
        except (discord.HTTPException, *UNREACHABLE) as error:
            _log.error("Discord did not take the commands, the next start tries again: %s", error)
        try:
            await self._sync_owner_guild(owner_guild)
        except (discord.HTTPException, *UNREACHABLE) as error:
            _log.error(
                "Discord did not take the host's commands for OWNER_GUILD, the next start tries "
                "again; is the bot in that server? %s",
                error,
            )

    async def _sync_owner_guild(self, guild_id: int | None) -> None:
        """Tell Discord the commands of the owner's guild, and that another has them no more."""
        before = await self._notes.get(OWNER_GUILD)
        if before and before != str(guild_id):
            with suppress(discord.Forbidden, discord.NotFound):  # it left, and they with it
                await self._client.tree.sync(guild=discord.Object(int(before)))
            await self._notes.set(SYNCED_GUILD_TREE, "")
            await self._notes.set(OWNER_GUILD, "")
        if guild_id is not None:
            await self._notes.set(OWNER_GUILD, str(guild_id))
            await self._tell(SYNCED_GUILD_TREE, discord.Object(guild_id))

    async def _tell(self, note: str, guild: discord.Object | None) -> None:
        tree, translator = self._client.tree, CommandNames(self._client.translations)
        await tree.set_translator(translator)
        commands_now = [
            await command.get_translated_payload(tree, translator)
            for command in tree.get_commands(guild=guild)
        ]
        scope = (self._client.application_id, guild.id if guild else None)
        digest = hashlib.sha256(
            json.dumps([scope, commands_now], sort_keys=True).encode()
        ).hexdigest()
        if await self._notes.get(note) == digest:
            return
        await tree.sync(guild=guild)
        await self._notes.set(note, digest)
        _log.info("Told Discord about %d commands", len(commands_now))
