"""What every unfinished job may expect: its place, its progress, and when its clip is there."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat

from musicgen_bot.backends.backend import Backend
from musicgen_bot.jobs.active_job import ActiveJob, Estimate
from musicgen_bot.jobs.fair_queue import FairQueue
from musicgen_bot.jobs.service_mode import ServiceMode
from musicgen_bot.jobs.slots import Slots

TURNOVER_SECONDS = 0.4
"""How long a slot is empty, or its clip finished and not yet noticed, between two clips."""


class Estimator:
    """Looks at the jobs that are being made, by their ids, and at those that wait."""

    def __init__(
        self,
        backend: Backend,
        service_mode: ServiceMode,
        slots: Slots,
        queue: FairQueue,
    ) -> None:
        self._backend = backend
        self._service_mode = service_mode
        self._slots = slots
        self._queue = queue

    def all(self) -> Iterator[tuple[ActiveJob, Estimate]]:
        """Yield every unfinished job with its estimate, in the order they are served.

        To be read at once, or as far as wanted, before anything else happens.
        """
        times, paused = self._times(), self._service_mode.is_paused
        loading, broken = not self._backend.is_loaded, self._backend.trouble is not None
        for active in self._slots.making.values():
            yield (
                active,
                Estimate(0, next(times), active.progress, loading=loading, out_of_order=broken),
            )
        for place, active in enumerate(self._queue, start=1):
            seconds = None if paused else next(times)
            yield active, Estimate(place, seconds, None, paused=paused, out_of_order=broken)

    def of(self, active: ActiveJob) -> Estimate:
        """Return what one job may expect."""
        for other, estimate in self.all():
            if other is active:
                return estimate
        return Estimate(0, 0.0, active.progress)

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
        return self._backend.pace(min(max(self._slots.clips_in_making, 1), self._backend.slots))

    def _times(self) -> Iterator[float | None]:
        """Yield the expected time until each unfinished job is ready."""
        pace = self._pace()
        if pace is None:
            return repeat(None)
        making = ([left / pace for left in a.clips_left] for a in self._slots.making.values())
        waiting = ([left / pace + TURNOVER_SECONDS for left in a.clips_left] for a in self._queue)
        return forecast(chain(making, waiting), self._backend.slots)


def forecast(jobs: Iterable[Sequence[float]], slots: int) -> Iterator[float]:
    """Yield when each job will be ready, in their order.

    A job is told by how long each of its clips would take if nothing else were in its way; those
    that are being made come first. Clips take the next free slot in their order. No more is looked
    at than it takes to know the next to be yielded.
    """
    unfinished: list[int] = []  # clips of each job that was looked at
    ready: list[float] = []
    told = 0
    waiting = _clips(jobs, unfinished, ready)
    running: list[tuple[float, int]] = []  # when a clip ends, and its job
    now = 0.0
    while True:
        while len(running) < slots and (following := next(waiting, None)):
            number, length = following
            heapq.heappush(running, (now + length, number))
        while told < len(unfinished) and not unfinished[told]:
            yield ready[told]
            told += 1
        if not running:
            return
        now, number = heapq.heappop(running)
        unfinished[number] -= 1
        ready[number] = now


def _clips(
    jobs: Iterable[Sequence[float]], unfinished: list[int], ready: list[float]
) -> Iterator[tuple[int, float]]:
    """Yield each clip with the number of its job, and keep the lists as long as there are jobs."""
    for number, clips in enumerate(jobs):
        unfinished.append(len(clips))
        ready.append(0.0)
        for length in clips:
            yield number, length
