"""One file, one bot, the newest schema."""

import asyncio
import io
import sqlite3
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from musicgen_bot.errors import StoreError
from musicgen_bot.job import Order
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.schema import MIGRATIONS

OLD_JOB = (
    "INSERT INTO jobs VALUES (5, 'delivered', 1, 2, 'x', 10, 7, 3, 1, 250, NULL, 1, 2, 3, 4, '')"
)
"""A job as the first schema has it."""

HOLD = """
import asyncio, sys
from pathlib import Path
from musicgen_bot.store.database import Database
async def hold():
    database = await Database.open(Path(sys.argv[1]))
    print("open", flush=True)
    sys.stdin.read()
asyncio.run(hold())
"""
"""A bot that does nothing but have its database open."""


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "bot.sqlite3"
    database = await Database.open(path)
    await NoteStore(database).set("colour", "green")
    await NoteStore(database).set("colour", "blue")
    await database.close()
    database = await Database.open(path)
    assert await NoteStore(database).get("colour") == "blue"
    assert await NoteStore(database).get("sound") is None
    await database.close()


async def test_a_new_file_has_the_newest_schema_in_wal_mode(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    assert (await database.rows("PRAGMA user_version"))[0][0] == len(MIGRATIONS)
    assert (await database.rows("PRAGMA journal_mode"))[0][0] == "wal"
    assert (await database.rows("PRAGMA synchronous"))[0][0] == 2
    await database.close()


async def test_clips_of_the_first_schema_are_kept_as_their_jobs_only_variation(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bot.sqlite3"
    codes = io.BytesIO()
    np.save(codes, np.ones((4, 10), np.int16))
    connection = sqlite3.connect(path)
    connection.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1")
    connection.execute(OLD_JOB)
    connection.execute("INSERT INTO clips VALUES (5, 'm', ?)", (codes.getvalue(),))
    connection.commit()
    connection.close()
    database = await Database.open(path)
    jobs = JobStore(database)
    (kept,) = await jobs.codes(5, "m")
    job = await jobs.get(5)
    await database.close()
    assert (kept == 1).all()
    assert job is not None
    assert (job.title, job.order, job.made_in) == ("x", Order(), None)


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
async def test_a_database_of_any_version_becomes_one_of_the_newest(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "bot.sqlite3"
    connection = sqlite3.connect(path)
    for number, script in enumerate(MIGRATIONS[:version], start=1):
        connection.executescript(f"{script}; PRAGMA user_version = {number}")
        if number == 1:
            connection.execute(OLD_JOB)
            connection.commit()
    connection.close()
    new, old = await Database.open(None), await Database.open(path)
    schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
    assert list(map(tuple, await old.rows(schema))) == list(map(tuple, await new.rows(schema)))
    job = await JobStore(old).get(5)
    assert (job.title if job else None) == ("x" if version else None)
    await new.close()
    await old.close()


async def test_a_second_bot_is_told_of_the_first(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    with pytest.raises(StoreError, match="Another bot"):
        await Database.open(tmp_path / "bot.sqlite3")
    await database.close()
    await (await Database.open(tmp_path / "bot.sqlite3")).close()


async def test_a_bot_in_another_process_is_told_of_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    other = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HOLD,
        str(path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"open\n"
    with pytest.raises(StoreError, match="Another bot"):
        await Database.open(path)
    other.kill()
    await other.communicate()
    database = await Database.open(path)
    assert await NoteStore(database).get("colour") is None
    await database.close()


async def test_what_is_read_for_long_lets_others_write(tmp_path: Path) -> None:
    begun, done = threading.Event(), threading.Event()

    class Slow:
        """A value that reaches SQLite only when all else is done."""

        def __conform__(self, _: object) -> str:
            begun.set()
            done.wait()
            return "colour"

    database = await Database.open(tmp_path / "bot.sqlite3")
    reading = asyncio.create_task(
        database.read("SELECT value FROM notes WHERE name = ?", (Slow(),))
    )
    try:
        await asyncio.to_thread(begun.wait)
        await NoteStore(database).set("colour", "green")
        assert await NoteStore(database).get("colour") == "green"
    finally:
        done.set()
    assert [row[0] for row in await reading] == ["green"]
    await database.close()


async def test_what_reads_alone_cannot_write(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    with pytest.raises(StoreError):
        await database.read("DELETE FROM notes")
    await database.close()


async def test_a_database_of_a_newer_bot_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version"):
        await Database.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    assert before


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    path.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(StoreError, match="damaged"):
        await Database.open(path)


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        await Database.open(tmp_path / "file" / "bot.sqlite3")


async def test_a_full_disk_is_told_and_leaves_the_database_whole(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    notes = NoteStore(database)
    await notes.set("before", "kept")
    (pages,) = (await database.rows("PRAGMA page_count"))[0]
    await database.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full"):
        await notes.set("large", "x" * 100_000)
    assert await notes.get("before") == "kept"
    await database.close()
