"""`/generate`: what the bot is for."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.generation import MAX_PROMPT_CHARACTERS, MAX_SEED, GenerationRequest
from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.limits import SHORTEST_SECONDS
from musicgen_bot.styles import matching
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.text import CHOICES_SHOWN, shortened
from musicgen_bot.ui.job_message.remix import HIGHEST_GUIDANCE
from musicgen_bot.ui.job_message.submitting import prompt_and_order, submit

MOST_VARIATIONS = 4
HIGHEST_TEMPERATURE = 2.0
HIGHEST_TOP_K = 2048
"""As many codes as there are to choose from."""


class GenerateCog(commands.Cog):
    """The command that orders a clip."""

    def __init__(self, dispatcher: Dispatcher, admission: Admission) -> None:
        self._dispatcher = dispatcher
        self._admission = admission

    @app_commands.command(description="Make a music clip from a description.")
    @app_commands.describe(
        prompt="What it should sound like: genre, instruments, mood, tempo; in English",
        style="Adds the instruments, mood and tempo of a genre; also works without a prompt",
        seconds="Length of the clip in seconds; leave it out for the default length",
        variations="How many clips to choose from; 1 if you leave it out",
        seed="The same prompt and seed usually give the same clip; random if you leave it out",
        guidance="How closely the clip follows the prompt; 3 if you leave it out",
        temperature="How adventurous the clip is; 1 if you leave it out",
        top_k="How many of the likeliest sounds to choose from; 250 if you leave it out",
    )
    async def generate(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, MAX_PROMPT_CHARACTERS] = "",
        style: str = "",
        seconds: app_commands.Range[float, SHORTEST_SECONDS] | None = None,
        variations: app_commands.Range[int, 1, MOST_VARIATIONS] = 1,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        guidance: app_commands.Range[float, 1.0, HIGHEST_GUIDANCE] = 3.0,
        temperature: app_commands.Range[float, 0.1, HIGHEST_TEMPERATURE] = 1.0,
        top_k: app_commands.Range[int, 1, HIGHEST_TOP_K] = 250,
    ) -> None:
        """Accept a job and promise its clip."""
        caller = Caller.of(interaction)
        words, order = prompt_and_order(prompt, style, variations)
        if seconds is None:
            seconds = await self._admission.default_seconds(caller.guild_id, caller.member)
        request = GenerationRequest(
            prompt=words,
            seconds=seconds,
            seed=seed,
            guidance=guidance,
            temperature=temperature,
            top_k=top_k,
        )
        await submit(self._dispatcher, interaction, request, order)

    @generate.autocomplete("style")
    async def _offer_styles(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(
                name=shortened(f"{style.name}: {style.words}", 100), value=style.name
            )
            for style in matching(current)
        ][:CHOICES_SHOWN]
