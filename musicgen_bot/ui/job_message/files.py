"""From clips to the files of a message: MP3s that fit, their picture, and a WAV on demand."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import discord

from musicgen_bot.audio.ffmpeg import Ffmpeg
from musicgen_bot.audio.files import encode_wav, file_name
from musicgen_bot.audio.loudness import master
from musicgen_bot.audio.mp3 import fit_mp3
from musicgen_bot.audio.pool import SoundPool
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
class Files:
    """What a job's message shows of its clips."""

    attachments: list[Attachment]
    """An MP3 of each variation, and a picture of all."""
    silent: list[int]
    """The variations in which nothing is to be heard, counted from 1; they have no MP3."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """Makes files in the threads for sound work."""

    pool: SoundPool
    ffmpeg: Ffmpeg
    model: str
    licence: str
    software: str

    async def files(self, job: Job, clips: Sequence[Clip], limit_bytes: int) -> Files:
        """Return the files of all variations, together within a limit.

        Raises UnusableSound where nothing can be heard of any, AudioError where they do not fit.
        """
        heard: dict[int, Samples] = {}
        for number, clip in enumerate(clips, start=1):
            try:
                heard[number] = await self.pool.run(master, clip.samples, clip.sample_rate)
            except UnusableSound:
                if not heard and number == len(clips):
                    raise
        picture = await self.pool.run(draw_waveforms, list(heard.values()))
        share = (limit_bytes - len(picture)) // len(heard)
        rate = clips[0].sample_rate
        mp3s = [
            await self._mp3(job, number, samples, rate, share) for number, samples in heard.items()
        ]
        silent = [number for number in range(1, len(clips) + 1) if number not in heard]
        return Files([*mp3s, Attachment(PICTURE, picture)], silent)

    async def wav(self, job: Job, number: int, clip: Clip) -> Attachment:
        """Return a variation as a WAV. Raises UnusableSound or AudioError."""
        samples = await self.pool.run(master, clip.samples, clip.sample_rate)
        tags = self._tags(clip.request)
        wav = await self.pool.run(encode_wav, samples, clip.sample_rate, tags)
        return Attachment(_file_name(job, number, ".wav"), wav)

    async def _mp3(
        self, job: Job, number: int, samples: Samples, rate: int, limit_bytes: int
    ) -> Attachment:
        tags = self._tags(job.variation(number))
        encode = partial(fit_mp3, samples, rate, tags, self.ffmpeg, limit_bytes)
        try:
            mp3 = await self.pool.run(encode)
        except AudioError:
            # Ctrl-C reaches ffmpeg as well. The bot is stopping then, and that ends this second
            # attempt before the job could be taken for failed.
            mp3 = await self.pool.run(encode)
        return Attachment(_file_name(job, number, ".mp3"), mp3)

    def _tags(self, request: GenerationRequest) -> Tags:
        return Tags.of(request, model=self.model, licence=self.licence, software=self.software)


def _file_name(job: Job, number: int, ending: str) -> str:
    return file_name(job.title, ending if job.order.variations == 1 else f"-{number}{ending}")
