"""All that is kept about a person is found, and forgotten."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from musicgen_bot.blocks import BlockKind, HostBlock
from musicgen_bot.errors import StoreError
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.job import Address, JobState, Order, Submission
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.clip_lists import ClipListStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import GuildSettingsStore
from musicgen_bot.store.jobs import JobStore, MadeClips
from musicgen_bot.store.personal import PersonalData

ADA, BEN = 2**53 + 1, 2
CODES = np.zeros((4, 10), np.int16)


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    database = await Database.open(None)
    yield database
    await database.close()


async def put(
    database: Database, user_id: int, prompt: str, at: float = 100.0, done: bool = True
) -> int:
    jobs = JobStore(database)
    request = GenerationRequest(prompt, 5.0, seed=7, continue_from=CODES)
    address = Address(user_id, 10, 20, 30, "secret-token", at)
    job = await jobs.add(Submission(request, address, Order(2, "Lo-fi", prompt)))
    if done:
        await jobs.advance(job.id, JobState.MADE, made=MadeClips([CODES, CODES], "m", 1.0))
        await jobs.advance(job.id, JobState.DELIVERED, at=at + 1)
    return job.id


async def test_everything_is_told_and_nothing_of_others(database: Database) -> None:
    personal = PersonalData(database)
    await put(database, ADA, "mine", done=False)
    done = await put(database, ADA, "mine too")
    theirs = await put(database, BEN, "of ben")
    await ClipListStore(database).toggle_favourite(ADA, theirs, 2, 300.0)
    await BlockStore(database).block(11, ADA, BEN, 400.0)
    await BlockStore(database).block(12, BEN, ADA, 500.0)
    await HostBlockStore(database).block(HostBlock(BlockKind.USER, ADA, 1, 600.0))
    await GuildSettingsStore(database).set(13, ADA, GuildSettings(), 700.0)
    data = json.loads(json.dumps(await personal.about(ADA)))
    assert data["user_id"] == str(ADA)
    assert [clip["prompt"] for clip in data["clips"]] == ["mine", "mine too"]
    clip = data["clips"][1]
    assert (clip["id"], clip["guild_id"], clip["message_id"]) == (done, "10", "30")
    assert clip["created_at"] == "1970-01-01T00:01:40+00:00"
    assert [kept["variation"] for kept in clip["kept"]] == [1, 2]
    assert clip["continues_a_sound"]
    assert data["favourites"] == [
        {"clip": theirs, "variation": 2, "added_at": "1970-01-01T00:05:00+00:00"}
    ]
    assert data["blocked_in_servers"][0]["guild_id"] == "11"
    assert data["blocked_by_the_host"] == [{"at": "1970-01-01T00:10:00+00:00"}]
    assert data["blocked_as_a_moderator"][0]["member_id"] == str(BEN)
    assert data["settings_changed_as_an_admin"][0]["guild_id"] == "13"
    for secret in ("secret-token", "of ben"):
        assert secret not in json.dumps(data)
    of_nobody = await personal.about(99)
    assert all(not value for name, value in of_nobody.items() if name != "user_id")


async def test_everything_is_forgotten_but_what_counts_and_blocks(database: Database) -> None:
    personal, jobs = PersonalData(database), JobStore(database)
    old, new = await put(database, ADA, "old"), await put(database, ADA, "new", at=900.0)
    theirs = await put(database, BEN, "of ben")
    library = ClipListStore(database)
    await library.toggle_favourite(ADA, theirs, 1, 1.0)
    await library.toggle_favourite(BEN, new, 1, 1.0)
    await library.toggle_favourite(BEN, theirs, 1, 1.0)
    await BlockStore(database).block(10, ADA, BEN, 1.0)
    assert await personal.forget(ADA, counted_since=500.0) == 2
    assert await jobs.get(old) is None
    kept = await jobs.get(new)
    assert kept is not None
    assert kept.state is JobState.DELETED
    assert (kept.title, kept.address.channel_id, kept.address.message_id) == ("", 0, None)
    assert await jobs.seconds_spent(10, ADA, 500.0, 1000.0) == (10.0, 10.0)
    assert await jobs.last_accepted(ADA) == 900.0
    assert (await personal.about(ADA))["favourites"] == []
    assert len((await personal.about(BEN))["favourites"]) == 1
    assert (await personal.about(BEN))["clips"][0]["prompt"] == "of ben"
    assert await BlockStore(database).is_blocked(10, ADA)
    assert await personal.forget(ADA, counted_since=500.0) == 0


async def test_forgetting_is_done_as_a_whole_or_not_at_all(database: Database) -> None:
    personal = PersonalData(database)
    mine = await put(database, ADA, "mine")
    await ClipListStore(database).toggle_favourite(ADA, await put(database, BEN, "theirs"), 1, 1.0)
    before = await personal.about(ADA)
    await database.execute(
        "CREATE TRIGGER refuse BEFORE DELETE ON jobs BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    with pytest.raises(StoreError, match="refused"):
        await personal.forget(ADA, counted_since=500.0)
    assert await personal.about(ADA) == before
    assert len(await JobStore(database).codes(mine, "m")) == 2


async def test_nothing_that_was_typed_is_left_in_the_files(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    for number in range(100):
        await put(
            database, ADA, f"secret prompt {number} {'long ' * (number % 30)}", at=number * 10.0
        )
        await put(database, BEN, f"prompt of ben {number}")
    assert b"secret prompt" in contents(tmp_path)
    await PersonalData(database).forget(ADA, counted_since=500.0)
    assert b"secret prompt" not in contents(tmp_path)
    assert b"prompt of ben" in contents(tmp_path)
    await database.close()


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())
