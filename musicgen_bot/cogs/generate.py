"""`/generate`: from a prompt to a message that promises a clip."""

from __future__ import annotations

import contextlib
import logging
import time

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.cogs.caller import member_of, require_bot_permissions
from musicgen_bot.generation import MAX_PROMPT_CHARACTERS, MAX_SEED, GenerationRequest, clean_prompt
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.gate import Gate
from musicgen_bot.jobs.job import ActiveJob
from musicgen_bot.jobs.limits import SHORTEST_SECONDS
from musicgen_bot.store.jobs import Address
from musicgen_bot.ui import embeds
from musicgen_bot.ui.network import UNREACHABLE

ALREADY_ANSWERED = 40060
ANSWER_ATTEMPTS = 3

_log = logging.getLogger(__name__)


class GenerateCog(commands.Cog):
    """The command the bot is for."""

    def __init__(self, dispatcher: Dispatcher, gate: Gate) -> None:
        self._dispatcher = dispatcher
        self._gate = gate

    @app_commands.command(description="Make a music clip from a description of it.")
    @app_commands.describe(
        prompt="What it should sound like: genre, instruments, mood, tempo; in English",
        seconds="Length of the clip in seconds; leave it out for the usual one",
        seed="The same prompt and seed give the same clip again; random if you leave it out",
    )
    async def generate(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, MAX_PROMPT_CHARACTERS],
        seconds: app_commands.Range[float, SHORTEST_SECONDS] | None = None,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
    ) -> None:
        """Accept a job and promise its clip."""
        require_bot_permissions(interaction)
        if seconds is None:
            seconds = await self._gate.default_seconds(interaction.guild_id)
        request = GenerationRequest(clean_prompt(prompt), seconds, seed)
        active = await self._dispatcher.submit(
            request, _address(interaction), member_of(interaction)
        )
        message_id = None
        try:
            message_id = await self._promise(interaction, active)
        finally:
            await self._dispatcher.answered(active, message_id)

    async def _promise(self, interaction: discord.Interaction, active: ActiveJob) -> int | None:
        """Answer with the job's place in the queue and return the id of that message.

        None where Discord took no answer: the job was accepted all the same, and its clip will
        find another way.
        """
        embed = embeds.working(active.job, self._dispatcher.outlook(active), time.time())
        try:
            for _ in range(ANSWER_ATTEMPTS):
                with contextlib.suppress(*UNREACHABLE):  # discord.py does not try again
                    response = await interaction.response.send_message(embed=embed)
                    return response.message_id
        except discord.HTTPException as error:
            _log.warning("job %d: the answer was refused: %s", active.job.id, error)
            if error.code == ALREADY_ANSWERED:  # it got through, and only the receipt was lost
                with contextlib.suppress(discord.DiscordException, *UNREACHABLE):
                    return (await interaction.original_response()).id
        return None


def _address(interaction: discord.Interaction) -> Address:
    if interaction.channel_id is None:
        raise TypeError("a command always comes from a channel")
    return Address(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        message_id=None,
        token=interaction.token,
        created_at=time.time(),
    )
