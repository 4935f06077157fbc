"""What all tests share: no network, and a small model to work with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from training.sounds import Band

pytest_plugins = ["tests.discord_server.fixtures"]

# Before anything imports huggingface_hub, which reads it once.
os.environ["HF_HUB_OFFLINE"] = "1"
# Before anything imports torch, whose threads otherwise spin while they wait for the next of many
# small matrices: they take the processor from each other, and from the bots that tests start.
os.environ["OMP_WAIT_POLICY"] = "passive"


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small random MusicGen, saved as transformers does."""
    from musicgen_bot.engine.quiet import quiet_transformers
    from musicgen_bot.engine.random_model import build_random_model

    folder = tmp_path_factory.mktemp("models") / "random"
    with quiet_transformers():
        build_random_model(folder)
    return folder


@pytest.fixture(scope="session")
def band() -> Band:
    """The sounds of the bundled model's music, which take seconds to make."""
    from training.sounds import build_band

    return build_band()
