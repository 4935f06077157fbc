"""`/quota`: how much music the caller may still have today."""

from __future__ import annotations

import math

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.jobs.gate import Gate
from musicgen_bot.ui.caller import member_of


class QuotaCog(commands.Cog):
    """The command that tells what is left of a day's seconds."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @app_commands.command(description="Show how many seconds of music you have left today.")
    async def quota(self, interaction: discord.Interaction) -> None:
        """Tell the caller what is left, and when it comes back."""
        await interaction.response.send_message(await self._text(interaction), ephemeral=True)

    async def _text(self, interaction: discord.Interaction) -> str:
        if interaction.guild_id is None:
            return "There is no limit a day in direct messages."
        own = await self._gate.allowance(
            interaction.guild_id, interaction.user.id, member_of(interaction)
        )
        lines = [
            f"{who} {_left(limit, spent)} of {limit:g} seconds of music left today."
            for who, limit, spent in (
                ("You have", own.user_limit, own.spent_by_user),
                ("This server has", own.guild_limit, own.spent_in_guild),
            )
            if math.isfinite(limit)
        ]
        if not lines:
            return (
                f"There is no limit a day for you here. Today you had {own.spent_by_user:g} "
                "seconds of music."
            )
        at = math.ceil(own.renewed_at)
        return "\n".join([*lines, f"All of it is back at <t:{at}:t>, <t:{at}:R>."])


def _left(limit: float, spent: float) -> str:
    return f"{max(0, math.floor(limit - spent))}"
