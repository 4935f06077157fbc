"""People find what they may see, page by page, and keep what they like."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
import pytest

from musicgen_bot.clip_list import Page, Viewer
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import Address, Job, JobState, Order, Submission
from musicgen_bot.store.clip_lists import PAGE_LENGTH, ClipListStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore, MadeClips

ADA, BEN = 1, 2
HERE, ELSEWHERE = 10, 20
OPEN, SECRET, THREAD, THERE = 100, 101, 102, 200


@dataclass
class Shelves:
    jobs: JobStore
    library: ClipListStore

    async def put(
        self,
        prompt: str,
        user_id: int = ADA,
        guild_id: int | None = HERE,
        channel_id: int = OPEN,
        parent_id: int | None = None,
        style: str = "",
        state: JobState = JobState.DELIVERED,
    ) -> Job:
        address = Address(user_id, guild_id, channel_id, 7, "", 100.0, parent_id=parent_id)
        order = Order(2, style, prompt if style else "")
        job = await self.jobs.add(Submission(GenerationRequest(prompt, seed=1), address, order))
        codes = np.zeros((4, 10), np.int16)
        await self.jobs.advance(job.id, JobState.MADE, made=MadeClips([codes, codes], "m", 1.0))
        await self.jobs.advance(job.id, state, at=200.0)
        return job


@pytest.fixture
async def shelves() -> AsyncIterator[Shelves]:
    database = await Database.open(None)
    yield Shelves(JobStore(database), ClipListStore(database))
    await database.close()


def titles(page: Page) -> list[str]:
    return [entry.job.title for entry in page.entries]


async def test_mine_are_mine_wherever_they_were_made(shelves: Shelves) -> None:
    await shelves.put("a")
    await shelves.put("b", guild_id=ELSEWHERE, channel_id=THERE)
    await shelves.put("c", guild_id=None)
    await shelves.put("of ben", BEN)
    page = await shelves.library.mine(Viewer(ADA, HERE, {OPEN}), "", 0)
    assert titles(page) == ["c", "b", "a"]
    assert page.is_last


async def test_of_a_server_one_sees_the_channels_one_can_read(shelves: Shelves) -> None:
    await shelves.put("open", BEN)
    await shelves.put("secret", BEN, channel_id=SECRET)
    await shelves.put("elsewhere", BEN, ELSEWHERE, THERE)
    await shelves.put("direct", BEN, None, 300)
    library = shelves.library
    assert titles(await library.of_guild(Viewer(ADA, HERE, {OPEN}), "", 0)) == ["open"]
    assert titles(await library.of_guild(Viewer(ADA, HERE, {OPEN, SECRET}), "", 0)) == [
        "secret", "open",
    ]  # fmt: skip
    assert titles(await library.of_guild(Viewer(ADA, None), "", 0)) == []


@pytest.mark.parametrize(
    ("user_id", "guild_id", "channel_id", "parent_id", "visible"),
    [
        (ADA, ELSEWHERE, THERE, None, True),
        (BEN, HERE, OPEN, None, True),
        (BEN, HERE, SECRET, None, False),
        (BEN, HERE, THREAD, OPEN, True),
        (BEN, HERE, THREAD, SECRET, False),
        (BEN, HERE, THREAD, None, False),
        (BEN, ELSEWHERE, THERE, None, False),
        (BEN, ELSEWHERE, THREAD, OPEN, False),
        (BEN, None, OPEN, None, False),
    ],
)
async def test_what_may_be_seen_is_what_the_lists_show(
    user_id: int,
    guild_id: int | None,
    channel_id: int,
    parent_id: int | None,
    visible: bool,
    shelves: Shelves,
) -> None:
    job = await shelves.put("x", user_id, guild_id, channel_id, parent_id)
    viewer = Viewer(ADA, HERE, {OPEN})
    assert viewer.may_see(job) is visible
    assert bool((await shelves.library.of_guild(viewer, "", 0)).entries) is (
        visible and guild_id == HERE
    )
    assert not Viewer(3, None).may_see(job)


async def test_pages_follow_each_other_and_the_last_says_so(shelves: Shelves) -> None:
    for number in range(PAGE_LENGTH + 1):
        await shelves.put(str(number))
    viewer = Viewer(ADA, HERE)
    first = await shelves.library.mine(viewer, "", 0)
    second = await shelves.library.mine(viewer, "", 1)
    assert not first.is_last
    assert second.is_last
    assert titles(first) + titles(second) == [str(n) for n in reversed(range(PAGE_LENGTH + 1))]
    assert titles(await shelves.library.mine(viewer, "", 2)) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("RAIN", ["slow rain"]),
        ("jazz", ["piano"]),
        ("ÉTÉ", ["un été"]),
        ("%", ["100% drums"]),
        ("'; --", []),
    ],
)
async def test_search_looks_at_prompts_and_styles_and_takes_text_as_it_is(
    search: str, found: list[str], shelves: Shelves
) -> None:
    await shelves.put("slow rain")
    await shelves.put("piano", style="Jazz trio")
    await shelves.put("100% drums")
    await shelves.put("un été")
    assert titles(await shelves.library.mine(Viewer(ADA, HERE), search, 0)) == found


async def test_only_what_was_made_is_shown(shelves: Shelves) -> None:
    await shelves.put("failed", state=JobState.FAILED)
    await shelves.put("cancelled", state=JobState.CANCELLED)
    kept = await shelves.put("kept", state=JobState.KEPT)
    gone = await shelves.put("deleted")
    await shelves.jobs.forget([gone.id])
    page = await shelves.library.mine(Viewer(ADA, HERE), "", 0)
    assert [entry.job.id for entry in page.entries] == [kept.id]


async def test_favourites_come_and_go_and_are_shown_where_their_clip_may_be_seen(
    shelves: Shelves,
) -> None:
    library = shelves.library
    mine, of_ben = await shelves.put("mine"), await shelves.put("of ben", BEN)
    assert await library.toggle_favourite(ADA, mine.id, 2, 1.0)
    assert await library.toggle_favourite(ADA, of_ben.id, 1, 2.0)
    assert await library.toggle_favourite(BEN, of_ben.id, 2, 3.0)
    page = await library.favourites(Viewer(ADA, HERE, {OPEN}), "", 0)
    assert [(e.job.title, e.variation) for e in page.entries] == [("of ben", 1), ("mine", 2)]
    assert titles(await library.favourites(Viewer(ADA, None), "", 0)) == ["mine"]
    assert not await library.toggle_favourite(ADA, mine.id, 2, 4.0)
    assert titles(await library.favourites(Viewer(ADA, None), "", 0)) == []


async def test_a_deleted_clip_is_nobodys_favourite_any_more(shelves: Shelves) -> None:
    job = await shelves.put("x")
    await shelves.library.toggle_favourite(ADA, job.id, 1, 1.0)
    await shelves.jobs.forget([job.id])
    assert titles(await shelves.library.favourites(Viewer(ADA, HERE, {OPEN}), "", 0)) == []


async def test_two_presses_of_favourite_at_once_are_two_presses(shelves: Shelves) -> None:
    job = await shelves.put("a")
    toggle = shelves.library.toggle_favourite
    both = await asyncio.gather(toggle(BEN, job.id, 1, 5.0), toggle(BEN, job.id, 1, 5.0))
    assert sorted(both) == [False, True]
    assert (await shelves.library.favourites(Viewer(BEN, HERE, {OPEN}), "", 0)).entries == []


async def test_what_was_deleted_meanwhile_becomes_no_favourite(shelves: Shelves) -> None:
    job = await shelves.put("a")
    await shelves.jobs.forget([job.id])
    assert not await shelves.library.toggle_favourite(BEN, job.id, 1, 5.0)
