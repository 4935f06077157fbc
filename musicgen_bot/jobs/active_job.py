"""A job while it is in the bot's hands, and what its person may expect."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from musicgen_bot.generation import Progress
from musicgen_bot.job import Job


@dataclass(slots=True, eq=False)
class ActiveJob:
    """A job that has not ended, with what only matters while the bot runs."""

    job: Job
    progress: Progress | None = None
    """None until the model works on it."""
    promised: Estimate | None = None
    """What the person was told in answer; None for a job of a former run."""
    task: asyncio.Task[None] | None = None
    """None while it waits in the queue."""
    takes_updates: bool = True
    """Whether its message is kept up to date: not once it is out of reach, or is told the end."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the person was answered: until then there is no message to put the clip into."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when everything is done and written."""
    _variations: dict[int, Progress] = field(default_factory=dict)
    _made: set[int] = field(default_factory=set)

    def note_progress(self, variation: int, progress: Progress) -> None:
        """Remember how far the model is with one of the variations."""
        self._variations[variation] = progress
        frames = sum(each.frames for each in self._variations.values())
        self.progress = Progress(frames, progress.total * self.variations)

    def note_made(self, variation: int) -> None:
        """Remember that the model is done with one of the variations."""
        self._made.add(variation)

    @property
    def variations(self) -> int:
        """How many clips are made for it."""
        return self.job.order.variations

    @property
    def clips_left(self) -> list[float]:
        """Seconds of music still to be made of each variation that the model is not done with."""
        return [
            self._seconds_left(number)
            for number in range(1, self.variations + 1)
            if number not in self._made
        ]

    def _seconds_left(self, variation: int) -> float:
        seconds = self.job.request.seconds
        if progress := self._variations.get(variation):
            return seconds * (1 - progress.fraction)
        return seconds - self.job.order.given_seconds


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a person may expect of their job."""

    place: int
    """1 is the next to be started; 0 is being made."""
    seconds: float | None
    """Expected time until the clip is there; None where nothing was measured yet."""
    progress: Progress | None
    paused: bool = False
    """Whether it waits because the host has paused the bot."""
    loading: bool = False
    """Whether it waits for the model, which is being loaded again."""
    out_of_order: bool = False
    """Whether it waits for the host's machine, on which the model has failed."""
