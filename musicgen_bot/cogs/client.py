"""The bot's connection to Discord, its command tree, and what people see when a command fails."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.store.notes import NoteStore
from musicgen_bot.translations import Translations
from musicgen_bot.ui.apologies import explain
from musicgen_bot.ui.buttons import ClipButton, PageButton
from musicgen_bot.ui.command_names import CommandNames
from musicgen_bot.ui.privacy import PrivacyButton

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
)
"""What the bot needs in a channel, and nothing more."""

SYNCED_TREE = "synced-command-tree"
SYNCED_GUILD_TREE = "synced-command-tree-of-the-owner-guild"
OWNER_GUILD = "owner-guild"

_log = logging.getLogger(__name__)


class Tree(app_commands.CommandTree["Client"]):
    """The commands, with errors told to the one who typed."""

    async def on_error(
        self, interaction: discord.Interaction[Client], error: app_commands.AppCommandError, /
    ) -> None:
        """Answer with one sentence; the log has the rest."""
        await explain(interaction, error)


class Client(commands.AutoShardedBot):
    """Discord's client: slash commands only, no privileged intent, and it never pings anyone."""

    def __init__(self, translations: Translations) -> None:
        self.translations = translations
        # The bot does not speak, so nobody needs to be told at each start what voice would need.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
            # Nothing waits for a complete list of guilds, so that the last has come may soon be
            # taken for granted; discord.py's two seconds were a quarter of the bot's start.
            guild_ready_timeout=0.1,
        )
        self.add_dynamic_items(ClipButton, PageButton, PrivacyButton)

    def invite_link(self) -> str:
        """Return the address that adds the bot to a server with the permissions it needs."""
        if self.application_id is None:
            raise RuntimeError("the client has not logged in yet")
        return discord.utils.oauth_url(
            self.application_id,
            permissions=PERMISSIONS,
            scopes=("bot", "applications.commands"),
        )

    async def sync_if_changed(self, notes: NoteStore) -> None:
        """Tell Discord the commands, if they are not those it was told last.

        Discord allows 200 creations a day, so a bot that syncs at each start can lock itself out.
        """
        await self._sync(notes, SYNCED_TREE, None)

    async def sync_guild_if_changed(self, notes: NoteStore, guild_id: int | None) -> None:
        """Tell Discord the commands of the owner's guild, and that another has them no more."""
        before = await notes.get(OWNER_GUILD)
        if before and before != str(guild_id):
            with suppress(discord.Forbidden, discord.NotFound):  # it left, and they with it
                await self.tree.sync(guild=discord.Object(int(before)))
            await notes.set(SYNCED_GUILD_TREE, "")
            await notes.set(OWNER_GUILD, "")
        if guild_id is not None:
            await notes.set(OWNER_GUILD, str(guild_id))
            await self._sync(notes, SYNCED_GUILD_TREE, discord.Object(guild_id))

    async def _sync(self, notes: NoteStore, note: str, guild: discord.Object | None) -> None:
        translator = CommandNames(self.translations)
        await self.tree.set_translator(translator)
        commands_now = [
            await command.get_translated_payload(self.tree, translator)
            for command in self.tree.get_commands(guild=guild)
        ]
        scope = (self.application_id, guild.id if guild else None)
        digest = hashlib.sha256(
            json.dumps([scope, commands_now], sort_keys=True).encode()
        ).hexdigest()
        if await notes.get(note) == digest:
            return
        await self.tree.sync(guild=guild)
        await notes.set(note, digest)
        _log.info("Told Discord about %d commands", len(commands_now))
