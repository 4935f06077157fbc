"""`/privacy`: a person sees all that is kept about them, and has it deleted."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.translations import Counted
from musicgen_bot.ui.common.errors import explain
from musicgen_bot.ui.common.speech import answer, say_to
from musicgen_bot.ui.privacy import (
    ABOUT,
    STAYS,
    WARNING,
    Wish,
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
        say = say_to(interaction)
        await interaction.response.send_message(
            say(ABOUT),
            view=privacy_buttons(say, interaction.user.id, Wish.SHOW, Wish.DELETE),
            ephemeral=True,
        )

    @commands.Cog.listener()
    async def on_privacy_button(self, interaction: Interaction, wish: Wish, user_id: int) -> None:
        """Do what was pressed, for the one person who may press it."""
        try:
            if interaction.user.id != user_id:
                raise InvalidRequest(
                    "This button is for somebody else; `/privacy` gives you your own."
                )
            await self._fulfil(interaction, wish)
        except Exception as error:
            await explain(interaction, error)

    async def _fulfil(self, interaction: Interaction, wish: Wish) -> None:
        user_id, say = interaction.user.id, say_to(interaction)
        match wish:
            case Wish.SHOW:
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
            case Wish.DELETE:
                await interaction.response.send_message(
                    f"{say(WARNING)}\n{say(STAYS)}",
                    view=privacy_buttons(say, user_id, Wish.CONFIRM),
                    ephemeral=True,
                )
            case Wish.CONFIRM:
                await interaction.response.defer(ephemeral=True, thinking=True)
                count = await self._dispatcher.forget_person(user_id)
                deleted = Counted(
                    "{count} clip has been deleted.",
                    "{count} clips have been deleted.",
                    count=count,
                )
                await answer(interaction, f"{say(deleted)} {say(STAYS)}")
