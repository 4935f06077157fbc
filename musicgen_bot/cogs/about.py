"""`/about`: what this bot is, what it runs, and what its clips may be used for."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.ui.common.answers import say_to


@dataclass(frozen=True, slots=True)
class About:
    """What the bot tells of itself."""

    software: str
    model: str
    device: str
    precision: str
    licence: str
    """Of the model's weights, and so of the clips."""


class AboutCog(commands.Cog):
    """The command that tells what the bot is."""

    def __init__(self, about: About) -> None:
        self._about = about

    @app_commands.command(description="Show what this bot is and what its clips may be used for.")
    async def about(self, interaction: discord.Interaction) -> None:
        """Tell the caller about the bot."""
        about, say = self._about, say_to(interaction)
        embed = discord.Embed(
            title=about.software,
            description=say(
                "Type `/generate` and a description in English: genre, instruments, mood and "
                "tempo work best. Clips are made on the host's own machine; this model cannot "
                "sing."
            ),
        )
        embed.add_field(name=say("Model"), value=about.model)
        embed.add_field(name=say("Runs on"), value=f"{about.device}, {about.precision}")
        embed.add_field(name=say("Licence of the clips"), value=say(about.licence), inline=False)
        await interaction.response.send_message(embed=embed, ephemeral=True)
