"""What all runs of the bot in this process share."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from gettext import NullTranslations
from types import SimpleNamespace

import pytest

from musicgen_bot import translations
from musicgen_bot.jobs import job_runner


@pytest.fixture(autouse=True)
def seeds_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give out seeds 1, 2, 3 …: of some seed in hundreds the bundled model makes a silent clip."""
    seeds = itertools.count(1)
    monkeypatch.setattr(job_runner, "secrets", SimpleNamespace(randbelow=lambda _: next(seeds)))


Read = Callable[[bytes], NullTranslations]


@pytest.fixture(scope="session")
def read_once() -> Read:
    """Read each catalogue once, however many bots start."""
    return functools.cache(translations._catalogue)


@pytest.fixture(autouse=True)
def catalogues_read_once(monkeypatch: pytest.MonkeyPatch, read_once: Read) -> None:
    monkeypatch.setattr(translations, "_catalogue", read_once)
