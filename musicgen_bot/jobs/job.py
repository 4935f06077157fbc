"""A job while it is in the bot's hands, and whom it is for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from musicgen_bot.generation import Clip, Progress
from musicgen_bot.store.jobs import Job


class Undeliverable(Exception):
    """There is no place left where this clip may be posted; it is kept instead."""


class Audience(Protocol):
    """Whoever asked: the message in Discord that promised a clip, or the terminal.

    Both methods may be called again for a job after a restart, and doing it twice does no harm.
    """

    async def deliver(self, job: Job, clip: Clip) -> int | None:
        """Hand over the clip and return the id of the message it is in, where there is one.

        Waits out what passes by itself. Raises GenerationError where no sound can be made of the
        clip, Undeliverable where it can go nowhere.
        """

    async def tell(self, job: Job, text: str) -> None:
        """Tell why there will be no clip."""


@dataclass(slots=True, eq=False)
class ActiveJob:
    """A job that has not ended, with what only matters while the bot runs."""

    job: Job
    progress: Progress | None = None
    """None until the model works on it."""
    task: asyncio.Task[None] | None = None
    """None while it waits in the queue."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the person was answered: until then there is no message to put the clip into."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when everything is done and written."""

    def note_progress(self, progress: Progress) -> None:
        """Remember how far the model is."""
        self.progress = progress

    @property
    def seconds_left(self) -> float:
        """Seconds of music still to be made."""
        done = self.progress.fraction if self.progress else 0.0
        return self.job.request.seconds * (1 - done)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a person may expect of their job."""

    place: int
    """1 is the next to be started; 0 is being made."""
    seconds: float | None
    """Expected time until the clip is there; None where nothing was measured yet."""
    progress: Progress | None
