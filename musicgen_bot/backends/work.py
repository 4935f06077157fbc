"""What the worker is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musicgen_bot.errors import MusicgenBotError
from musicgen_bot.generation import Clip, GenerationRequest, Progress

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine

NOTHING_DONE = Progress(frames=0, total=1)


@dataclass(slots=True, eq=False)
class Work:
    """A clip on its way through the worker."""

    request: GenerationRequest
    on_progress: Callable[[Progress], None]
    outcome: asyncio.Future[Clip]
    progress: Progress = NOTHING_DONE
    alone: bool = False
    """Set after memory ran out, or the model failed: nothing else may run beside it."""
    failures: int = 0
    """How often the model failed on it alone."""

    @property
    def frames(self) -> int:
        """How many frames are there; those that it goes on from need not be made."""
        given = self.request.continue_from
        return max(self.progress.frames, 0 if given is None else given.shape[1])


@dataclass(slots=True, eq=False)
class Call:
    """What is done between two slices."""

    work: Callable[[Engine], Any]
    outcome: asyncio.Future[Any]
    patient: bool
    """Whether it waits while the model is out of order."""
    failures: int = 0
    """How often the model failed on it."""


def settle(future: asyncio.Future[Any], outcome: object) -> None:
    """Hand over what became of a request, unless nobody waits for it any more."""
    if future.done():
        return
    if isinstance(outcome, MusicgenBotError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
