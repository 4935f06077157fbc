"""Random draws for captions, made in blocks: one by one they would take most of the time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Dice:
    """Hands out what a generator draws."""

    __slots__ = ("_draws", "_rng")

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._draws: list[float] = []

    def roll(self) -> float:
        """Return a number of [0, 1)."""
        if not self._draws:
            self._draws = self._rng.random(48).tolist()
        return self._draws.pop()

    def chance(self, probability: float) -> bool:
        """Return True so often."""
        return self.roll() < probability

    def below(self, count: int) -> int:
        """Return one of the whole numbers 0 to `count` - 1."""
        return int(self.roll() * count)

    def pick(self, choices: Sequence[str]) -> str:
        """Return one of the choices, each as likely as another."""
        return choices[self.below(len(choices))]

    def shuffled(self, items: list[str]) -> list[str]:
        """Return the list, which is put into any order."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
        return items
