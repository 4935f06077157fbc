"""Will it run here? Looks at all the bot needs, and says what is missing and what to do."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from musicgen_bot.audio.confined import confinement
from musicgen_bot.audio.ffmpeg import Ffmpeg, find_ffmpeg
from musicgen_bot.engine.device import (
    PRECISIONS,
    QUANTISED,
    choose_device,
    choose_precision,
    compiled_step,
    describe_device,
    free_memory,
    why_not_quantised,
)
from musicgen_bot.engine.memory import estimate_memory, weight_bytes
from musicgen_bot.engine.model_files import fetch_config, is_cached
from musicgen_bot.engine.native.library import NotCompiled
from musicgen_bot.errors import MusicgenBotError
from musicgen_bot.store.database import Database

GIB = 2**30
PACKAGES = ("torch", "transformers", "discord.py")
LITTLE_DISK_BYTES = GIB
"""Below this much free space a host should know of it."""


class Level(Enum):
    """How a finding bears on the start of the bot."""

    GOOD = "✓"
    NOTICE = "!"
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Level
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Setup:
    """What the host has set, as far as it bears on whether the bot can start."""

    model: str
    device: str
    precision: str
    slots: int
    """Clips at once."""
    seconds: float
    """Length of the longest clip."""
    database: Path
    has_token: bool


def check_host(console: Console, setup: Setup, redact: Callable[[str], str]) -> bool:
    """Print what was found, without secrets, and return whether the bot could start."""
    colours = {Level.GOOD: "green", Level.NOTICE: "yellow", Level.BAD: "red"}
    table = Table(title="Will it run on your hardware?", show_header=False, box=None)
    could_start = True
    for finding in _findings(setup):
        mark = Text(finding.level.value, style=colours[finding.level])
        table.add_row(mark, finding.name, Text(redact(finding.text), overflow="fold"))
        could_start &= finding.level is not Level.BAD
    console.print(table)
    console.print("The bot can start." if could_start else "The bot cannot start yet: see ✗.")
    return could_start


def _findings(setup: Setup) -> Iterator[Finding]:
    yield Finding(Level.GOOD, "Python", platform.python_version())
    versions = (f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    yield Finding(Level.GOOD, "Packages", ", ".join(versions))
    yield from _told("Device", lambda: _device(setup.device))
    yield from _told("Model", lambda: _model(setup))
    yield from _told("ffmpeg", _ffmpeg)
    yield from _told("Database", lambda: _database(setup.database))
    yield from _disk(setup.database.parent)
    yield _token(setup.has_token)


def _told(name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what a look finds, and the error that ends it as a finding of its own."""
    try:
        yield from look()
    except MusicgenBotError as error:
        yield Finding(Level.BAD, name, str(error))


def _device(name: str) -> Iterator[Finding]:
    device = choose_device(name)
    free = free_memory(device) / GIB
    text = f"{device} ({describe_device(device)}), {free:.1f} GiB free"
    yield Finding(Level.GOOD, "Device", text)


def _model(setup: Setup) -> Iterator[Finding]:
    """Tell whether the model can be had, and what each precision would need."""
    config = fetch_config(setup.model)
    if is_cached(setup.model):
        yield Finding(Level.GOOD, "Model", f"{setup.model}, on this machine")
    else:
        size = weight_bytes(config, "fp32", choose_device("cpu")) / GIB
        text = f"{setup.model}, will be downloaded at the first start (about {size:.1f} GiB)"
        yield Finding(Level.NOTICE, "Model", text)
    device = choose_device(setup.device)
    used = choose_precision(setup.precision, device, config.decoder)
    free = free_memory(device)
    obstacles = {name: why_not_quantised(name, device, config.decoder) for name in QUANTISED}
    if device.type == "cpu":
        yield _step(config.decoder, int8=not obstacles["int8"])
    for precision in (*PRECISIONS, *(name for name in QUANTISED if not obstacles[name])):
        need = estimate_memory(config, precision, setup.slots, setup.seconds, device)
        text = (
            f"{setup.slots} clips of {setup.seconds:g} s at once need about {need / GIB:.1f} GiB: "
        )
        yield _verdict(precision, text, fits=need <= free, used=precision == used)


def _step(decoder: Any, *, int8: bool) -> Finding:
    """Tell what computes a step; int8 is to be had without the compiled one on some processors."""
    try:
        step = compiled_step(decoder)
    except NotCompiled as obstacle:
        cost = "int8 takes about three times as long" if int8 else "int8 and int4 are not to be had"
        return Finding(Level.NOTICE, "Step", f"not compiled, so {cost}: {obstacle}")
    return Finding(Level.GOOD, "Step", f"made for this processor ({step})")


def _verdict(precision: str, text: str, *, fits: bool, used: bool) -> Finding:
    """Tell whether a precision fits; only the one that is used has to."""
    if used and not fits:
        advice = "does not fit; lower MUSICGEN_MAX_BATCH or choose a smaller precision"
        return Finding(Level.BAD, precision, text + advice)
    verdict = "this one is used" if used else "fits" if fits else "does not fit"
    return Finding(Level.GOOD if fits else Level.NOTICE, precision, text + verdict)


def _ffmpeg() -> Iterator[Finding]:
    ffmpeg = find_ffmpeg()
    origin = "the one of imageio-ffmpeg" if ffmpeg.bundled else "the system's"
    yield Finding(Level.GOOD, "ffmpeg", f"{ffmpeg.version}, {origin}, {ffmpeg.path}")
    yield _uploads(ffmpeg)


def _uploads(ffmpeg: Ffmpeg) -> Finding:
    """Tell what is out of ffmpeg's reach while it reads what people upload."""
    match confinement(ffmpeg):
        case None:
            return Finding(
                Level.NOTICE,
                "Uploads",
                "this ffmpeg does not start where it may read nothing but its own files, so "
                "/continue does not work; install another one",
            )
        case True, True:
            text = "ffmpeg reads them with no network and no files but its own"
            return Finding(Level.GOOD, "Uploads", text)
        case network, files:
            open_to_it = ["the network"] * (not network) + ["the bot's files"] * (not files)
            text = "this system cannot keep an ffmpeg that a file has broken into from "
            return Finding(Level.NOTICE, "Uploads", text + " and ".join(open_to_it))


def _database(path: Path) -> Iterator[Finding]:
    """Open the database as the bot does; where there is none yet, only try to write its folder."""
    if path.exists():
        asyncio.run(_open_and_close(path))
        yield Finding(Level.GOOD, "Database", f"{path}, in order")
        return
    with tempfile.TemporaryDirectory(dir=_existing(path.parent)) as folder:
        asyncio.run(_open_and_close(Path(folder) / path.name))
    yield Finding(Level.GOOD, "Database", f"{path}, will be made at the first start")


async def _open_and_close(path: Path) -> None:
    await (await Database.open(path)).close()


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(_existing(folder)).free
    level = Level.NOTICE if free < LITTLE_DISK_BYTES else Level.GOOD
    yield Finding(level, "Disk", f"{free / GIB:.1f} GiB free for {folder}")


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(each for each in (folder, *folder.absolute().parents) if each.is_dir())


def _token(has_token: bool) -> Finding:
    if has_token:
        return Finding(Level.GOOD, "Token", "DISCORD_TOKEN is set")
    return Finding(Level.BAD, "Token", "DISCORD_TOKEN is not set; put the bot's token into .env")
