"""From clips to the files of a message: MP3s that fit, their picture, and a WAV on demand."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import discord

from musicgen_bot.audio.files import encode_wav, file_name
from musicgen_bot.audio.loudness import master
from musicgen_bot.audio.mp3 import fit_mp3
from musicgen_bot.audio.tags import Tags
from musicgen_bot.audio.waveform import draw_waveforms
from musicgen_bot.errors import AudioError, UnusableSound
from musicgen_bot.generation import Clip, GenerationRequest, Samples
from musicgen_bot.job import Job
from musicgen_bot.ui.job_message.embeds import PICTURE


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message, to be attached as often as it takes."""

    name: str
    data: bytes

    def file(self) -> discord.File:
        """Return it for one attempt, which closes it."""
        return discord.File(io.BytesIO(self.data), self.name)


@dataclass(frozen=True, slots=True)
class Sounds:
    """The clips of a job, ready to be heard."""

    job: Job
    sample_rate: int
    heard: Mapping[int, Samples]
    """By the number of the variation; those that are silent are missing."""

    @property
    def silent(self) -> list[int]:
        """The variations in which nothing is to be heard."""
        return [n for n in range(1, self.job.order.variations + 1) if n not in self.heard]


class Renderer:
    """Makes files, off the event loop."""

    def __init__(self, *, model: str, licence: str, software: str) -> None:
        self.model = model
        self.licence = licence
        self._software = software

    async def sounds(self, job: Job, clips: Sequence[Clip]) -> Sounds:
        """Return all variations, mastered. Raises UnusableSound where none can be heard."""
        heard: dict[int, Samples] = {}
        for number, clip in enumerate(clips, start=1):
            try:
                heard[number] = await asyncio.to_thread(master, clip.samples, clip.sample_rate)
            except UnusableSound:
                if not heard and number == len(clips):
                    raise
        return Sounds(job, clips[0].sample_rate, heard)

    async def attachments(self, sounds: Sounds, limit_bytes: int) -> list[Attachment]:
        """Return an MP3 of each variation and a picture of all, together within a limit.

        Raises AudioError where they do not fit.
        """
        picture = await asyncio.to_thread(draw_waveforms, list(sounds.heard.values()))
        share = (limit_bytes - len(picture)) // len(sounds.heard)
        return [
            *[await self._mp3(sounds, number, share) for number in sounds.heard],
            Attachment(PICTURE, picture),
        ]

    async def wav(self, job: Job, number: int, clip: Clip) -> Attachment:
        """Return a variation as a WAV. Raises UnusableSound or AudioError."""
        samples = await asyncio.to_thread(master, clip.samples, clip.sample_rate)
        tags = self._tags(clip.request)
        wav = await asyncio.to_thread(encode_wav, samples, clip.sample_rate, tags)
        return Attachment(_file_name(job, number, ".wav"), wav)

    async def _mp3(self, sounds: Sounds, number: int, limit_bytes: int) -> Attachment:
        samples, rate = sounds.heard[number], sounds.sample_rate
        tags = self._tags(sounds.job.variation(number))
        try:
            mp3 = await asyncio.to_thread(fit_mp3, samples, rate, tags, limit_bytes)
        except AudioError:
            # Ctrl-C reaches ffmpeg as well. The bot is stopping then, and that ends this second
            # attempt before the job could be taken for failed.
            mp3 = await asyncio.to_thread(fit_mp3, samples, rate, tags, limit_bytes)
        return Attachment(_file_name(sounds.job, number, ".mp3"), mp3)

    def _tags(self, request: GenerationRequest) -> Tags:
        return Tags.of(request, model=self.model, licence=self.licence, software=self._software)


def _file_name(job: Job, number: int, ending: str) -> str:
    return file_name(job.title, ending if job.order.variations == 1 else f"-{number}{ending}")
