"""The host pauses the bot, drains it, and lets it go on; what was accepted is never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from musicgen_bot.errors import LimitReached
from musicgen_bot.jobs.service_mode import Mode
from musicgen_bot.store.database import Database
from tests.jobs.house import House, ended


@pytest.fixture
async def house() -> AsyncIterator[House]:
    database = await Database.open(None)
    house = House(database)
    yield house
    await house.dispatcher.close()
    await database.close()


async def test_paused_what_runs_is_finished_and_what_waits_waits(house: House) -> None:
    house.backend.speed = 2.0
    running, waiting = await house.submit("a"), await house.submit("b", user_id=2)
    await house.backend.until_started("a")
    assert house.dispatcher.estimate(waiting).seconds is not None
    await house.dispatcher.turn(Mode.PAUSED)
    late = await house.submit("c", user_id=3)
    house.backend.finish("a")
    await ended(running)
    assert house.target.delivered == ["a"]
    estimates = [house.dispatcher.estimate(active) for active in (waiting, late)]
    assert [(each.place, each.seconds, each.paused) for each in estimates] == [
        (1, None, True),
        (2, None, True),
    ]
    assert house.backend.started == ["a"]
    await house.dispatcher.turn(Mode.RUNNING)
    await house.backend.until_started("b")
    assert not house.dispatcher.estimate(late).paused


async def test_a_job_that_waits_while_paused_can_be_cancelled(house: House) -> None:
    await house.dispatcher.turn(Mode.PAUSED)
    active = await house.submit("a")
    assert await house.dispatcher.cancel(active.job.id)
    await ended(active)
    await house.dispatcher.turn(Mode.RUNNING)
    assert house.backend.started == []


async def test_draining_it_takes_on_nothing_and_finishes_all(house: House) -> None:
    first, second = await house.submit("a"), await house.submit("b", user_id=2)
    await house.dispatcher.turn(Mode.DRAINING)
    with pytest.raises(LimitReached, match="about to shut me down"):
        await house.submit("c", user_id=3)
    for active, name in ((first, "a"), (second, "b")):
        await house.backend.until_started(name)
        house.backend.finish(name)
        await ended(active)
    assert house.target.delivered == ["a", "b"]
    assert len(await house.jobs.unfinished()) == 0


@pytest.mark.parametrize("mode", [Mode.PAUSED, Mode.DRAINING])
async def test_the_next_run_is_in_the_same_mode(mode: Mode, house: House) -> None:
    await house.dispatcher.turn(Mode.PAUSED)
    await house.submit("a")
    await house.dispatcher.turn(mode)
    await house.dispatcher.close()
    after = House(house.database)
    assert await after.dispatcher.resume() == 1
    assert after.dispatcher.mode is mode
    if mode is Mode.DRAINING:
        await after.backend.until_started("a")
    else:
        assert next(after.dispatcher.estimates())[1].paused
    await after.dispatcher.close()


async def test_a_model_that_is_loading_is_told_and_no_time_is_promised(house: House) -> None:
    house.backend.speed, house.backend.is_loaded = 2.0, False
    running, waiting = await house.submit("a"), await house.submit("b", user_id=2)
    await house.backend.until_started("a")
    assert house.dispatcher.estimate(running).loading
    assert house.dispatcher.estimate(running).seconds is None
    assert house.dispatcher.estimate(waiting).seconds is None
    house.backend.is_loaded = True
    assert house.dispatcher.estimate(waiting).seconds is not None


async def test_a_model_that_is_out_of_order_is_told_of_every_job(house: House) -> None:
    house.backend.trouble = "It has failed."
    running, waiting = await house.submit("a"), await house.submit("b", user_id=2)
    assert house.dispatcher.estimate(running).out_of_order
    assert house.dispatcher.estimate(waiting).out_of_order
    house.backend.trouble = None
    assert not house.dispatcher.estimate(waiting).out_of_order


async def test_all_work_for_a_person_is_stopped_and_only_theirs(house: House) -> None:
    house.target.leave.clear()
    posting = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.finish("a")
    running = await house.submit("b")
    await house.backend.until_started("b")
    waiting, other = await house.submit("c"), await house.submit("d", user_id=2)
    await house.dispatcher.forget_person(1)
    for active in (posting, running, waiting):
        await ended(active)
    assert sorted(house.target.told) == [
        ("a", "Cancelled and deleted."),
        ("b", "Cancelled and deleted."),
        ("c", "Cancelled and deleted."),
    ]
    assert house.target.delivered == []
    assert "c" not in house.backend.started
    await house.backend.until_started("d")
    assert house.dispatcher.estimate(other).place == 0
