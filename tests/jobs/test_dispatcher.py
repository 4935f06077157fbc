"""A job goes its way once, whatever happens on it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.errors import (
    AudioError,
    GenerationError,
    InvalidRequest,
    LimitReached,
    StoreError,
    UnusableSound,
)
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import JobState, Order, Submission
from musicgen_bot.jobs import dispatcher, estimates, job_runner
from musicgen_bot.jobs.active_job import ActiveJob, Undeliverable
from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.limits import NO_LIMITS, Limits
from musicgen_bot.jobs.service_mode import ServiceMode
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import GuildSettingsStore
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.personal import PersonalData
from tests.jobs.hand_driven import HandBackend, HandTarget, address, request


@dataclass
class House:
    """A dispatcher on a real database, between a backend and a target driven by hand."""

    database: Database
    limits: Limits = NO_LIMITS
    slots: int = 1
    now: float = 1000.0
    target: HandTarget = field(default_factory=HandTarget)

    def __post_init__(self) -> None:
        self.jobs = JobStore(self.database)
        self.backend = HandBackend(self.slots)
        admission = Admission(
            host=self.limits,
            jobs=self.jobs,
            settings=GuildSettingsStore(self.database),
            blocklist=Blocklist(BlockStore(self.database), HostBlockStore(self.database)),
            clock=lambda: self.now,
        )
        self.dispatcher = Dispatcher(
            jobs=self.jobs,
            backend=self.backend,
            target=self.target,
            admission=admission,
            personal=PersonalData(self.database),
            service_mode=ServiceMode(NoteStore(self.database)),
            events=Events(prompts=False, clock=lambda: self.now),
            pool=SoundPool(),
            clock=lambda: self.now,
        )

    async def submit(self, prompt: str, user_id: int = 1, guild_id: int | None = 1) -> ActiveJob:
        active = await self.dispatcher.submit(
            Submission(request(prompt), address(user_id, guild_id, self.now))
        )
        await self.dispatcher.answered(active, 70 + active.job.id)
        return active

    async def submit_variations(self, prompt: str, count: int) -> ActiveJob:
        order = Order(count)
        active = await self.dispatcher.submit(
            Submission(request(prompt), address(at=self.now), order)
        )
        await self.dispatcher.answered(active, 70 + active.job.id)
        return active

    async def until(self, active: ActiveJob, state: JobState) -> None:
        async with asyncio.timeout(10):
            while await self.state(active) is not state:
                pass  # the database is asked again, and others have their turn meanwhile

    async def state(self, active: ActiveJob) -> JobState:
        rows = await self.database.rows("SELECT state FROM jobs WHERE id = ?", (active.job.id,))
        return JobState(rows[0][0])


Build = Callable[..., House]


@pytest.fixture
async def build(tmp_path: Path) -> AsyncIterator[Build]:
    """Build houses on one database, as runs of the bot follow each other; close them at the end."""
    database = await Database.open(tmp_path / "bot.sqlite3")
    houses: list[House] = []

    def build(**options: Any) -> House:
        houses.append(House(database, **options))
        return houses[-1]

    yield build
    for house in houses:
        await house.dispatcher.close()
    await database.close()


async def fill_the_disk(house: House) -> None:
    for n in range(1000):
        await house.submit(f"filler {n} {'x' * 400}", user_id=9)


async def ended(active: ActiveJob) -> None:
    async with asyncio.timeout(10):
        await active.ended.wait()


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


async def test_a_seed_is_chosen_where_none_was_given(build: Build) -> None:
    house = build()
    first = await house.dispatcher.submit(Submission(GenerationRequest("a"), address()))
    second = await house.dispatcher.submit(Submission(GenerationRequest("b"), address()))
    assert first.job.request.seed is not None
    assert first.job.request.seed != second.job.request.seed


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


@pytest.mark.parametrize("error", [AudioError("There is no ffmpeg."), RuntimeError("a bug")])
async def test_a_clip_that_could_not_be_written_is_kept_all_the_same(
    error: Exception, build: Build
) -> None:
    house = build()
    house.target.deliver_error = error
    active = await house.submit("a")
    await house.backend.until_started("a")
    house.backend.finish("a")
    await ended(active)
    ((prompt, text),) = house.target.told
    assert prompt == "a"
    assert text == "There is no ffmpeg." or "went wrong" in text
    assert await house.state(active) is JobState.KEPT


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


async def test_while_nothing_can_be_posted_no_more_is_made_than_memory_holds(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "MOST_UNDELIVERED", 2)
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
    monkeypatch.setattr(dispatcher, "MOST_UNDELIVERED", 2)
    house = build(slots=4)
    for name in "abcd":
        await house.submit(name)
    await house.backend.until_started("a", "b", "c", "d")


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


async def test_a_stopping_bot_takes_nothing_on(build: Build) -> None:
    house = build()
    await house.dispatcher.close()
    with pytest.raises(LimitReached, match="restarting"):
        await house.submit("a")
    assert await house.jobs.unfinished() == []


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


async def test_cancelling_stops_all_variations(build: Build) -> None:
    house = build(slots=4)
    active = await house.submit_variations("a", 2)
    await house.backend.until_started("a", "a/2")
    assert await house.dispatcher.cancel(active.job.id)
    await ended(active)
    assert sorted(house.backend.cancelled) == ["a", "a/2"]


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


@pytest.fixture
def seeds_from_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw seeds 10, 20, 30 …"""
    seeds = itertools.count(10, 10)
    monkeypatch.setattr(job_runner, "draw_seed", lambda: next(seeds))
    monkeypatch.setattr(dispatcher, "draw_seed", lambda: next(seeds))


async def ordered(house: House, seed: int | None, variations: int = 1) -> ActiveJob:
    asked = GenerationRequest("a", seed=seed)
    active = await house.dispatcher.submit(
        Submission(asked, address(at=house.now), Order(variations))
    )
    await house.dispatcher.answered(active, 70)
    return active


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
    assert kept.seeds == (10, 20, 12)
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
    assert active.job.request.seed == 30


async def test_a_seed_that_somebody_asked_for_is_kept_whatever_comes_of_it(build: Build) -> None:
    house = build()
    house.backend.silent = {10}
    active = await ordered(house, 10)
    await house.backend.until_started("a/10")
    house.backend.finish("a/10")
    await ended(active)
    assert house.backend.started == ["a/10"]
    assert house.target.seeds == [[10]]


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


async def spent(house: House) -> tuple[float, float]:
    return await house.jobs.seconds_spent(1, 1, 0, house.now + 1)


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
