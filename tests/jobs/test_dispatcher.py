"""A job goes its way once, whatever happens on it."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from musicgen_bot.errors import (
    GenerationError,
    InvalidRequest,
    LimitReached,
)
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import JobState, Order, Submission
from musicgen_bot.jobs import estimates
from musicgen_bot.jobs.limits import NO_LIMITS, Limits
from tests.jobs.hand_driven import address
from tests.jobs.house import Build, ended, spent


async def test_a_job_is_written_made_delivered_and_written_again(build: Build) -> None:
    house = build()
    active = await house.submit("a")
    await house.backend.until_started("a")
    assert await house.state(active) is JobState.RUNNING
    house.backend.finish("a")
    await ended(active)
    assert house.target.delivered == ["a"]
    assert await house.state(active) is JobState.DELIVERED
    assert len(await house.jobs.codes(active.job.id, "hand")) == 1
    assert list(house.dispatcher.estimates()) == []


async def test_no_more_run_than_there_are_slots_and_the_rest_wait_in_turn(
    build: Build,
) -> None:
    house = build(slots=2)
    for prompt, user_id in (("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2)):
        await house.submit(prompt, user_id)
    await house.backend.until_started("a1", "a2")
    places = {active.job.request.prompt: o.place for active, o in house.dispatcher.estimates()}
    assert places == {"a1": 0, "a2": 0, "a3": 1, "b1": 2}
    house.backend.finish("a1")
    await house.backend.until_started("a3")
    house.backend.finish("a2")
    await house.backend.until_started("b1")


async def test_the_outlook_follows_speed_and_progress(build: Build) -> None:
    house = build()
    running, waiting = await house.submit("a"), await house.submit("b")
    await house.backend.until_started("a")
    assert house.dispatcher.estimate(waiting).seconds is None
    house.backend.speed = 2.0
    house.backend.advance("a", 0.4)
    assert house.dispatcher.estimate(running).seconds == pytest.approx(3.0)
    turnover = estimates.TURNOVER_SECONDS
    assert house.dispatcher.estimate(waiting).seconds == pytest.approx(8.0 + turnover)
    assert house.dispatcher.estimate(waiting).place == 1


async def test_a_full_queue_tells_when_its_next_job_starts(build: Build) -> None:
    house = build(limits=replace(NO_LIMITS, waiting_per_guild=2, waiting_per_user=2))
    house.backend.speed = 1.0
    await house.submit("a", user_id=1)
    await house.backend.until_started("a")
    house.backend.advance("a", 0.2)
    await house.submit("b", user_id=2)
    await house.submit("c", user_id=3)
    # 8 s of "a" and the turnover are left, and then "b" begins, whose 10 s do not matter.
    with pytest.raises(LimitReached, match="in about 9 seconds"):
        await house.submit("d", user_id=3)


async def test_codes_of_another_model_are_not_gone_on_from(build: Build) -> None:
    house = build()
    await house.submit("a")
    known = np.ones((4, 100), np.int16)
    extended = GenerationRequest("b", seed=1, continue_from=known)
    await house.dispatcher.answered(
        await house.dispatcher.submit(Submission(extended, address())), 70
    )
    await house.dispatcher.close()
    again = build()
    again.backend.model = "another"
    await again.dispatcher.resume()
    await again.backend.until_started("a")
    again.backend.finish("a")
    async with asyncio.timeout(10):
        await again.target.spoke.wait()
    ((prompt, text),) = again.target.told
    assert prompt == "b"
    assert "by a different model" in text


async def test_a_stopping_bot_takes_nothing_on(build: Build) -> None:
    house = build()
    await house.dispatcher.close()
    with pytest.raises(LimitReached, match="restarting"):
        await house.submit("a")
    assert await house.jobs.unfinished() == []


async def test_the_limits_are_kept_and_given_back(build: Build) -> None:
    limits = Limits(clip_seconds=30, cooldown_seconds=10, waiting_per_user=1, waiting_per_guild=2)
    house = build(limits=limits)
    await house.submit("running")
    with pytest.raises(LimitReached, match="try again in 10 seconds"):
        await house.submit("too soon")
    house.now += 10
    waiting = await house.submit("waiting")
    house.now += 10
    with pytest.raises(LimitReached, match="You already have 1 clip"):
        await house.submit("one too many")
    await house.submit("of another", user_id=2)
    with pytest.raises(LimitReached, match="This server already has 2 clips"):
        await house.submit("of a third", user_id=3)
    await house.submit("of a third elsewhere", user_id=3, guild_id=2)
    assert await house.dispatcher.cancel(waiting.job.id)
    await house.submit("room again")


async def test_a_clip_no_longer_than_what_it_goes_on_from_is_not_taken_on(build: Build) -> None:
    house = build()
    known = np.ones((4, 500), np.int16)
    for seconds in (9.0, 10.0):
        with pytest.raises(InvalidRequest, match="already 10 seconds long"):
            await house.dispatcher.submit(
                Submission(
                    GenerationRequest("a", seconds, continue_from=known), address(at=house.now)
                )
            )
    await house.dispatcher.submit(
        Submission(GenerationRequest("a", 10.02, continue_from=known), address(at=house.now))
    )
    assert len(list(house.dispatcher.unfinished())) == 1


async def test_seconds_are_spent_when_a_job_is_accepted_and_stay_so(build: Build) -> None:
    house = build()
    active = await house.submit("a")
    await house.submit("of another", user_id=2)
    await house.submit("elsewhere", guild_id=2)
    assert await spent(house) == (10, 20)
    await house.backend.until_started("a")
    house.backend.finish("a")
    await ended(active)
    await house.dispatcher.close()
    assert await spent(build()) == (10, 20)


async def test_the_seconds_of_a_job_that_failed_are_given_back(build: Build) -> None:
    house = build()
    active = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.fail("a", GenerationError("No memory left."))
    await ended(active)
    assert await spent(house) == (0, 0)


async def test_an_extension_spends_only_what_it_adds(build: Build) -> None:
    house = build(slots=4)
    known = np.ones((4, 500), np.int16)
    extended = GenerationRequest("a", 14.0, seed=1, continue_from=known)
    active = await house.dispatcher.submit(Submission(extended, address(at=house.now), Order(2)))
    assert await spent(house) == (8, 8)
    assert active.clips_left == [4, 4]
    await house.backend.until_started("a", "a/2")
    house.backend.advance("a", 0.75)
    assert active.clips_left == [3.5, 4]
    await house.dispatcher.close()
    again = build()
    assert await again.dispatcher.resume() == 1
    assert next(again.dispatcher.unfinished()).clips_left == [4, 4]
