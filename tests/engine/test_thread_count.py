"""As few threads compute a step as are as fast as more would be, whatever else the machine does."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Callable

import pytest

from musicgen_bot.engine.native.thread_count import ThreadCount

Seconds = Callable[[int], float]


def memory_bound(threads: int) -> float:
    """Two threads read as fast as the memory allows."""
    return 0.020 if threads == 1 else 0.012


def compute_bound(threads: int) -> float:
    return 0.080 / threads


def one_is_enough(threads: int) -> float:
    return 0.020


def crowded(threads: int) -> float:
    """Each further thread is one more that waits for its turn."""
    return 0.020 + 0.005 * (threads - 1)


def used(count: ThreadCount, seconds: Seconds, steps: int = 200, rows: int = 2) -> list[int]:
    result = []
    for _ in range(steps):
        threads = count.of_next_step(rows)
        count.took(seconds(threads))
        result.append(threads)
    return result


def usual(threads: list[int]) -> int:
    return Counter(threads).most_common(1)[0][0]


@pytest.mark.parametrize(
    ("seconds", "most", "best"),
    [
        (memory_bound, 2, 2),
        (memory_bound, 16, 2),
        (compute_bound, 6, 6),
        (one_is_enough, 8, 1),
        (crowded, 4, 1),
        (one_is_enough, 1, 1),
    ],
)
def test_as_few_as_are_as_fast_as_more(seconds: Seconds, most: int, best: int) -> None:
    assert usual(used(ThreadCount(most), seconds)[40:]) == best


def test_it_changes_when_other_programs_come_and_go() -> None:
    count = ThreadCount(2)
    assert usual(used(count, memory_bound)) == 2
    assert usual(used(count, lambda threads: 0.05 if threads == 1 else 0.5)) == 1
    assert usual(used(count, memory_bound)) == 2


@pytest.mark.parametrize("seed", range(5))
def test_steps_that_differ_by_chance_do_not_mislead_it(seed: int) -> None:
    """Beside a busy process two threads are faster on average, but not in every step."""
    chance = random.Random(seed)

    def seconds(threads: int) -> float:
        if threads == 1:
            return chance.gauss(0.0425, 0.002)
        return chance.choice([0.025, 0.028, 0.031, 0.033, 0.038, 0.044])

    assert statistics.mean(used(ThreadCount(2), seconds, steps=1500)) > 1.7


def test_another_number_of_rows_has_a_search_of_its_own() -> None:
    count = ThreadCount(4)
    used(count, one_is_enough, rows=2)
    assert usual(used(count, compute_bound, rows=16)) == 4
    assert usual(used(count, one_is_enough, rows=2)) == 1


def test_what_is_slower_is_hardly_ever_tried() -> None:
    count = ThreadCount(2)
    used(count, memory_bound, steps=5000)
    assert used(count, memory_bound, steps=5000).count(1) <= 3


def test_a_single_slow_step_changes_nothing() -> None:
    count = ThreadCount(2)
    used(count, memory_bound)
    count.of_next_step(2)
    count.took(3.0)
    assert usual(used(count, memory_bound, steps=20)) == 2
