"""The terminal in the place of a channel in Discord: a clip goes into a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from musicgen_bot.audio.files import write_clip
from musicgen_bot.audio.loudness import master
from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.audio.tags import Tags
from musicgen_bot.generation import Clip
from musicgen_bot.job import Address, Job
from musicgen_bot.translations import Text

NOBODY = Address(user_id=0, guild_id=None, channel_id=0, message_id=None, token="", created_at=0.0)
"""Who asks for a clip on the terminal."""


class FileTarget:
    """Takes the clip of a job into a file: a DeliveryTarget."""

    def __init__(
        self, path: Path, pool: SoundPool, *, model: str, licence: str, software: str
    ) -> None:
        self.failure: Text | None = None
        """Why there is no clip, once that is known."""
        self._path = path
        self._pool = pool
        self._model = model
        self._licence = licence
        self._software = software

    async def deliver(self, job: Job, clips: Sequence[Clip]) -> None:
        """Write the file; on the terminal one clip is made at a time.

        Raises GenerationError or InvalidRequest.
        """
        (clip,) = clips
        samples = await self._pool.run(master, clip.samples, clip.sample_rate)
        tags = Tags.of(
            clip.request, model=self._model, licence=self._licence, software=self._software
        )
        await self._pool.run(write_clip, self._path, samples, clip.sample_rate, tags)

    async def tell(self, job: Job, text: Text, *, own_doing: bool) -> None:
        """Note why there will be no clip."""
        self.failure = text
