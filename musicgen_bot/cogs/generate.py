"""`/generate`: from a prompt to a message that promises a clip."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.cogs.answering import address_of, promise
from musicgen_bot.generation import MAX_PROMPT_CHARACTERS, MAX_SEED, GenerationRequest, clean_prompt
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.limits import SHORTEST_SECONDS

DEFAULT_SECONDS = 10.0


class GenerateCog(commands.Cog):
    """The command the bot is for."""

    def __init__(self, dispatcher: Dispatcher, longest_seconds: float) -> None:
        self._dispatcher = dispatcher
        self._default_seconds = min(DEFAULT_SECONDS, longest_seconds)

    @app_commands.command(description="Make a music clip from a description of it.")
    @app_commands.describe(
        prompt="What it should sound like: genre, instruments, mood, tempo; in English",
        seconds="Length of the clip in seconds; 10 if you leave it out",
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
        request = GenerationRequest(
            clean_prompt(prompt), self._default_seconds if seconds is None else seconds, seed
        )
        active = await self._dispatcher.submit(request, address_of(interaction))
        await promise(interaction, self._dispatcher, active)
