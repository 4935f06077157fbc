"""How many threads compute a step: as few as are as fast as more would be.

That depends on the processor, its memory, the number of rows, and what else the machine is doing.
So it is found by trying: now and then, and at once where steps have become slower or faster, a few
steps are computed with fewer threads, and with more. Beside other programs no two steps take the
same time, and fewer threads have to prove twice that they are enough.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

_SAMPLE = 8
"""Steps whose median is what a number of threads takes."""
_FEWER_MAY_COST = 1.03
_MORE_MUST_SAVE = 0.97
_HOPELESS = 1.3
"""A trial ends with the first step that takes this much longer."""
_CHANGED = 1.25
"""A sample that takes this much longer than the one before, or less, is a reason to try."""
_SOONEST, _LATEST = 128, 2048
"""Steps from one trial to the next; twice as many each time that nothing else was better."""


class ThreadCount:
    """Decides the number of threads, step by step."""

    def __init__(self, most: int) -> None:
        """Choose from 1, 2, 4 and so on, and `most`."""
        powers = [2**n for n in range(most.bit_length())]
        self._counts = sorted({*powers, most})
        self._searches: dict[int, _Search] = {}
        self._search = _Search(self._counts, self._counts.index(most))

    def of_next_step(self, rows: int) -> int:
        """Return how many threads compute the next step, which has so many rows."""
        if rows not in self._searches:
            # What was best for another number of rows is where to begin.
            self._searches[rows] = _Search(self._counts, self._search.current)
        self._search = self._searches[rows]
        return self._search.count

    def took(self, seconds: float) -> None:
        """Take note of how long that step took."""
        self._search.took(seconds)


@dataclass(slots=True)
class _Search:
    """The search for one number of rows."""

    counts: list[int]
    current: int
    """The place in `counts` of what has been best so far."""
    _trial: int | None = None
    """The place of what is being tried instead."""
    _to_try: list[int] = field(default_factory=list)
    """Places to try after that: the neighbours of the current one."""
    _seconds: float = 0
    """What the current one takes; 0 if that is not known yet."""
    _sample: list[float] = field(default_factory=list)
    _proven: bool = False
    """Whether the fewer threads that are to be tried next have been enough once."""
    _since: int = 0
    """Steps since something was tried."""
    _pause: int = _SOONEST

    @property
    def count(self) -> int:
        return self.counts[self.current if self._trial is None else self._trial]

    def took(self, seconds: float) -> None:
        self._sample.append(seconds)
        if self._trial is not None and seconds > _HOPELESS * self._seconds:
            self._proven = False
            self._next_trial()
        elif len(self._sample) == _SAMPLE:
            median = statistics.median(self._sample)
            self._sample.clear()
            if self._trial is None:
                self._settle(median)
            else:
                self._judge(self._trial, median)

    def _settle(self, seconds: float) -> None:
        """Take note of what the current number takes, and decide whether to try others."""
        before, self._seconds = self._seconds, seconds
        self._since += _SAMPLE
        if self._proven:
            self._next_trial()
            return
        if not before / _CHANGED < seconds < before * _CHANGED:
            self._pause = _SOONEST
        elif self._since < self._pause:
            return
        self._to_try = [self.current - 1, self.current + 1]
        self._next_trial()

    def _judge(self, trial: int, seconds: float) -> None:
        """Keep what was tried if it is better, and then try what lies beyond."""
        fewer, proven = trial < self.current, self._proven
        self._proven = False
        if seconds < (_FEWER_MAY_COST if fewer else _MORE_MUST_SAVE) * self._seconds:
            if fewer and not proven:
                self._proven, self._trial = True, None
                self._to_try.insert(0, trial)
                return
            self._to_try = [2 * trial - self.current]
            self.current, self._seconds, self._pause = trial, seconds, _SOONEST
        self._next_trial()

    def _next_trial(self) -> None:
        self._sample.clear()
        self._to_try = [place for place in self._to_try if 0 <= place < len(self.counts)]
        if self._to_try:
            self._trial = self._to_try.pop(0)
            return
        self._trial = None
        self._since = 0
        self._pause = min(2 * self._pause, _LATEST)
