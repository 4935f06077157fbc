"""What every unfinished job may expect: its place, its progress, and when its clip is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, repeat

from musicgen_bot.backends.backend import Backend
from musicgen_bot.jobs.fair_queue import FairQueue
from musicgen_bot.jobs.forecast import forecast
from musicgen_bot.jobs.job import ActiveJob, Outlook
from musicgen_bot.jobs.mode import Switch

TURNOVER_SECONDS = 0.4
"""How long a slot is empty, or its clip finished and not yet noticed, between two clips."""


class Prospects:
    """Looks at the jobs that are being made, by their ids, and at those that wait."""

    def __init__(
        self, backend: Backend, switch: Switch, making: Mapping[int, ActiveJob], queue: FairQueue
    ) -> None:
        self._backend = backend
        self._switch = switch
        self._making = making
        self._queue = queue

    @property
    def clips_in_making(self) -> int:
        """How many clips the backend has, or is about to get."""
        return sum(len(active.clips_left) for active in self._making.values())

    def all(self) -> Iterator[tuple[ActiveJob, Outlook]]:
        """Yield every unfinished job with its outlook, in the order they are served.

        To be read at once, or as far as wanted, before anything else happens.
        """
        times, loading, paused = self._times(), not self._backend.is_loaded, self._switch.is_paused
        for active in self._making.values():
            yield active, Outlook(0, next(times), active.progress, loading=loading)
        for place, active in enumerate(self._queue, start=1):
            seconds = None if paused else next(times)
            yield active, Outlook(place, seconds, None, paused=paused)

    def of(self, active: ActiveJob) -> Outlook:
        """Return what one job may expect."""
        for other, outlook in self.all():
            if other is active:
                return outlook
        return Outlook(0, 0.0, active.progress)

    def starts_in(self, active: ActiveJob) -> float | None:
        """Return the expected seconds until a job that waits is started; None if that is open."""
        ready, pace = self.of(active).seconds, self._pace()
        if ready is None or pace is None:
            return None
        return max(0.0, ready - max(active.clips_left, default=0.0) / pace)

    def _pace(self) -> float | None:
        """Return the seconds of music a second that each clip gets while jobs wait."""
        if not self._backend.is_loaded:  # how long loading takes is not known
            return None
        # While jobs wait others come after them, so the slots stay as full as they are.
        return self._backend.pace(min(max(self.clips_in_making, 1), self._backend.slots))

    def _times(self) -> Iterator[float | None]:
        """Yield the expected time until each unfinished job is ready."""
        pace = self._pace()
        if pace is None:
            return repeat(None)
        making = ([left / pace for left in a.clips_left] for a in self._making.values())
        waiting = ([left / pace + TURNOVER_SECONDS for left in a.clips_left] for a in self._queue)
        return forecast(chain(making, waiting), self._backend.slots)
