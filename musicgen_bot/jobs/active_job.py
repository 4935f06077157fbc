"""A job while it is in the bot's hands, and whom it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from musicgen_bot.generation import Clip, Progress
from musicgen_bot.job import Job
from musicgen_bot.translations import Text


class Undeliverable(Exception):
    """There is no place left where this clip may be posted; it is kept instead."""


class DeliveryTarget(Protocol):
    """Whoever asked: the message in Discord that promised a clip, or the terminal.

    Both methods may be called again for a job after a restart, and doing it twice does no harm.
    """

    async def deliver(self, job: Job, clips: Sequence[Clip]) -> int | None:
        """Hand over all variations and return the id of their message, where there is one.

        Waits out what passes by itself. Raises GenerationError where no sound can be made of any
        clip, Undeliverable where they can go nowhere.
        """

    async def tell(self, job: Job, text: Text) -> None:
        """Tell why there will be no clip."""


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
    out_of_reach: bool = False
    """Whether its message cannot be edited any more: it is gone, or not open to the bot."""
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
