"""A job is kept as it was accepted, and what it came to."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from musicgen_bot.errors import StoreError
from musicgen_bot.generation import MAX_SEED, GenerationRequest
from musicgen_bot.job import ORIGINS, Address, JobState, Order, Submission, seeds_from
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore, MadeClips

REQUEST = GenerationRequest("ピアノ 🎹 '); DROP TABLE jobs; --", 5.5, 42, 3.5, 0.9, 100)


def address(user_id: int = 1, created_at: float = 100.0) -> Address:
    return Address(user_id, 2, 3, None, "secret-token", created_at)


def made(variations: int) -> MadeClips:
    return MadeClips([np.zeros((4, 10), np.int16)] * variations, "m", 1.0)


@pytest.fixture
async def jobs() -> AsyncIterator[JobStore]:
    database = await Database.open(None)
    yield JobStore(database)
    await database.close()


async def test_a_job_comes_back_as_it_was_written(jobs: JobStore) -> None:
    codes = np.arange(12, dtype=np.int16).reshape(4, 3)
    request = GenerationRequest("x", 5.5, 42, 3.5, 0.9, 100, codes)
    job = await jobs.add(Submission(request, address(), Order(seeds=(42,))))
    await jobs.set_message(job.id, 77)
    (back,) = await jobs.unfinished()
    assert back.id == job.id
    assert back.state is JobState.WAITING
    assert back.address.message_id == 77
    assert back.address.token == "secret-token"
    for name in ("prompt", "seconds", "seed", "guidance", "temperature", "top_k"):
        assert getattr(back.request, name) == getattr(request, name)
    assert back.request.continue_from is not None
    assert (back.request.continue_from == codes).all()


async def test_what_a_person_typed_is_data(jobs: JobStore) -> None:
    await jobs.add(Submission(REQUEST, address()))
    (back,) = await jobs.unfinished()
    assert back.request.prompt == REQUEST.prompt


async def test_the_unfinished_come_back_in_order_and_the_finished_do_not(jobs: JobStore) -> None:
    ids = [(await jobs.add(Submission(REQUEST, address()))).id for _ in range(6)]
    await jobs.advance(ids[1], JobState.RUNNING)
    await jobs.advance(ids[2], JobState.MADE, made=made(1))
    for job_id, state in zip(
        ids[3:], (JobState.DELIVERED, JobState.FAILED, JobState.KEPT), strict=True
    ):
        await jobs.advance(job_id, state, at=200.0)
    unfinished = await jobs.unfinished()
    assert [job.id for job in unfinished] == ids[:3]
    assert [job.state for job in unfinished] == [
        JobState.WAITING,
        JobState.RUNNING,
        JobState.MADE,
    ]


async def test_a_drawn_seed_is_none_that_somebody_chose(jobs: JobStore) -> None:
    request = GenerationRequest("x")
    await jobs.add(Submission(request, address(), Order(2, seeds=(5, 9))))
    (back,) = await jobs.unfinished()
    assert back.request.seed is None
    assert [back.variation(n).seed for n in (1, 2)] == [5, 9]


@pytest.mark.parametrize("to", JobState)
@pytest.mark.parametrize("origin", [state for state in JobState if state is not JobState.WAITING])
async def test_a_job_comes_to_a_state_from_where_the_table_says(
    jobs: JobStore, origin: JobState, to: JobState
) -> None:
    job = await jobs.add(Submission(REQUEST, address()))
    assert await jobs.advance(job.id, origin)
    assert await jobs.advance(job.id, to, made=made(1)) is (origin in ORIGINS[to])
    kept = await jobs.get(job.id)
    assert kept is not None
    assert kept.state is (to if origin in ORIGINS[to] else origin)
    assert len(await jobs.codes(job.id, "m")) == (origin in ORIGINS[to])


async def test_what_was_deleted_while_it_was_made_stays_deleted(jobs: JobStore) -> None:
    job = await jobs.add(Submission(REQUEST, address()))
    await jobs.advance(job.id, JobState.RUNNING)
    await jobs.forget([job.id])
    assert not await jobs.advance(job.id, JobState.MADE, made=made(2))
    assert not await jobs.advance(job.id, JobState.DELIVERED, at=400.0)
    assert await jobs.codes(job.id, "m") == []


async def test_codes_of_all_variations_are_kept_or_of_none(jobs: JobStore) -> None:
    job = await jobs.add(Submission(REQUEST, address(), Order(4)))
    await jobs._database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON clips WHEN NEW.variation = 3 "
        "BEGIN SELECT raise(ABORT, 'database or disk is full'); END"
    )
    with pytest.raises(StoreError, match="disk is full"):
        await jobs.advance(job.id, JobState.MADE, made=made(4))
    kept = await jobs.get(job.id)
    assert kept is not None
    assert kept.state is JobState.WAITING
    assert await jobs.codes(job.id, "m") == []
    await jobs._database.execute("DROP TRIGGER full")
    assert await jobs.advance(job.id, JobState.MADE, made=made(4))
    assert len(await jobs.codes(job.id, "m")) == 4


async def test_codes_come_back_for_the_model_that_made_them(jobs: JobStore) -> None:
    job = await jobs.add(Submission(REQUEST, address()))
    codes = np.arange(2000, dtype=np.int16).reshape(4, 500)
    await jobs.advance(
        job.id, JobState.MADE, made=MadeClips([codes, codes + 1], "facebook/musicgen-small", 8.5)
    )
    first, second = await jobs.codes(job.id, "facebook/musicgen-small")
    assert first.dtype == np.int16
    assert (first == codes).all()
    assert (second == codes + 1).all()
    assert await jobs.codes(job.id, "other") == []
    kept = await jobs.get(job.id)
    assert kept is not None
    assert kept.made_in == 8.5


async def test_an_order_comes_back_and_gives_its_variations_their_seeds(jobs: JobStore) -> None:
    request = GenerationRequest("rain, lofi, 80 bpm", seed=MAX_SEED)
    order = Order(3, "Lo-fi", "rain", uploaded=True, seeds=seeds_from(MAX_SEED, 3))
    await jobs.add(Submission(request, address(), order))
    (back,) = await jobs.unfinished()
    assert back.order == order
    assert back.title == "rain"
    assert back.style_words == "lofi, 80 bpm"
    assert [back.variation(n).seed for n in (1, 2, 3)] == [MAX_SEED, 0, 1]


async def test_what_is_deleted_leaves_no_words_and_no_codes(jobs: JobStore) -> None:
    codes = np.zeros((4, 10), np.int16)
    request = GenerationRequest("secret wish", seed=1, continue_from=codes)
    job = await jobs.add(
        Submission(request, address(created_at=300.0), Order(1, "Lo-fi", "secret"))
    )
    await jobs.advance(job.id, JobState.MADE, made=MadeClips([codes], "m", 1.0))
    await jobs.forget([job.id])
    await jobs.set_message(job.id, 77)
    await jobs.set_seeds(job)
    kept = await jobs.get(job.id)
    assert kept is not None
    assert kept.state is JobState.DELETED
    assert kept.title == ""
    assert kept.request.continue_from is None
    assert kept.address.message_id is None
    assert kept.order.seeds == ()
    assert await jobs.codes(job.id, "m") == []
    assert await jobs.last_accepted(1) == 300.0


async def test_a_token_is_in_no_repr_and_is_forgotten_at_the_end(jobs: JobStore) -> None:
    job = await jobs.add(Submission(REQUEST, address()))
    assert "secret-token" not in repr(job)
    await jobs.advance(job.id, JobState.DELIVERED, at=200.0)
    rows = await jobs._database.rows("SELECT * FROM jobs")
    assert "secret-token" not in [*rows[0]]


async def test_the_last_accepted_is_the_newest_of_that_person(jobs: JobStore) -> None:
    assert await jobs.last_accepted(1) is None
    await jobs.add(Submission(REQUEST, address(created_at=100.0)))
    await jobs.add(Submission(REQUEST, address(created_at=300.0)))
    await jobs.add(Submission(REQUEST, address(user_id=2, created_at=900.0)))
    assert await jobs.last_accepted(1) == 300.0
