"""When jobs will be ready, by playing through what the backend is going to do."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence


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
