"""One file, one bot, the newest schema."""

import io
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from musicgen_bot.errors import StoreError
from musicgen_bot.job import Order
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.schema import MIGRATIONS


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
    connection.execute(
        "INSERT INTO jobs VALUES "
        "(5, 'delivered', 1, 2, 'x', 10, 7, 3, 1, 250, NULL, 1, 2, 3, 4, '')"
    )
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


async def test_a_second_bot_is_told_of_the_first(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    with pytest.raises(StoreError, match="Another bot"):
        await Database.open(tmp_path / "bot.sqlite3")
    await database.close()
    await (await Database.open(tmp_path / "bot.sqlite3")).close()


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
