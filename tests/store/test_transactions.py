"""What is written in one transaction is there as a whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from musicgen_bot.errors import StoreError
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.store.database import Database, Transaction
from musicgen_bot.store.guild_settings import CHANGES_KEPT, GuildSettingsStore

ADD = "INSERT INTO notes VALUES (?, ?)"


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    database = await Database.open(None)
    yield database
    await database.close()


async def names(source: Database | Transaction) -> list[str]:
    return [row[0] for row in await source.rows("SELECT name FROM notes ORDER BY name")]


async def test_what_was_written_in_a_transaction_is_there_after_it(database: Database) -> None:
    async with database.transaction() as transaction:
        assert await transaction.execute(ADD, ("a", "")) == 1
        await transaction.executemany(ADD, [("b", ""), ("c", "")])
        assert await names(transaction) == ["a", "b", "c"]
    assert await names(database) == ["a", "b", "c"]


async def test_an_exception_undoes_all_of_it(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(ADD, ("a", ""))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await names(database) == []


async def test_an_error_of_sqlite_is_told_and_undoes_all_of_it(database: Database) -> None:
    async def fail(method: str) -> None:
        async with database.transaction() as transaction:
            await transaction.execute(ADD, ("a", ""))
            await getattr(transaction, method)("DELETE FROM missing", ())

    for method in ("execute", "executemany", "rows"):
        with pytest.raises(StoreError, match="no such table"):
            await fail(method)
        assert await names(database) == []


async def test_what_cannot_be_committed_is_told_and_undone(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("PRAGMA defer_foreign_keys = ON")
            await transaction.execute(ADD, ("a", ""))
            await transaction.execute("INSERT INTO favourites VALUES (1, 2, 3, 4.0)")

    with pytest.raises(StoreError, match="FOREIGN KEY"):
        await fail()
    assert await names(database) == []


async def test_a_cancelled_task_leaves_nothing_wherever_it_was(database: Database) -> None:
    async def write(steps: list[asyncio.Event]) -> None:
        steps[0].set()
        async with database.transaction() as transaction:
            steps[1].set()
            await transaction.execute(ADD, ("a", ""))
            steps[2].set()
            await transaction.execute(ADD, ("b", ""))
            steps[3].set()
            await asyncio.Event().wait()

    for step in range(4):
        steps = [asyncio.Event() for _ in range(4)]
        task = asyncio.create_task(write(steps))
        await steps[step].wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await names(database) == []
    await database.execute(ADD, ("c", ""))
    assert await names(database) == ["c"]


async def test_others_wait_until_a_transaction_has_ended(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(ADD, ("undone", ""))
            others.extend(
                [
                    asyncio.create_task(database.execute(ADD, ("other", ""))),
                    asyncio.create_task(succeed()),
                ]
            )
            await transaction.execute(ADD, ("undone too", ""))
            assert await names(transaction) == ["undone", "undone too"]
            raise ZeroDivisionError

    async def succeed() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(ADD, ("another", ""))

    others: list[asyncio.Task[object]] = []
    with pytest.raises(ZeroDivisionError):
        await fail()
    await asyncio.gather(*others)
    assert await names(database) == ["another", "other"]


async def test_what_is_read_sees_the_writes_before_it(tmp_path: Path) -> None:
    for path in (None, tmp_path / "bot.sqlite3"):
        database = await Database.open(path)
        async with database.transaction() as transaction:
            reading = asyncio.create_task(names_read(database))
            await transaction.execute(ADD, ("a", ""))
        assert await reading == ["a"]
        await database.close()


async def names_read(database: Database) -> list[str]:
    return [row[0] for row in await database.read("SELECT name FROM notes ORDER BY name")]


async def test_a_change_of_settings_that_fails_changes_nothing(database: Database) -> None:
    store = GuildSettingsStore(database)
    for number in range(CHANGES_KEPT + 1):
        await store.set(1, 2, GuildSettings(cooldown_seconds=number + 1), float(number))
    await database.execute(
        "CREATE TRIGGER refuse BEFORE DELETE ON guild_settings "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    with pytest.raises(StoreError, match="refused"):
        await store.set(1, 2, GuildSettings(cooldown_seconds=1000), 1000.0)
    assert (await store.get(1)).cooldown_seconds == CHANGES_KEPT + 1
