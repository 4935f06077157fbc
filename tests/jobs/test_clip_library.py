"""Bringing clips back keeps nobody else waiting."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from musicgen_bot.audio.pool import MOST_SECONDS, SoundPool
from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.generation import Clip, Codes, GenerationRequest
from musicgen_bot.job import JobState, Order, Submission, seeds_from
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.clip_library import ClipLibrary
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.clip_lists import ClipListStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore, MadeClips
from tests.jobs.hand_driven import HandBackend, address, request

ADA, BEN, GUILD = 1, 2, 1


class SlowBackend(HandBackend):
    """Counts how many clips it is asked to decode at once, and waits for the test's leave."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once = self.most_at_once = 0
        self.asked, self.leave = asyncio.Event(), asyncio.Event()

    async def decode(
        self, codes: Codes, request: GenerationRequest, *, patient: bool = True
    ) -> Clip:
        assert not patient, "somebody waits in front of a command"
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.set()
        await self.leave.wait()
        self.at_once -= 1
        return await super().decode(codes, request)


class House:
    """A library with two clips, the second of two variations."""

    def __init__(self, database: Database) -> None:
        self.jobs, self.blocks, self.backend = (
            JobStore(database),
            BlockStore(database),
            SlowBackend(),
        )
        self.clips = ClipLibrary(
            jobs=self.jobs,
            lists=ClipListStore(database),
            backend=self.backend,
            pool=SoundPool(),
            blocklist=Blocklist(self.blocks, HostBlockStore(database)),
        )

    async def fill(self) -> None:
        for variations in (1, 2):
            job = await self.jobs.add(
                Submission(request(), address(), Order(variations, seeds=seeds_from(1, variations)))
            )
            codes = [np.ones((4, 5), np.int16)] * variations
            await self.jobs.advance(job.id, JobState.MADE, made=MadeClips(codes, "hand", 1.0))

    async def fetch(self, job_id: int, user_id: int, guild_id: int | None = GUILD) -> int:
        """Return how many clips somebody got."""
        async with self.clips.turn(user_id, guild_id):
            job = await self.clips.job(job_id)
            async with self.clips.clips(job) as clips:
                return len(clips)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    database = await Database.open(None)
    house = House(database)
    await house.fill()
    yield house
    await database.close()


async def test_a_person_is_served_one_clip_at_a_time(house: House) -> None:
    first = asyncio.create_task(house.fetch(2, ADA))
    other = asyncio.create_task(house.fetch(1, BEN))
    await house.backend.asked.wait()
    with pytest.raises(LimitReached, match="still on its way"):
        await house.fetch(1, ADA)
    house.backend.leave.set()
    assert await first == 2
    assert await other == 1
    assert house.backend.most_at_once == 1
    assert await house.fetch(1, ADA) == 1


async def test_however_many_ask_only_so_much_sound_is_held(house: House) -> None:
    held = most_held = 0
    full, leave = asyncio.Event(), asyncio.Event()

    async def fetch(user_id: int) -> None:
        nonlocal held, most_held
        async with house.clips.turn(user_id, GUILD):
            async with house.clips.clips(await house.clips.job(1)) as clips:
                held += len(clips)
                most_held = max(most_held, held)
                if held * request().seconds == MOST_SECONDS:
                    full.set()
                await leave.wait()
                held -= 1
            assert clips == []

    house.backend.leave.set()
    people = [asyncio.create_task(fetch(user_id)) for user_id in range(100)]
    await full.wait()
    leave.set()
    await asyncio.gather(*people)
    assert most_held == MOST_SECONDS / request().seconds


async def test_a_turn_that_came_to_nothing_is_over(house: House) -> None:
    with pytest.raises(InvalidRequest):
        await house.fetch(99, ADA)
    house.backend.leave.set()
    assert await house.fetch(1, ADA) == 1


async def test_who_is_blocked_gets_nothing_where_they_are(house: House) -> None:
    house.backend.leave.set()
    await house.blocks.block(GUILD, ADA, 9, 0.0)
    with pytest.raises(LimitReached, match="have blocked you"):
        await house.fetch(1, ADA)
    assert house.backend.decoded == []
    assert await house.fetch(1, ADA, guild_id=None) == 1
    assert await house.fetch(1, BEN) == 1


@pytest.mark.parametrize(("model", "fits"), [("hand", True), ("another", False), ("", True)])
async def test_only_its_own_model_makes_more_of_what_goes_on_from_codes(
    model: str, fits: bool, house: House
) -> None:
    known = np.ones((4, 5), np.int16)
    going_on = GenerationRequest("x", seed=1, continue_from=known)
    house.clips.check_recipe(await house.jobs.add(Submission(request(), address()), model=model))
    job = await house.jobs.add(Submission(going_on, address()), model=model)
    if fits:
        house.clips.check_recipe(job)
    else:
        with pytest.raises(InvalidRequest, match="by a different model"):
            house.clips.check_recipe(job)
