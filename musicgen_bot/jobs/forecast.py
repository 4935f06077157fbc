"""When jobs will be ready, by playing through what the backend is going to do."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache


def forecast(
    jobs: Iterable[Sequence[float]], slots: int, pace: Callable[[int], float]
) -> Iterator[float]:
    """Yield in how many seconds each job will be ready, in their order.

    A job is told by the seconds of music that are left of each of its clips; those that are being
    made come first. Clips take the next free slot in their order, and all that are in a slot
    advance side by side: `pace` tells how many seconds of music each of so many clips gets in a
    second. No more is looked at than it takes to know the next to be yielded.
    """
    pace = cache(pace)
    now = music = 0.0
    unfinished: list[int] = []  # clips of each job that was looked at
    ready: list[float] = []
    told = 0
    running: list[tuple[float, int]] = []  # the point of `music` at which a clip ends; its job
    waiting = _clips(jobs, unfinished, ready)
    while True:
        while len(running) < slots and (following := next(waiting, None)):
            number, seconds = following
            heapq.heappush(running, (music + seconds, number))
        while told < len(unfinished) and not unfinished[told]:
            yield ready[told]
            told += 1
        if not running:
            return
        beside = len(running)
        end, number = heapq.heappop(running)
        now += (end - music) / pace(beside)
        music = end
        unfinished[number] -= 1
        ready[number] = now


def _clips(
    jobs: Iterable[Sequence[float]], unfinished: list[int], ready: list[float]
) -> Iterator[tuple[int, float]]:
    """Yield each clip with the number of its job, and keep the lists as long as there are jobs."""
    for number, clips in enumerate(jobs):
        unfinished.append(len(clips))
        ready.append(0.0)
        for seconds in clips:
            yield number, seconds
