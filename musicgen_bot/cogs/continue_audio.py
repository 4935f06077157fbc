"""`/continue` and *Continue this audio*: from a sound file to a clip that goes on from its end."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.generation import MAX_PROMPT_CHARACTERS, Codes, GenerationRequest, Samples
from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.limits import SHORTEST_SECONDS
from musicgen_bot.network import UNREACHABLE
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.downloads import likeliest_sound
from musicgen_bot.ui.common.uploads import Uploads
from musicgen_bot.ui.job_message.submitting import check, defer, prompt_and_order, submit

KEPT_SECONDS = 10.0
"""How much of a file's end the clip starts with: enough to hear what it is, and half of a clip."""


@dataclass(frozen=True, slots=True)
class AudioEncoder:
    """The model's encoder, from sound to codes."""

    encode: Callable[[Samples, int], Awaitable[Codes]]
    """Makes codes, [codebooks, frames], of samples, [channels, samples], at this rate."""
    sample_rate: int
    channels: int
    frame_rate: int


class ContinueCog(commands.Cog):
    """The commands that go on from somebody's sound."""

    def __init__(
        self,
        client: commands.AutoShardedBot,
        dispatcher: Dispatcher,
        admission: Admission,
        uploads: Uploads,
        encoder: AudioEncoder,
    ) -> None:
        self._dispatcher = dispatcher
        self._admission = admission
        self._encoder = encoder
        self._uploads = uploads
        client.tree.add_command(
            app_commands.ContextMenu(name="Continue this audio", callback=self._continue_message)
        )

    @app_commands.command(
        name="continue",
        description="Continue an audio file: the clip starts with its last seconds.",
    )
    @app_commands.describe(
        audio="An audio file: MP3, WAV, FLAC, Ogg, M4A or another",
        prompt="What the new music should sound like, in English; leave it out to follow the file",
        seconds="Seconds of new music, after up to 10 s of the file; leave it out for the default "
        "length",
    )
    async def continue_audio(
        self,
        interaction: discord.Interaction,
        audio: discord.Attachment,
        prompt: app_commands.Range[str, 1, MAX_PROMPT_CHARACTERS] = "",
        seconds: app_commands.Range[float, SHORTEST_SECONDS] | None = None,
    ) -> None:
        """Accept a job that goes on from a file, and promise its clip."""
        await self._go_on(interaction, audio, prompt, seconds)

    async def _continue_message(
        self, interaction: discord.Interaction, message: discord.Message
    ) -> None:
        attachment = likeliest_sound(message)
        if attachment is None:
            raise InvalidRequest(
                "There is no audio file in this message; choose a message with an MP3 or similar, "
                "or upload a file with `/continue`."
            )
        await self._go_on(interaction, attachment, "", None)

    async def _go_on(
        self,
        interaction: discord.Interaction,
        attachment: discord.Attachment,
        prompt: str,
        seconds: float | None,
    ) -> None:
        words, order = prompt_and_order(prompt, "", 1, needs_words=False)
        order = replace(order, uploaded=True)
        caller = Caller.of(interaction)
        guild_id, member = caller.guild_id, caller.member
        longest = await self._admission.longest_seconds(guild_id, member)
        if seconds is None:
            usual = await self._admission.default_seconds(guild_id, member)
            seconds = min(usual, longest / 2)
        most = longest - SHORTEST_SECONDS
        if most < SHORTEST_SECONDS:
            raise LimitReached(
                "A clip can be at most {longest} seconds long here, which is too short to "
                "continue a file; please ask an admin of this server to allow longer ones.",
                longest=longest,
            )
        if not SHORTEST_SECONDS <= seconds <= most:
            raise InvalidRequest(
                "You can add {least} to {most} seconds to a file here; you asked for {seconds}.",
                least=SHORTEST_SECONDS,
                most=most,
                seconds=seconds,
            )
        # How much of the file there is turns out when it is read: at least a second.
        least = GenerationRequest(words, min(SHORTEST_SECONDS + seconds, longest))
        added = replace(order, given_seconds=least.seconds - seconds)
        await check(self._dispatcher, interaction, least, added)
        encoder, user_id = self._encoder, caller.user_id
        with self._uploads.turn(user_id):
            if not await defer(interaction):
                return
            try:
                given = min(KEPT_SECONDS, longest - seconds)
                samples = await self._uploads.read(
                    attachment, user_id, encoder.sample_rate, encoder.channels, given
                )
                codes = await encoder.encode(samples, encoder.sample_rate)
                whole = codes.shape[1] / encoder.frame_rate + seconds
                # Which rounding must not make longer than the longest.
                request = replace(least, seconds=min(whole, longest), continue_from=codes)
                await submit(self._dispatcher, interaction, request, order, deferred=True)
            except Exception:
                # What is told instead is for one person only, which a public answer cannot become.
                with contextlib.suppress(discord.HTTPException, *UNREACHABLE):
                    await interaction.delete_original_response()
                raise
