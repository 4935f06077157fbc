"""What `check` finds, and when it says that the bot could start."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from musicgen_bot import check
from musicgen_bot.audio import ffmpeg
from musicgen_bot.check import Setup, check_host
from musicgen_bot.engine import device
from musicgen_bot.engine.native import build as builder
from musicgen_bot.logs import Redactor
from musicgen_bot.store.database import Database


def checked(folder: Path, **changes: Any) -> tuple[bool, str]:
    """Return the verdict and what was printed, for a host where all is well but `changes`."""
    output = io.StringIO()
    options: dict[str, Any] = {
        "model": "tiny",
        "device": "cpu",
        "precision": "auto",
        "slots": 4,
        "seconds": 30.0,
        "database": folder / "data" / "bot.sqlite3",
        "has_token": True,
    }
    console, redact = Console(file=output, width=200), Redactor(["very-secret"])
    verdict = check_host(console, Setup(**(options | changes)), redact)
    return verdict, output.getvalue()


def test_where_all_is_well_the_bot_can_start_and_nothing_is_left_behind(tmp_path: Path) -> None:
    could_start, text = checked(tmp_path)
    assert could_start, text
    for word in ("Python", "torch", "cpu", "tiny", "fp32", "ffmpeg", "Database", "Disk", "Token"):
        assert word in text
    origin = "the one of imageio-ffmpeg" if ffmpeg.find_ffmpeg().bundled else "the system's"
    assert origin in text
    assert " Uploads " in text
    assert "The bot can start." in text
    assert list(tmp_path.iterdir()) == []


def test_each_precision_is_told_with_its_memory_and_the_used_one_is_named(tmp_path: Path) -> None:
    _, text = checked(tmp_path, precision="bf16")
    lines = {line.split()[1]: line for line in text.splitlines() if "clips of 30 s" in line}
    assert set(lines) == {"fp32", "bf16", "fp16", "int8", "int4"}
    assert "this one is used" in lines["bf16"]
    assert "this one is used" not in lines["fp32"]


@pytest.mark.parametrize(
    ("exact", "sentence", "precisions"),
    [
        (True, "int8 takes about three times as long", {"fp32", "bf16", "fp16", "int8"}),
        (False, "int8 and int4 are not to be had", {"fp32", "bf16", "fp16"}),
    ],
)
def test_without_the_compiled_step_it_is_told_what_computes_a_step(
    exact: bool,
    sentence: str,
    precisions: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(builder, "FOLDER", tmp_path)
    monkeypatch.setattr(device, "exact_int8", lambda: exact)
    could_start, text = checked(tmp_path)
    (line,) = (line for line in text.splitlines() if " Step " in line)
    assert sentence in line
    assert "install the bot again with `pip install -e .`" in line
    lines = {line.split()[1]: line for line in text.splitlines() if "clips of 30 s" in line}
    assert set(lines) == precisions
    assert "this one is used" in lines["int8" if exact else "fp32"]
    assert could_start, text


def test_a_missing_token_is_told(tmp_path: Path) -> None:
    could_start, text = checked(tmp_path, has_token=False)
    assert not could_start
    assert "DISCORD_TOKEN is not set" in text


def test_a_database_in_use_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(path))
        could_start, text = checked_beside(runner, tmp_path, path)
        runner.run(database.close())
    assert not could_start
    assert "Another program" in text


def checked_beside(runner: asyncio.Runner, folder: Path, path: Path) -> tuple[bool, str]:
    """Check in another thread, since a thread has one event loop at a time."""
    return runner.run(asyncio.to_thread(checked, folder, database=path))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "bot.sqlite3").mkdir()
    could_start, text = checked(tmp_path, database=tmp_path / "bot.sqlite3")
    assert not could_start
    assert "cannot be written" in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "someone/nothing-here"}, "someone/nothing-here"),
        ({"model": "/no/such/folder"}, "There is no folder"),
        ({"device": "cuda:7"}, "cuda:7"),
    ],
)
def test_what_the_host_has_to_change_is_told(
    changes: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    could_start, text = checked(tmp_path, **changes)
    assert not could_start
    assert sentence in text


def test_a_model_that_does_not_fit_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "free_main_memory", lambda: 1000)
    could_start, text = checked(tmp_path)
    assert not could_start
    assert "lower MUSICGEN_MAX_BATCH" in text


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (None, "does not start"),
        ((True, True), "no network and no files but its own"),
        ((False, True), "broken into from the network"),
        ((False, False), "from the network and the bot's files"),
    ],
)
def test_what_is_open_to_who_breaks_into_ffmpeg_is_told(
    told: tuple[bool, bool] | None,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(check, "confinement", lambda _: told)
    could_start, text = checked(tmp_path)
    assert could_start
    assert sentence in text


def test_a_host_without_ffmpeg_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "_candidates", lambda: iter(()))
    could_start, text = checked(tmp_path)
    assert not could_start
    assert "There is no ffmpeg" in text


def test_a_secret_in_what_was_found_is_not_printed(tmp_path: Path) -> None:
    could_start, text = checked(tmp_path, model=str(tmp_path / "very-secret"))
    assert not could_start
    assert "[secret]" in text
    assert "very-secret" not in text
