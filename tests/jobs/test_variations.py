"""Several variations of one job, and the seeds they are made from."""

import asyncio

import pytest

from musicgen_bot.errors import (
    GenerationError,
)
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import Submission
from tests.jobs.hand_driven import address
from tests.jobs.house import Build, ended, ordered


async def test_a_seed_is_chosen_where_none_was_given(build: Build) -> None:
    house = build()
    first = await house.dispatcher.submit(Submission(GenerationRequest("a"), address()))
    second = await house.dispatcher.submit(Submission(GenerationRequest("b"), address()))
    assert len(first.job.order.seeds) == 1
    assert first.job.order.seeds != second.job.order.seeds


async def test_variations_are_made_together_with_seeds_that_follow_each_other(
    build: Build,
) -> None:
    house = build(slots=4)
    active = await house.submit_variations("a", 3)
    await house.backend.until_started("a", "a/2", "a/3")
    house.backend.finish("a/3")
    house.backend.finish("a")
    house.backend.finish("a/2")
    await ended(active)
    assert house.target.seeds == [[1, 2, 3]]
    assert house.target.jobs[0].made_in is not None
    assert len(await house.jobs.codes(active.job.id, "hand")) == 3
    kept = await house.jobs.get(active.job.id)
    assert kept is not None
    assert kept.made_in == house.target.jobs[0].made_in


async def test_variations_take_a_slot_each_and_progress_counts_all(build: Build) -> None:
    house = build(slots=3)
    active = await house.submit_variations("a", 2)
    await house.submit("b")
    waiting = await house.submit("c")
    await house.backend.until_started("a", "a/2", "b")
    assert house.dispatcher.estimate(waiting).place == 1
    house.backend.advance("a", 1.0)
    estimate = house.dispatcher.estimate(active)
    assert estimate.progress is not None
    assert estimate.progress.fraction == pytest.approx(0.5)
    house.backend.speed = 3.0
    # The other variation has 10 s left, and shares the speed with two clips all the while.
    assert house.dispatcher.estimate(active).seconds == pytest.approx(10.0)
    house.backend.finish("a")
    await house.backend.until_started("c")


async def test_a_failing_variation_ends_the_others_and_is_told_once(build: Build) -> None:
    house = build(slots=4)
    active = await house.submit_variations("a", 2)
    await house.backend.until_started("a", "a/2")
    house.backend.fail("a", GenerationError("No memory left."))
    await ended(active)
    assert house.backend.cancelled == ["a/2"]
    assert house.target.told == [("a", "No memory left.")]


async def test_variations_survive_a_restart_whether_they_are_made_or_not(build: Build) -> None:
    house = build(slots=2)
    house.target.leave.clear()
    made = await house.submit_variations("made", 2)
    await house.backend.until_started("made", "made/2")
    house.backend.finish("made")
    house.backend.finish("made/2")
    await house.submit_variations("running", 2)
    await house.backend.until_started("running", "running/2")
    house.backend.finish("running")
    await house.dispatcher.close()
    again = build(slots=2)
    assert await again.dispatcher.resume() == 2
    await again.backend.until_started("running", "running/2")
    running = list(again.dispatcher.unfinished())[-1]
    again.backend.finish("running")
    again.backend.finish("running/2")
    await ended(running)
    assert sorted(again.backend.decoded) == ["made", "made/2"]
    assert again.target.seeds == [[1, 2], [1, 2]]
    assert again.target.jobs[0].made_in == made.job.made_in


@pytest.mark.usefixtures("seeds_from_ten")
async def test_a_variation_that_came_out_silent_is_made_from_another_seed(build: Build) -> None:
    house = build(slots=3)
    house.backend.silent = {11}
    active = await ordered(house, None, variations=3)
    await house.backend.until_started("a/10", "a/11", "a/12")
    for name in ("a/12", "a/11", "a/10"):
        house.backend.finish(name)
    await house.backend.until_started("a/20")
    await house.dispatcher.close()
    again = build(slots=3)  # what was drawn anew is written down
    await again.dispatcher.resume()
    await again.backend.until_started("a/10", "a/20", "a/12")
    (active,) = again.dispatcher.unfinished()
    for name in ("a/10", "a/20", "a/12"):
        again.backend.finish(name)
    await ended(active)
    assert again.target.seeds == [[10, 20, 12]]
    kept = await again.jobs.get(active.job.id)
    assert kept is not None
    assert kept.order.seeds == (10, 20, 12)
    assert [kept.variation(n).seed for n in (1, 2, 3)] == [10, 20, 12]


@pytest.mark.usefixtures("seeds_from_ten")
async def test_a_clip_is_tried_with_three_seeds_and_no_more(build: Build) -> None:
    house = build()
    house.backend.silent = {10, 20, 30}
    active = await ordered(house, None)
    for name in ("a/10", "a/20", "a/30"):
        await house.backend.until_started(name)
        house.backend.finish(name)
    await ended(active)
    assert house.backend.started == ["a/10", "a/20", "a/30"]
    assert active.job.order.seeds == (30,)


async def test_a_seed_that_somebody_asked_for_is_kept_whatever_comes_of_it(build: Build) -> None:
    house = build()
    house.backend.silent = {10}
    active = await ordered(house, 10)
    await house.backend.until_started("a/10")
    house.backend.finish("a/10")
    await ended(active)
    assert house.backend.started == ["a/10"]
    assert house.target.seeds == [[10]]


async def test_slots_are_filled_as_variations_finish_and_never_beyond(build: Build) -> None:
    house = build(slots=4)
    await house.submit("a")
    several = await house.submit_variations("b", 4)
    await house.submit("c")
    await house.submit("d")
    await house.backend.until_started("a", "b", "b/2", "b/3", "b/4")
    for done, started in (("b", None), ("b/2", "c"), ("a", "d")):
        house.backend.finish(done)
        if started:
            await house.backend.until_started(started)
        else:  # five clips were asked for, and four are in the making now
            await asyncio.sleep(0)
            assert "c" not in house.backend.started
    assert several.clips_left == [10, 10]
