"""The step as it was compiled when the bot was installed, for the processor at hand."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from musicgen_bot.engine.native import build
from musicgen_bot.errors import ModelError

_AGAIN = "install the bot again with `pip install -e .`"
_CHOICE = "MUSICGEN_STEP_TARGET"
"""The environment variable that names a target; for tests and measurements."""


class NotCompiled(Exception):
    """There is no compiled step, for the reason that the text gives."""


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A shared library, and for which of its targets it is to be used."""

    path: Path
    target: str
    compiler: str

    def __str__(self) -> str:
        return f"{self.target}, compiled by {self.compiler}"


def library() -> CompiledStep:
    """Return the compiled step for this processor.

    Raises NotCompiled where there is none, and ModelError where the host has chosen a target that
    cannot be used here.
    """
    record = build.read_record()
    path = build.FOLDER / build.LIBRARY
    if record.obstacle:
        raise NotCompiled(f"that failed when the bot was installed ({record.obstacle}); {_AGAIN}")
    if not record.library:
        raise NotCompiled(f"the bot was not installed here; {_AGAIN}")
    if record.sources != build.fingerprint():
        raise NotCompiled(f"its sources have changed since it was; {_AGAIN}")
    if record.library != build.digest(path):
        raise NotCompiled(f"{path.name} is not what was compiled; {_AGAIN}")
    target = _choose(record.targets)
    try:
        # Some file systems have no programs run from them.
        ctypes.CDLL(str(path))
    except OSError as error:
        raise NotCompiled(f"the system does not load {path.name} ({error})") from error
    return CompiledStep(path, target, record.compiler)


def _choose(compiled: tuple[str, ...]) -> str:
    """Return the fastest of the targets that this processor can run, or the one that is chosen."""
    has = {name for name, there in torch.cpu.get_capabilities().items() if there is True}
    usable = [
        target.name
        for target in build.targets_here()
        if target.name in compiled and target.needs <= has
    ]
    chosen = os.environ.get(_CHOICE)
    if chosen and chosen not in usable:
        raise ModelError(
            f"{_CHOICE} is {chosen}, which this processor cannot run or which is not compiled; "
            f"leave it out, or choose one of {', '.join(usable) or 'none'}."
        )
    if not usable:
        raise NotCompiled("this processor is of none of the kinds that it is compiled for")
    return chosen or usable[-1]
