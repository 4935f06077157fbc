"""What all runs of the bot in this process share."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from musicgen_bot.jobs import job_runner


@pytest.fixture(autouse=True)
def seeds_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give out seeds 1, 2, 3 …: of some seed in hundreds the bundled model makes a silent clip."""
    seeds = itertools.count(1)
    monkeypatch.setattr(job_runner, "secrets", SimpleNamespace(randbelow=lambda _: next(seeds)))
