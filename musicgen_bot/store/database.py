"""One SQLite file: opened by one bot at a time, brought to the newest schema, closed cleanly.

The connection commits each statement by itself, or several as one transaction, and waits for the
disk (`synchronous=FULL`), so what was written is there after a crash of the process, the system or
the power. It holds the file's lock
for as long as it is open: a second bot on the same file is told so instead of doing work twice.
Prompts and tokens are in it, so the file and its folder are for the bot's own user alone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import aiosqlite

from musicgen_bot.errors import StoreError
from musicgen_bot.store.schema import MIGRATIONS

LOCK_TIMEOUT_SECONDS = 2.0
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
    """The connection, with SQLite's errors told as StoreError. Made by `Database.open`."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._statements = Transaction(connection)
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path | None) -> Self:
        """Open the file, make it if it is not there, and migrate it; None keeps all in memory.

        Raises StoreError when it cannot be read or written, is newer than this program, or when
        another program has it open.
        """
        try:
            file = _made(path) if path else ":memory:"
            # What cannot be opened is found out here: where aiosqlite finds it out, its thread
            # still has a message for the event loop afterwards, which may be closed by then.
            sqlite3.connect(file).close()
            connection = await aiosqlite.connect(
                file, isolation_level=None, timeout=LOCK_TIMEOUT_SECONDS
            )
        except (OSError, sqlite3.Error) as error:
            raise _explain(error, path) from error
        database = cls(connection)
        try:
            await database._prepare()
        except sqlite3.Error as error:
            await connection.close()
            raise _explain(error, path) from error
        except BaseException:
            await connection.close()
            raise
        return database

    async def _prepare(self) -> None:
        connection = self._connection
        connection.row_factory = sqlite3.Row
        for pragma in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",  # what is deleted is overwritten
        ):
            await connection.execute(f"PRAGMA {pragma}")
        # SQLite's own lower() knows no letters but those of English.
        await connection.create_function("casefold", 1, str.casefold, deterministic=True)
        # Takes the lock now, and finds out now whether the file can be written at all.
        await connection.executescript("BEGIN IMMEDIATE; COMMIT;")
        version = (await self.rows("PRAGMA user_version"))[0][0]
        if version > len(MIGRATIONS):
            raise StoreError(
                "The database was made by a newer version of the bot; please update the bot."
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            await connection.executescript(
                f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;"
            )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Let what is written through the object that this yields take effect as one.

        Any exception undoes all of it. Statements of other tasks wait until it has ended, so within
        it nothing may be asked of the database itself. Raises StoreError.
        """
        async with self._turn:
            try:
                await self._statements.execute("BEGIN IMMEDIATE")
                yield self._statements
                await self._statements.execute("COMMIT")
            except BaseException:
                # A statement whose task was cancelled still runs, and this one after it.
                with suppress(sqlite3.Error, ValueError):
                    await self._connection.rollback()
                raise

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement; where it inserts a row, return its id. Raises StoreError."""
        async with self._turn:
            return await self._statements.execute(sql, parameters)

    async def rows(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return all rows of a query. Raises StoreError."""
        async with self._turn:
            return await self._statements.rows(sql, parameters)

    async def close(self) -> None:
        """Finish the writes and let go of the file."""
        async with self._turn:
            await self._connection.close()


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
