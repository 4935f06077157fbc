"""The files that people have uploaded, from their message to sound, a few at a time.

What ffmpeg may spend on a file is bounded, and so is how often one person can have it spent on
files that come to nothing: each such file in a row is followed by a longer pause.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import discord

from musicgen_bot.audio.upload import LARGEST_BYTES, UploadReader
from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.generation import Samples
from musicgen_bot.jobs.limits import in_words
from musicgen_bot.ui.common.downloads import download

MOST_FILES = 4
"""In hand at once: each is held in memory from when it is fetched until it is read."""
MOST_READ = 2
"""At once, so that a file that is slow to read does not keep all others waiting."""
FIRST_PAUSE_SECONDS = 30.0
"""After the second file in a row that came to nothing; anybody may upload a wrong one."""
LONGEST_PAUSE_SECONDS = 900.0
FORGOTTEN_AFTER_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class _Refusals:
    """Files of one person that came to nothing, one after the other."""

    count: int
    last_at: float

    @property
    def over_at(self) -> float:
        """When the next file may come."""
        if self.count < 2:
            return self.last_at
        pause: float = FIRST_PAUSE_SECONDS * 2.0 ** min(self.count - 2, 10)
        return self.last_at + min(pause, LONGEST_PAUSE_SECONDS)


class Uploads:
    """Takes files in hand, and reads them."""

    def __init__(self, reader: UploadReader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._busy: set[int] = set()
        self._reading = asyncio.Semaphore(MOST_READ)
        self._refused: dict[int, _Refusals] = {}

    @contextmanager
    def turn(self, user_id: int) -> Iterator[None]:
        """Take a file of somebody in hand in this block.

        Raises LimitReached where their last one still is, all have too many, or their last ones
        came to nothing.
        """
        if user_id in self._busy:
            raise LimitReached("Your last file is still being read; try again in a moment.")
        if len(self._busy) >= MOST_FILES:
            raise LimitReached(
                "I am still reading other people's files; please try again in a minute."
            )
        refusals = self._refused.get(user_id)
        if refusals and (wait := refusals.over_at - self._clock()) > 0:
            raise LimitReached(
                "I could not use your last files; you can try another one in {wait}.",
                wait=in_words(wait),
            )
        self._busy.add(user_id)
        try:
            yield
        finally:
            self._busy.remove(user_id)

    async def read(
        self,
        attachment: discord.Attachment,
        user_id: int,
        sample_rate: int,
        channels: int,
        seconds: float,
    ) -> Samples:
        """Return the last seconds of somebody's file, as `UploadReader.read` does; in their turn.

        Raises InvalidRequest or AudioError.
        """
        file = await download(attachment, LARGEST_BYTES)
        async with self._reading:
            try:
                samples = await self._reader.read(file, sample_rate, channels, seconds)
            except InvalidRequest:
                self._note_refusal(user_id)
                raise
        self._refused.pop(user_id, None)
        return samples

    def _note_refusal(self, user_id: int) -> None:
        now = self._clock()
        self._refused = {
            each: refusals
            for each, refusals in self._refused.items()
            if now - refusals.last_at < FORGOTTEN_AFTER_SECONDS
        }
        before = self._refused.get(user_id)
        self._refused[user_id] = _Refusals((before.count if before else 0) + 1, now)
