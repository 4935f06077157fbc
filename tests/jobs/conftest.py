"""Dispatchers for the tests of jobs."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from musicgen_bot.jobs import dispatcher, job_runner
from musicgen_bot.store.database import Database
from tests.jobs.door import Door
from tests.jobs.house import Build, House


@pytest.fixture
async def build(tmp_path: Path) -> AsyncIterator[Build]:
    """Build houses on one database, as runs of the bot follow each other; close them at the end."""
    database = await Database.open(tmp_path / "bot.sqlite3")
    houses: list[House] = []

    def build(**options: Any) -> House:
        houses.append(House(database, **options))
        return houses[-1]

    yield build
    for house in houses:
        await house.dispatcher.close()
    await database.close()


@pytest.fixture
def seeds_from_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw seeds 10, 20, 30 …"""
    seeds = itertools.count(10, 10)
    monkeypatch.setattr(job_runner, "draw_seed", lambda: next(seeds))
    monkeypatch.setattr(dispatcher, "draw_seed", lambda: next(seeds))


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    database = await Database.open(None)
    yield Door(database)
    await database.close()
