"""What is cancelled or deleted goes no further, and says so once."""

import asyncio
from typing import Any

import pytest

from musicgen_bot.job import JobState, Submission
from tests.jobs.hand_driven import address, request
from tests.jobs.house import Build, ended, spent


async def test_a_waiting_job_is_cancelled(build: Build) -> None:
    house = build()
    await house.submit("a")
    waiting = await house.submit("b")
    assert await house.dispatcher.cancel(waiting.job.id)
    await ended(waiting)
    assert await house.state(waiting) is JobState.CANCELLED
    assert house.target.told == [("b", "Cancelled.")]
    assert not await house.dispatcher.cancel(waiting.job.id)
    await house.backend.until_started("a")
    assert house.backend.started == ["a"]


async def test_a_running_job_is_cancelled_and_the_next_takes_its_place(build: Build) -> None:
    house = build()
    running = await house.submit("a")
    await house.submit("b")
    await house.backend.until_started("a")
    assert await house.dispatcher.cancel(running.job.id)
    await house.backend.until_started("b")
    await ended(running)
    assert house.backend.cancelled == ["a"]
    assert await house.state(running) is JobState.CANCELLED


async def test_a_job_cancelled_before_its_task_ran_frees_its_slot(build: Build) -> None:
    house = build()
    first = await house.dispatcher.submit(Submission(request("a"), address()))
    first.answered.set()
    assert await house.dispatcher.cancel(first.job.id)
    await house.submit("b")
    await house.backend.until_started("b")


async def test_a_clip_being_posted_is_not_cancelled_any_more(build: Build) -> None:
    house = build()
    house.target.leave.clear()
    active = await house.submit("a")
    await house.submit("b")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await house.backend.until_started("b")
    assert not await house.dispatcher.cancel(active.job.id)
    house.target.leave.set()
    await ended(active)
    assert house.target.delivered == ["a"]


async def test_whoever_was_not_told_that_their_job_is_cancelled_is_told_in_the_next_run(
    build: Build,
) -> None:
    house = build()
    await house.submit("a")
    active = await house.dispatcher.submit(Submission(request("b"), address()))  # never answered
    assert await house.dispatcher.cancel(active.job.id)
    await house.dispatcher.close()
    assert house.target.told == []
    again = build()
    assert await again.dispatcher.resume() == 1  # to be made
    async with asyncio.timeout(10):
        await again.target.spoke.wait()
    assert again.target.told == [("b", "Cancelled.")]
    await again.backend.until_started("a")
    assert again.backend.started == ["a"]


async def test_cancelling_stops_all_variations(build: Build) -> None:
    house = build(slots=4)
    active = await house.submit_variations("a", 2)
    await house.backend.until_started("a", "a/2")
    assert await house.dispatcher.cancel(active.job.id)
    await ended(active)
    assert sorted(house.backend.cancelled) == ["a", "a/2"]


async def test_a_job_cancelled_before_it_ran_gives_back_and_one_that_ran_does_not(
    build: Build,
) -> None:
    house = build()
    running, waiting = await house.submit("a"), await house.submit("b")
    await house.backend.until_started("a")
    await house.dispatcher.cancel(waiting.job.id)
    await ended(waiting)
    assert await spent(house) == (10, 10)
    await house.dispatcher.cancel(running.job.id)
    await ended(running)
    assert await spent(house) == (10, 10)
    assert await house.state(running) is JobState.CANCELLED


async def test_a_clip_that_is_deleted_before_it_is_delivered_is_posted_nowhere(
    build: Build,
) -> None:
    house = build()
    house.target.leave.clear()
    active = await house.submit("a")
    await house.submit("b")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await house.backend.until_started("b")
    await house.dispatcher.let_go(active.job.id)
    await house.jobs.forget([active.job.id])
    await ended(active)
    house.target.leave.set()
    house.backend.finish("b")
    await ended(next(house.dispatcher.unfinished()))
    assert house.target.delivered == ["b"]
    assert house.target.told == []
    assert await house.state(active) is JobState.DELETED
    await house.dispatcher.let_go(active.job.id)


async def test_all_that_is_deleted_beside_an_order_stays_deleted(build: Build) -> None:
    house = build()
    await house.submit("before")
    await house.backend.until_started("before")
    forgetting = asyncio.create_task(house.dispatcher.forget_person(1))
    during = await house.submit("during")  # its answer is under way while all is deleted
    await forgetting
    await house.dispatcher.forget_person(1)
    await house.dispatcher.answered(during, 99)
    await ended(during)
    rows = await house.database.rows("SELECT state, prompt, message_id FROM jobs")
    assert {tuple(row) for row in rows} == {("deleted", "", None)}
    assert await house.database.rows("SELECT * FROM clips") == []
    assert house.target.delivered == []


async def test_a_clip_made_in_the_moment_it_was_deleted_is_kept_nowhere(build: Build) -> None:
    house = build()
    house.target.leave.clear()
    active = await house.submit("a")
    await house.backend.until_started("a")
    await house.jobs.forget([active.job.id])  # as its button does, before all else
    house.backend.finish("a")
    await house.dispatcher.let_go(active.job.id)
    await ended(active)
    assert await house.state(active) is JobState.DELETED
    assert await house.database.rows("SELECT * FROM clips") == []
    assert house.target.delivered == []


@pytest.mark.parametrize("runs", [True, False])
async def test_a_job_that_another_bot_has_answered_counts_for_nothing(
    build: Build, runs: bool
) -> None:
    house = build()
    first = await house.submit("first", user_id=1 if runs else 2)
    active = first if runs else await house.submit("a")
    await house.backend.until_started("first")
    await house.dispatcher.withdraw(active)
    await ended(active)
    assert await house.jobs.get(active.job.id) is None
    assert await spent(house) == (0.0, 0.0 if runs else 10.0)
    assert house.target.told == []
    assert list(house.dispatcher.unfinished()) == ([] if runs else [first])


async def test_what_is_being_posted_while_all_is_deleted_says_so(build: Build) -> None:
    house = build()
    house.target.leave.clear()
    posting = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await house.until(posting, JobState.MADE)
    await house.dispatcher.forget_person(1)
    await ended(posting)
    assert house.target.told == [("a", "Cancelled and deleted.")]
    assert house.target.delivered == []
    assert await house.state(posting) is JobState.DELETED


async def test_what_was_posted_while_the_rest_is_stopped_is_left_as_it_is(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = build()
    house.target.leave.clear()
    posting = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await house.submit("b")
    await house.backend.until_started("b")
    waiting = await house.submit("c")
    advance = house.jobs.advance

    async def advance_slowly(job_id: int, to: JobState, **more: Any) -> bool:
        if (job_id, to) == (waiting.job.id, JobState.CANCELLED) and not more.get("at"):
            house.target.leave.set()
            await ended(posting)
        return await advance(job_id, to, **more)

    monkeypatch.setattr(house.jobs, "advance", advance_slowly)
    await house.dispatcher.forget_person(1)
    await ended(waiting)
    assert house.target.delivered == ["a"]
    assert "a" not in [prompt for prompt, _ in house.target.told]
    assert await house.state(posting) is JobState.DELETED
