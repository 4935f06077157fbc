"""Old clips go by age and by size, favourites last; what counts is counted for two days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import Address, JobState, Order, Submission
from musicgen_bot.jobs.days import DAY_SECONDS
from musicgen_bot.jobs.sweeper import Sweeper
from musicgen_bot.store import retention
from musicgen_bot.store.clip_lists import ClipListStore
from musicgen_bot.store.database import Database, Transaction
from musicgen_bot.store.jobs import JobStore, MadeClips, forget_jobs
from musicgen_bot.store.retention import Retention

NOW = 1000 * DAY_SECONDS


@dataclass
class Attic:
    """Jobs on a real database, a clock at day 1000, and a broom."""

    database: Database
    now: float = NOW

    def __post_init__(self) -> None:
        self.jobs, self.library = JobStore(self.database), ClipListStore(self.database)
        self.retention = Retention(self.database)

    async def put(
        self, prompt: str, days: float, state: JobState = JobState.DELIVERED, frames: int = 100
    ) -> int:
        address = Address(1, 2, 3, 4, "", self.now - days * DAY_SECONDS)
        job = await self.jobs.add(
            Submission(GenerationRequest(prompt, 10.0, seed=1), address, Order(seeds=(1,)))
        )
        if state not in (JobState.WAITING, JobState.FAILED):
            made = MadeClips([np.zeros((4, frames), np.int16)], "m", 1.0)
            await self.jobs.advance(job.id, JobState.MADE, made=made)
        if state in (JobState.WAITING, JobState.MADE):
            await self.jobs.advance(job.id, state)
        else:
            await self.jobs.advance(job.id, state, at=self.now)
        return job.id

    async def love(self, job_id: int) -> None:
        assert await self.library.toggle_favourite(9, job_id, 1, self.now)

    async def sweep(self, keep_days: float = 0, keep_bytes: int = 0) -> list[str]:
        """Sweep, and return the prompts that are left, the oldest job first."""
        sweeper = Sweeper(
            self.retention, keep_days=keep_days, keep_bytes=keep_bytes, clock=lambda: self.now
        )
        await sweeper.sweep()
        rows = await self.database.rows("SELECT prompt FROM jobs WHERE prompt != '' ORDER BY id")
        return [row[0] for row in rows]

    async def rows(self) -> int:
        return len(await self.database.rows("SELECT id FROM jobs"))


@pytest.fixture
async def attic() -> AsyncIterator[Attic]:
    database = await Database.open(None)
    yield Attic(database)
    await database.close()


async def test_what_is_old_goes_unless_it_is_a_favourite_or_unfinished(attic: Attic) -> None:
    for name, state in (
        ("delivered", JobState.DELIVERED),
        ("kept", JobState.KEPT),
        ("failed", JobState.FAILED),
        ("cancelled", JobState.CANCELLED),
        ("waiting", JobState.WAITING),
        ("made", JobState.MADE),
    ):
        await attic.put(name, 31, state)
    await attic.put("young", 29)
    await attic.love(beloved := await attic.put("beloved", 31))
    assert await attic.sweep(keep_days=30) == ["waiting", "made", "young", "beloved"]
    assert await attic.rows() == 4
    assert await attic.library.size() == (3, 3 * 928)
    assert not await attic.library.toggle_favourite(9, beloved, 1, attic.now)
    assert await attic.sweep(keep_days=30) == ["waiting", "made", "young"]


async def test_the_oldest_make_room_and_favourites_last(attic: Attic) -> None:
    await attic.love(await attic.put("beloved", 3))
    for name, days in (("old", 2), ("middle", 1), ("new", 0)):
        await attic.put(name, days)
    each = 928
    assert await attic.sweep(keep_bytes=4 * each) == ["beloved", "old", "middle", "new"]
    assert await attic.sweep(keep_bytes=4 * each - 1) == ["beloved", "middle", "new"]
    assert await attic.sweep(keep_bytes=2 * each) == ["beloved", "new"]
    assert await attic.sweep(keep_bytes=each) == ["beloved"]
    assert await attic.sweep(keep_bytes=1) == []


async def test_without_a_limit_all_stays(attic: Attic) -> None:
    await attic.put("ancient", 999)
    assert await attic.sweep() == ["ancient"]


async def test_what_came_to_nothing_goes_after_two_days_whatever_is_set(attic: Attic) -> None:
    for state in (JobState.FAILED, JobState.CANCELLED):
        await attic.put(f"old {state}", 2.1, state)
        await attic.put(f"young {state}", 1.9, state)
    assert await attic.sweep() == ["young failed", "young cancelled"]


async def test_what_a_clip_goes_on_from_counts_as_its_size(attic: Attic) -> None:
    address = Address(1, 2, 3, 4, "", attic.now)
    codes = np.zeros((4, 100), np.int16)
    request = GenerationRequest("extended", 10.0, seed=1, continue_from=codes)
    job = await attic.jobs.add(Submission(request, address))
    await attic.jobs.advance(job.id, JobState.MADE, made=MadeClips([codes], "m", 1.0))
    await attic.jobs.advance(job.id, JobState.DELIVERED, at=attic.now)
    assert await attic.sweep(keep_bytes=2 * 928) == ["extended"]
    assert await attic.sweep(keep_bytes=2 * 928 - 1) == []


async def test_what_went_counts_for_two_days_and_then_is_gone(attic: Attic) -> None:
    await attic.put("made", 1.5)
    await attic.put("failed", 1.5, JobState.FAILED)
    assert await attic.sweep(keep_days=1) == []
    spent = await attic.jobs.seconds_spent(2, 1, 0, NOW)
    assert spent == (10.0, 10.0)
    assert await attic.rows() == 2
    attic.now += 0.6 * DAY_SECONDS
    await attic.sweep(keep_days=1)
    assert await attic.rows() == 0
    assert await attic.put("next", 0) == 3, "the number of a clip is never given twice"


async def test_others_write_between_the_portions_and_what_they_write_counts(
    attic: Attic, monkeypatch: pytest.MonkeyPatch
) -> None:
    loving: list[asyncio.Task[None]] = []
    later = [5, 7]

    async def forget_while_others_write(transaction: Transaction, job_ids: Iterable[int]) -> None:
        await forget_jobs(transaction, job_ids)
        if later:
            loving.append(asyncio.create_task(attic.love(later.pop())))

    for number in range(1, 8):
        await attic.put(f"number {number}", 31)
    monkeypatch.setattr(retention, "PORTION", 2)
    monkeypatch.setattr(retention, "forget_jobs", forget_while_others_write)
    assert await attic.sweep(keep_days=30) == ["number 5", "number 7"]
    await asyncio.gather(*loving)


async def test_nothing_of_what_was_let_go_is_left_in_the_files(tmp_path: Path) -> None:
    def contents() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.iterdir())

    database = await Database.open(tmp_path / "bot.sqlite3")
    attic = Attic(database)
    await attic.jobs.forget([await attic.put("secret, deleted", 1)])
    await attic.put("secret, old", 31)
    assert b"secret" in contents()
    assert await attic.sweep(keep_days=30) == []
    assert b"secret" not in contents()
    await database.close()


async def test_it_sweeps_every_day_and_goes_on_after_an_error(
    attic: Attic, caplog: pytest.LogCaptureFixture
) -> None:
    left: list[int] = []
    fourth_day = asyncio.Event()

    async def sleep(seconds: float) -> None:
        left.append(await attic.rows())
        if len(left) == 2:
            await attic.database.execute("ALTER TABLE favourites RENAME TO hidden")
        elif len(left) == 3:
            await attic.database.execute("ALTER TABLE hidden RENAME TO favourites")
        elif len(left) == 4:
            fourth_day.set()
            await asyncio.Event().wait()
        assert seconds == DAY_SECONDS
        attic.now += seconds
        await attic.put("old", 31)

    sweeper = Sweeper(
        attic.retention, keep_days=30, keep_bytes=0, clock=lambda: attic.now, sleep=sleep
    )
    running = asyncio.create_task(sweeper.run())
    async with asyncio.timeout(30):
        await fourth_day.wait()
    running.cancel()
    assert left == [0, 0, 1, 0]
    assert "tomorrow it is tried again" in caplog.text
