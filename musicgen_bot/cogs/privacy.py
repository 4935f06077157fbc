"""`/privacy`: a person sees all that is kept about them, and has it deleted."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.translations import Counted
from musicgen_bot.ui.common.answers import answer, say_to
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.errors import answer_error
from musicgen_bot.ui.privacy import (
    ABOUT,
    STAYS,
    WARNING,
    PrivacyAction,
    data_file,
    privacy_buttons,
)

Interaction = discord.Interaction[Any]


class PrivacyCog(commands.Cog):
    """The command, and what its buttons do."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    @app_commands.command(description="See everything that is kept about you, or delete it.")
    async def privacy(self, interaction: Interaction) -> None:
        """Tell the caller what is kept, and offer to show and to delete it."""
        caller, say = Caller.of(interaction), say_to(interaction)
        await interaction.response.send_message(
            say(ABOUT),
            view=privacy_buttons(say, caller.user_id, PrivacyAction.SHOW, PrivacyAction.DELETE),
            ephemeral=True,
        )

    @commands.Cog.listener()
    async def on_privacy_button(
        self, interaction: Interaction, action: PrivacyAction, user_id: int
    ) -> None:
        """Do what was pressed, for the one person who may press it."""
        try:
            if Caller.of(interaction).user_id != user_id:
                raise InvalidRequest(
                    "This button is for somebody else; `/privacy` gives you your own."
                )
            await self._press(interaction, action, user_id)
        except Exception as error:
            await answer_error(interaction, error)

    async def _press(self, interaction: Interaction, action: PrivacyAction, user_id: int) -> None:
        say = say_to(interaction)
        match action:
            case PrivacyAction.SHOW:
                await interaction.response.defer(ephemeral=True, thinking=True)
                file = data_file(
                    await self._dispatcher.data_about(user_id), interaction.filesize_limit
                )
                await interaction.followup.send(
                    say(
                        "This is everything I keep about you. With `/clip` and a number you can "
                        "hear a clip again."
                    ),
                    file=file,
                    ephemeral=True,
                )
            case PrivacyAction.DELETE:
                await interaction.response.send_message(
                    f"{say(WARNING)}\n{say(STAYS)}",
                    view=privacy_buttons(say, user_id, PrivacyAction.CONFIRM),
                    ephemeral=True,
                )
            case PrivacyAction.CONFIRM:
                await interaction.response.defer(ephemeral=True, thinking=True)
                count = await self._dispatcher.forget_person(user_id)
                deleted = Counted(
                    "{count} clip has been deleted.",
                    "{count} clips have been deleted.",
                    count=count,
                )
                await answer(interaction, f"{say(deleted)} {say(STAYS)}")
