"""Models for the tests of the engine, built once each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from musicgen_bot.engine import Engine, load_engine
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.engine.random_model import RandomModelSizes, build_random_model

Build = Callable[[RandomModelSizes], Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build a random model of given sizes, and return its folder; the same sizes only once."""
    built: dict[RandomModelSizes, Path] = {}

    def build_once(sizes: RandomModelSizes) -> Path:
        if sizes not in built:
            built[sizes] = tmp_path_factory.mktemp("models") / f"random-{len(built)}"
            with quiet_transformers():
                build_random_model(built[sizes], sizes)
        return built[sizes]

    return build_once


@pytest.fixture(scope="module")
def small(random_checkpoint: Path) -> Engine:
    """An engine with the small random model, on the CPU in fp32."""
    return load_engine(str(random_checkpoint), "cpu", "fp32")
