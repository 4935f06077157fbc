"""The bot's connection to Discord, its command tree, and what people see when a command fails."""

from __future__ import annotations

import sys

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.gateway import guard, tell_unreadable
from musicgen_bot.network import connector, shorten_log
from musicgen_bot.translations import Translations
from musicgen_bot.ui.common.errors import answer_error
from musicgen_bot.ui.common.first_answer import FirstAnswers
from musicgen_bot.ui.common.options import check_options
from musicgen_bot.ui.job_message.buttons import ClipButton, PageButton
from musicgen_bot.ui.privacy import PrivacyButton

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
)
"""What the bot needs in a channel, and nothing more."""


class Tree(app_commands.CommandTree["Client"]):
    """The commands, with errors told to the one who typed."""

    async def on_error(
        self, interaction: discord.Interaction[Client], error: app_commands.AppCommandError, /
    ) -> None:
        """Answer with one sentence; the log has the rest."""
        await answer_error(interaction, error)

    async def interaction_check(self, interaction: discord.Interaction[Client], /) -> bool:
        """Return whether what was typed is what its command offers; tell who typed it if not."""
        if interaction.type is discord.InteractionType.application_command:
            try:
                check_options(interaction)
            except InvalidRequest as error:
                await answer_error(interaction, error)
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
        self.first_answers = FirstAnswers()
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
            http_trace=self.first_answers.trace,
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
