"""What was made arrives, or is kept, and its person is told."""

import pytest

from musicgen_bot.errors import (
    AudioError,
    GenerationError,
    StoreError,
    UnusableSound,
)
from musicgen_bot.job import JobState, Submission
from musicgen_bot.jobs import delivery
from musicgen_bot.jobs.delivery import Undeliverable
from tests.jobs.hand_driven import address, request
from tests.jobs.house import Build, ended, fill_the_disk


async def test_the_next_is_made_while_the_last_is_still_being_posted(build: Build) -> None:
    house = build()
    house.target.leave.clear()
    first = await house.submit("a")
    await house.submit("b", user_id=2)
    await house.backend.until_started("a")
    house.backend.finish("a")
    await house.backend.until_started("b")
    assert not first.ended.is_set()
    house.target.leave.set()
    await ended(first)


@pytest.mark.parametrize("error", [GenerationError("No memory left."), RuntimeError("a bug")])
async def test_a_failure_is_told_in_a_sentence_and_written(error: Exception, build: Build) -> None:
    house = build()
    active = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.fail("a", error)
    await ended(active)
    ((prompt, text),) = house.target.told
    assert prompt == "a"
    assert text == "No memory left." or "went wrong" in text
    assert "a bug" not in text
    assert await house.state(active) is JobState.FAILED


async def test_a_silent_clip_is_told_not_posted(build: Build) -> None:
    house = build()
    house.target.error = UnusableSound("Only silence came out.")
    active = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await ended(active)
    assert house.target.told == [("a", "Only silence came out.")]
    assert await house.state(active) is JobState.FAILED


async def test_a_clip_with_nowhere_to_go_is_kept(build: Build) -> None:
    house = build()
    house.target.error = Undeliverable("The channel is gone.")
    active = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await ended(active)
    assert await house.state(active) is JobState.KEPT
    assert len(await house.jobs.codes(active.job.id, "hand")) == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AudioError("There is no ffmpeg."), "There is no ffmpeg."),
        (RuntimeError("a bug"), "Your clip is ready, but it could not be posted; `/clip "),
    ],
)
async def test_a_clip_that_could_not_be_written_is_kept_all_the_same(
    error: Exception, told: str, build: Build
) -> None:
    house = build()
    house.target.deliver_error = error
    active = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await ended(active)
    ((prompt, text),) = house.target.told
    assert prompt == "a"
    assert text.startswith(told)
    assert await house.state(active) is JobState.KEPT


async def test_while_nothing_can_be_posted_no_more_is_made_than_memory_holds(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_UNDELIVERED", 2)
    house = build()
    house.target.leave.clear()
    jobs = [await house.submit(name) for name in "abc"]
    for name in "ab":
        await house.backend.until_started(name)
        house.backend.finish(name)
    await house.until(jobs[1], JobState.MADE)
    await house.submit("d")
    assert house.backend.started == ["a", "b"]
    assert house.dispatcher.estimate(jobs[2]).place == 1
    house.target.leave.set()
    await house.backend.until_started("c")
    house.backend.finish("c")
    await ended(jobs[2])
    assert house.target.delivered == ["a", "b", "c"]


async def test_what_is_being_made_does_not_count_as_undelivered(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_UNDELIVERED", 2)
    house = build(slots=4)
    for name in "abcd":
        await house.submit(name)
    await house.backend.until_started("a", "b", "c", "d")


async def test_nothing_is_delivered_before_the_person_was_answered(build: Build) -> None:
    house = build()
    active = await house.dispatcher.submit(Submission(request("a"), address()))
    other = await house.submit("b")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await house.backend.until_started("b")
    house.backend.finish("b")
    await ended(other)
    assert house.target.delivered == ["b"]
    await house.dispatcher.answered(active, 99)
    await ended(active)
    assert house.target.delivered == ["b", "a"]


async def test_the_next_run_takes_up_what_was_left_in_its_order(build: Build) -> None:
    house = build(slots=2)
    house.target.leave.clear()
    for prompt in ("made", "running", "second", "third"):
        await house.submit(prompt)
    await house.backend.until_started("made", "running")
    house.backend.finish("made")
    await house.backend.until_started("second")
    await house.dispatcher.close()

    again = build(slots=1)
    assert await again.dispatcher.resume() == 4
    await again.backend.until_started("running", "second")
    assert again.backend.decoded == ["made"]
    again.backend.finish("running")
    again.backend.finish("second")
    await again.backend.until_started("third")
    third = list(again.dispatcher.unfinished())[-1]
    again.backend.finish("third")
    await ended(third)
    assert sorted(again.target.delivered) == ["made", "running", "second", "third"]
    assert third.job.address.message_id == 74
    assert await again.jobs.unfinished() == []


async def test_a_full_disk_refuses_new_jobs_and_still_delivers_the_accepted(
    build: Build,
) -> None:
    house = build()
    active = await house.submit("a")
    await house.backend.until_started("a")
    (pages,) = (await house.database.rows("PRAGMA page_count"))[0]
    await house.database.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full"):
        await fill_the_disk(house)
    house.backend.finish("a")
    await ended(active)
    assert house.target.delivered == ["a"]


async def test_a_step_that_a_full_disk_refused_is_written_before_the_end(build: Build) -> None:
    house = build()
    active = await house.dispatcher.submit(Submission(request("a"), address()))
    await house.backend.until_started("a")
    await house.until(active, JobState.RUNNING)
    await house.database.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON jobs "
        "BEGIN SELECT raise(ABORT, 'database or disk is full'); END"
    )
    await house.dispatcher.answered(active, 70)
    house.backend.finish("a")
    await ended(active)
    assert house.target.delivered == ["a"]
    assert await house.state(active) is JobState.RUNNING
    await house.database.execute("DROP TRIGGER full")
    await house.dispatcher.close()
    kept = await house.jobs.get(active.job.id)
    assert kept is not None
    assert (kept.state, kept.address.message_id) == (JobState.DELIVERED, 70)
    assert len(await house.jobs.codes(active.job.id, "hand")) == 1
    again = build()  # and the next run has nothing to make again
    assert await again.dispatcher.resume() == 0
