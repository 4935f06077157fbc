"""One file, one bot, the newest schema."""

import asyncio
import io
import os
import sqlite3
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musicgen_bot.clip_list import Viewer
from musicgen_bot.errors import StoreError
from musicgen_bot.job import Order
from musicgen_bot.store.clip_lists import ClipListStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.personal import PersonalData
from musicgen_bot.store.retention import Retention
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

FILES = ("", "-wal", "-shm")
"""What stands behind the names of the files that a database is in."""
LOCK = "-lock"


def modes(path: Path) -> dict[str, int]:
    """Return who may do what with a database's folder and with those of its files that exist."""
    there = {
        "folder": path.parent,
        **{end: path.with_name(path.name + end) for end in (*FILES, LOCK)},
    }
    return {
        name: stat.S_IMODE(file.stat().st_mode) for name, file in there.items() if file.exists()
    }


@pytest.fixture
def open_handed() -> Iterator[None]:
    """Let all that is made be readable and writable for everybody, unless asked for otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


for_one_user = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


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
    assert (job.title, job.order, job.made_in) == ("x", Order(seeds=(7,)), None)


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
    with pytest.raises(StoreError, match="a bot that is already running, a database browser"):
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
    with pytest.raises(StoreError, match="a bot that is already running"):
        await Database.open(path)
    other.kill()
    await other.communicate()
    database = await Database.open(path)
    assert await NoteStore(database).get("colour") is None
    await database.close()


async def test_a_program_that_has_the_file_to_itself_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    await (await Database.open(path)).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="Another program is using this database"):
            await Database.open(path)
    await (await Database.open(path)).close()


async def test_what_is_read_for_long_lets_others_write(tmp_path: Path) -> None:
    begun, done = threading.Event(), threading.Event()

    class Slow:
        """A value that reaches SQLite only when all else is done."""

        def __conform__(self, _: object) -> str:
            begun.set()
            done.wait()
            return "colour"

    database = await Database.open(tmp_path / "bot.sqlite3")
    lists, viewer, retention = ClipListStore(database), Viewer(1, 2, [3]), Retention(database)
    slow = asyncio.create_task(database.read("SELECT value FROM notes WHERE name = ?", (Slow(),)))
    try:
        await asyncio.to_thread(begun.wait)
        others = [
            asyncio.ensure_future(reading)
            for reading in (
                lists.mine(viewer, "text", 0),
                lists.of_guild(viewer, "", 0),
                lists.favourites(viewer, "", 0),
                lists.size(),
                PersonalData(database).about(1),
                retention.forget_before(1.0),
                retention.shrink(1),
            )
        ]
        await NoteStore(database).set("colour", "green")
        assert await NoteStore(database).get("colour") == "green"
        assert not any(reading.done() for reading in others)
    finally:
        done.set()
    assert [row[0] for row in await slow] == ["green"]
    await asyncio.gather(*others)
    await database.close()


async def test_what_reads_alone_cannot_write(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    with pytest.raises(StoreError):
        await database.read("DELETE FROM notes")
    await database.close()


@for_one_user
@pytest.mark.usefixtures("open_handed")
async def test_what_is_kept_is_for_the_bots_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new folder" / "bot.sqlite3"
    seen: list[dict[str, int]] = []
    connect = sqlite3.connect

    def watched(*args: Any, **options: Any) -> Any:
        seen.append(modes(path))
        return connect(*args, **options)

    monkeypatch.setattr(sqlite3, "connect", watched)
    database = await Database.open(path)
    await NoteStore(database).set("token", "secret")
    seen.append(modes(path))
    await database.close()
    assert seen[0] == {"folder": 0o700, "": 0o600, LOCK: 0o600}
    assert seen[-1] == {"folder": 0o700, **dict.fromkeys((*FILES, LOCK), 0o600)}


@for_one_user
@pytest.mark.usefixtures("open_handed")
async def test_what_was_open_to_others_is_closed_to_them_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "data" / "bot.sqlite3"
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE notes_of_old (x)")
        assert set(modes(path)) == {"folder", *FILES}
        copies = {end: path.with_name(path.name + end).read_bytes() for end in FILES}
    connection.close()
    for end, content in copies.items():  # as a killed bot leaves them
        path.with_name(path.name + end).write_bytes(content)
    assert not any(mode & 0o044 != 0o044 for mode in modes(path).values())
    database = await Database.open(path)
    assert not any(mode & 0o077 for mode in modes(path).values())
    await database.close()


@for_one_user
@pytest.mark.parametrize("mode", [0o1777, 0o2770])
async def test_a_folder_that_is_meant_to_be_shared_stays_so(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "shared" / "bot.sqlite3"
    path.parent.mkdir()
    path.parent.chmod(mode)
    await (await Database.open(path)).close()
    assert modes(path) == {"folder": mode, "": 0o600, LOCK: 0o600}


@for_one_user
async def test_a_folder_of_somebody_else_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "theirs" / "bot.sqlite3"
    path.parent.mkdir()
    path.parent.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: path.parent.stat().st_uid + 1)
    await (await Database.open(path)).close()
    assert modes(path) == {"folder": 0o755, "": 0o600, LOCK: 0o600}


@for_one_user
async def test_where_modes_cannot_be_changed_the_bot_starts_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "bot.sqlite3"
    path.touch(0o644)

    def refuse(*_: object) -> None:
        raise PermissionError("not on this file system")

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(Path, "chmod", refuse)
    await (await Database.open(path)).close()
    assert "may be readable for other users" in caplog.text


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
