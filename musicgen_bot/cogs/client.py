"""The bot's connection to Discord, its command tree, and what people see when a command fails."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from contextlib import suppress

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.translations import Translations
from musicgen_bot.ui.apologies import explain
from musicgen_bot.ui.buttons import ClipButton, PageButton
from musicgen_bot.ui.command_names import CommandNames
from musicgen_bot.ui.gateway import guard, tell_unreadable
from musicgen_bot.ui.network import connector, shorten_log
from musicgen_bot.ui.options import check_options
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

    async def interaction_check(self, interaction: discord.Interaction[Client], /) -> bool:
        """Return whether what was typed is what its command offers; tell who typed it if not."""
        if interaction.type is discord.InteractionType.application_command:
            try:
                check_options(interaction)
            except InvalidRequest as error:
                await explain(interaction, error)
                return False
        return True

    async def _call(self, interaction: discord.Interaction[Client]) -> None:
        """Find the command and run it; what that raises is an AppCommandError."""
        try:
            await super()._call(interaction)
        except app_commands.AppCommandError:
            raise
        except Exception as error:  # there is no such command, nor can there be
            tell_unreadable("INTERACTION_CREATE", error)


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
            connector=connector(),
        )
        guard(self._connection.parsers)
        shorten_log()
        self.add_dynamic_items(ClipButton, PageButton, PrivacyButton)

    async def on_error(self, event_method: str, /, *args: object, **kwargs: object) -> None:
        """Tell of an event that a listener could not read; of other failures discord.py tells."""
        error = sys.exception()
        if event_method == "on_interaction" and isinstance(error, Exception):
            tell_unreadable("INTERACTION_CREATE", error)
        else:
            await super().on_error(event_method, *args, **kwargs)

    async def setup_hook(self) -> None:
        """Offer the commands to accounts as well, where the application is made for that.

        Where it is not, a command for accounts would be refused, and all others with it.
        """
        if self._is_for_accounts:
            self.tree.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
            self.tree.allowed_contexts = app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            )

    def invite_link(self) -> str:
        """Return the address that adds the bot to a server with the permissions it needs."""
        if self.application_id is None:
            raise RuntimeError("the client has not logged in yet")
        return discord.utils.oauth_url(
            self.application_id,
            permissions=PERMISSIONS,
            scopes=("bot", "applications.commands"),
        )

    def account_link(self) -> str | None:
        """Return the address that installs the bot to one's account; None where it cannot be."""
        if self.application_id is None or not self._is_for_accounts:
            return None
        link = discord.utils.oauth_url(self.application_id, scopes=("applications.commands",))
        return f"{link}&integration_type=1"

    @property
    def _is_for_accounts(self) -> bool:
        """Whether *User Install* is ticked in the developer portal; known after the login."""
        about = self.application
        return about is not None and about.user_integration_config is not None

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
