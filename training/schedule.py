"""How the learning rate falls over a lesson."""

from __future__ import annotations

import math


def cosine(done: float) -> float:
    """Return which part of the learning rate is left when `done` of the lesson, 0 to 1, is over.

    It ends at a fiftieth.
    """
    return 0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(done, 1)))
