"""The wait that people are told is the wait they then have."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from musicgen_bot.backends import worker
from musicgen_bot.jobs.estimates import forecast
from musicgen_bot.store.database import Database
from tests.jobs.simulation import Busy, SimulatedEngine, Simulation

Lengths = list[tuple[float, int]]
SAME: Lengths = [(10, 1)]
MIXED: Lengths = [(5, 1), (30, 1), (10, 1), (2, 1), (20, 1), (12, 1), (8, 1)]
VARIATIONS: Lengths = [(5, 1), (10, 4), (30, 1), (15, 2), (8, 3), (20, 1)]


def on_a_cpu(clips: int) -> float:
    return 0.018 + 0.003 * clips


def on_a_gpu(clips: int) -> float:
    return 0.008


def without_a_gain(clips: int) -> float:
    return 0.02 * clips


@pytest.mark.parametrize("lengths", [SAME, MIXED, VARIATIONS], ids=["same", "mixed", "variations"])
@pytest.mark.parametrize(
    ("slots", "step_seconds"),
    [(1, on_a_cpu), (4, on_a_cpu), (4, on_a_gpu), (4, without_a_gain), (8, on_a_cpu)],
)
async def test_in_a_steady_state_the_wait_is_what_was_told(
    lengths: Lengths,
    slots: int,
    step_seconds: Callable[[int], float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = SimulatedEngine(step_seconds)
    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: engine.now))
    database = await Database.open(None)
    backend = await Busy.load(lambda: engine, slots)  # type: ignore[arg-type, return-value]
    simulation = Simulation(engine, backend, database)
    told: list[tuple[int, float, float]] = []
    orders = itertools.cycle(lengths)
    try:
        await keep_waiting(simulation, slots + 12, orders)
        while len(simulation.delivered_at) < 30:
            await simulation.slice()
            await simulation.rest()
            await keep_waiting(simulation, slots + 12, orders)
            told += [
                (active.job.id, engine.now, estimate.seconds)
                for active, estimate in simulation.dispatcher.estimates()
                if estimate.place
                and estimate.seconds is not None
                # The speed of so many clips at once was measured by then.
                and len(simulation.delivered_at) >= 5
            ]
    finally:
        engine.door.release(10**6)
        await simulation.dispatcher.close()
        await backend.close(10)
        await database.close()
    errors = [
        abs(seconds - wait) / wait
        for job_id, at, seconds in told
        if (wait := simulation.delivered_at.get(job_id, at) - at)
    ]
    assert len(errors) > 200
    assert max(errors) <= 0.25


async def keep_waiting(
    simulation: Simulation, count: int, orders: Iterator[tuple[float, int]]
) -> None:
    """Let jobs come in until so many are unfinished."""
    while len(list(simulation.dispatcher.unfinished())) < count:
        await simulation.submit(*next(orders))


def test_clips_take_the_next_free_slot() -> None:
    assert list(forecast([[4.0], [8.0], [4.0], [2.0, 6.0]], 2)) == [4.0, 8.0, 8.0, 14.0]
    assert list(forecast([[4.0], [8.0], [4.0], [2.0, 6.0]], 1)) == [4.0, 12.0, 16.0, 24.0]


def test_a_job_with_nothing_left_is_ready_now() -> None:
    assert list(forecast([[], [4.0], []], 2)) == [0.0, 4.0, 0.0]
    assert list(forecast([], 2)) == []


def test_no_more_is_looked_at_than_is_asked_for() -> None:
    looked_at = 0

    def jobs() -> Iterator[list[float]]:
        nonlocal looked_at
        while True:
            looked_at += 1
            yield [10.0]

    times = forecast(jobs(), 4)
    assert len(list(itertools.islice(times, 20))) == 20
    assert looked_at <= 24
