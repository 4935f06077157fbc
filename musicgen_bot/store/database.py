"""One SQLite file: opened by one bot at a time, brought to the newest schema, closed cleanly.

The connection commits each statement by itself, or several as one transaction, and waits for the
disk (`synchronous=FULL`), so what was written is there after a crash of the process, the system or
the power. What may take long is read through a second connection, for which no write waits. A lock
beside the file is held for as long as it is open: a second bot on the same file is told so instead
of doing work twice. Prompts and tokens are in it, so it is for the bot's own user alone, as is its
folder.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import aiosqlite

from musicgen_bot.errors import StoreError
from musicgen_bot.store.schema import MIGRATIONS

LOCK_TIMEOUT_SECONDS = 2.0
LOCK_SUFFIX = "-lock"
OWN_FOLDER, OWN_FILE = 0o700, 0o600

_log = logging.getLogger(__name__)

Parameters = Sequence[object] | Mapping[str, object]


class Transaction:
    """Statements that take effect together or not at all. Made by `Database.transaction`."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement; where it inserts a row, return its id. Raises StoreError."""
        try:
            row = await self._connection.execute_insert(sql, parameters)
        except (sqlite3.Error, ValueError) as error:
            raise _explain(error) from error
        return row[0] if row else 0

    async def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement with each of the rows' values. Raises StoreError."""
        try:
            await self._connection.executemany(sql, rows)
        except (sqlite3.Error, ValueError) as error:
            raise _explain(error) from error

    async def rows(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return all rows of a query. Raises StoreError."""
        try:
            return list(await self._connection.execute_fetchall(sql, parameters))
        except (sqlite3.Error, ValueError) as error:
            raise _explain(error) from error


class Database:
    """The connections, with SQLite's errors told as StoreError. Made by `Database.open`."""

    def __init__(
        self, writing: aiosqlite.Connection, reading: aiosqlite.Connection, opened: AsyncExitStack
    ) -> None:
        self._connection = writing
        self._opened = opened
        self._writing = self._reading = Transaction(writing)
        self._turn_to_write = self._turn_to_read = asyncio.Lock()
        if reading is not writing:
            self._reading, self._turn_to_read = Transaction(reading), asyncio.Lock()

    @classmethod
    async def open(cls, path: Path | None) -> Self:
        """Open the file, make it if it is not there, and migrate it; None keeps all in memory.

        Raises StoreError when it cannot be read or written, is newer than this program, or when
        another program has it open.
        """
        async with AsyncExitStack() as opened:
            try:
                file: Path | str = ":memory:"
                if path is not None:
                    file = _made(path)
                    opened.callback(_lock(_made(file.with_name(file.name + LOCK_SUFFIX))).close)
                writing = reading = await _connect(file, opened)
                if await _prepare(writing) == "wal":  # else readers and writers would wait
                    reading = await _connect(file, opened)
                    await reading.execute("PRAGMA query_only = ON")
            except (OSError, sqlite3.Error) as error:
                raise _explain(error, path) from error
            return cls(writing, reading, opened.pop_all())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Let what is written through the object that this yields take effect as one.

        Any exception undoes all of it. Statements of other tasks wait until it has ended, so within
        it nothing may be asked of the database itself. Raises StoreError.
        """
        async with self._turn_to_write:
            try:
                await self._writing.execute("BEGIN IMMEDIATE")
                yield self._writing
                await self._writing.execute("COMMIT")
            except BaseException:
                # A statement whose task was cancelled still runs, and this one after it.
                with suppress(sqlite3.Error, ValueError):
                    await self._connection.rollback()
                raise

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement; where it inserts a row, return its id. Raises StoreError."""
        async with self._turn_to_write:
            return await self._writing.execute(sql, parameters)

    async def rows(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return all rows of a query. Raises StoreError."""
        async with self._turn_to_write:
            return await self._writing.rows(sql, parameters)

    async def read(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return all rows of a query that may take long and writes nothing; no write waits for it.

        It waits for the writes before it, and sees them. Raises StoreError.
        """
        async with self._turn_to_write:
            pass
        async with self._turn_to_read:
            return await self._reading.rows(sql, parameters)

    async def checkpoint(self) -> None:
        """Bring all that was written into the file itself, and empty the log of writes beside it.

        What was deleted is overwritten in the file, but is in that log until then. Raises
        StoreError.
        """
        if self._reading is self._writing:  # there is no such log
            return
        async with self._turn_to_write, self._turn_to_read:
            await self._writing.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Finish the writes and let go of the file."""
        async with self._turn_to_write:
            await self._opened.aclose()


def _lock(path: Path) -> sqlite3.Connection:
    """Take the lock that keeps a second bot away, until what this returns is closed.

    It is a file of its own, since whoever locks the database itself has a single connection to it.
    A process that ends lets go of it, however it ends. Raises sqlite3.Error.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_TIMEOUT_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = OFF")  # nothing is ever written to it
        connection.execute("BEGIN EXCLUSIVE")
    except BaseException:
        connection.close()
        raise
    return connection


async def _connect(file: Path | str, opened: AsyncExitStack) -> aiosqlite.Connection:
    # What cannot be opened is found out here: where aiosqlite finds it out, its thread
    # still has a message for the event loop afterwards, which may be closed by then.
    sqlite3.connect(file).close()
    connection = await opened.enter_async_context(
        aiosqlite.connect(file, isolation_level=None, timeout=LOCK_TIMEOUT_SECONDS)
    )
    connection.row_factory = sqlite3.Row
    # SQLite's own lower() knows no letters but those of English.
    await connection.create_function("casefold", 1, str.casefold, deterministic=True)
    return connection


async def _prepare(connection: aiosqlite.Connection) -> str:
    """Migrate the database, and return its journal mode."""
    ((mode,),) = await connection.execute_fetchall("PRAGMA journal_mode = WAL")
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what is deleted is overwritten
    ):
        await connection.execute(f"PRAGMA {pragma}")
    # Finds out now whether the file can be written at all.
    await connection.executescript("BEGIN IMMEDIATE; COMMIT;")
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    if version > len(MIGRATIONS):
        raise StoreError(
            "The database was made by a newer version of the bot; please update the bot."
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        await connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")
    return str(mode)


def _made(path: Path) -> Path:
    """Make the file and its folder where they are not there, and return where it really is.

    Nobody but the bot's user may read it, nor look into its folder. Raises OSError.
    """
    path = path.resolve()  # SQLite puts what it keeps beside a file there, too
    path.parent.mkdir(mode=OWN_FOLDER, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        # Born with its mode: in between, somebody could open it. One that is there is not opened,
        # as closing it would take the locks from whoever has it open in this process.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWN_FILE))
    if sys.platform != "win32":  # where a user's folders are their own anyway
        try:
            _close_to_others(path)
        except OSError as error:  # a file system without modes, or files of somebody else
            _log.warning("%s may be readable for other users of this machine: %s", path, error)
    return path


def _close_to_others(path: Path) -> None:
    """Take from others what an earlier version, or a copy, gave them.

    A folder of somebody else, or one that is made to be shared, stays as it is. Raises OSError.
    """
    for end in ("", "-wal", "-shm"):  # SQLite gives those it makes the mode of the first
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).chmod(OWN_FILE)
    folder = path.parent.stat()
    is_shared = folder.st_mode & (stat.S_ISVTX | stat.S_ISGID)
    if folder.st_uid == os.geteuid() and not is_shared:
        path.parent.chmod(OWN_FOLDER)


def _explain(error: Exception, path: Path | None = None) -> StoreError:
    """Tell what happened and what the host can do."""
    text = str(error)
    where = f" ({path})" if path else ""
    if "locked" in text or "busy" in text:
        return StoreError(
            f"Another program is using this database{where}: a bot that is already running, a "
            "database browser or a backup. Close it, or set DATA_DIR to another folder."
        )
    if "full" in text or "No space left" in text:
        return StoreError("The disk is full; please free some space for the bot's database.")
    if isinstance(error, OSError) or "readonly" in text or "unable to open" in text:
        return StoreError(
            f"The database cannot be written{where}; please let the bot's user write to DATA_DIR."
        )
    if "not a database" in text or "malformed" in text:
        return StoreError(
            f"The database is damaged{where}; please move the file away or restore a copy of it."
        )
    return StoreError(f"The database failed{where}: {text}.")
