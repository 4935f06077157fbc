"""`/quota`: how much music the caller may still have today."""

from __future__ import annotations

import math

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.limits import exactly
from musicgen_bot.translations import Text
from musicgen_bot.ui.common.answers import answer, say_to
from musicgen_bot.ui.common.caller import Caller

OF_USER = Text("You have {left} of {limit} of music left today.")
OF_GUILD = Text("This server has {left} of {limit} of music left today.")


class QuotaCog(commands.Cog):
    """The command that tells what is left of a day's seconds."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    @app_commands.command(description="Show how many seconds of music you have left today.")
    async def quota(self, interaction: discord.Interaction) -> None:
        """Tell the caller what is left, and when it comes back."""
        await answer(interaction, await self._text(interaction))

    async def _text(self, interaction: discord.Interaction) -> str:
        caller, say = Caller.of(interaction), say_to(interaction)
        own = await self._admission.allowance(caller.guild_id, caller.user_id, caller.member)
        if own is None:
            return say("There is no daily limit here.")
        lines = [
            say(text.filled(left=max(0, math.floor(limit - spent)), limit=exactly(limit)))
            for text, limit, spent in (
                (OF_USER, own.user_limit, own.spent_by_user),
                (OF_GUILD, own.guild_limit, own.spent_in_guild),
            )
            if math.isfinite(limit)
        ]
        if not lines:
            return say(
                "There is no daily limit for you here. You have made {spent} of music today.",
                spent=exactly(own.spent_by_user),
            )
        at = math.ceil(own.renewed_at)
        back = say(
            "The full quota is back {when} ({time}).", time=f"<t:{at}:t>", when=f"<t:{at}:R>"
        )
        return "\n".join([*lines, back])
