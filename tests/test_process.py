"""The process gets from the system what it needs."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from musicgen_bot.process import OPEN_FILES, SLEEPING_THREADS, step_back

BOT = Path(__file__).parents[1] / "bot.py"


def open_files(before: str) -> list[int]:
    """Return the limits of a process that asks for many files: the one that holds, the highest."""
    code = (
        "import resource; from musicgen_bot.process import allow_many_files; "
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE); "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, {before}); allow_many_files(); "
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return [int(limit) for limit in result.stdout.split()]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_the_limit_of_open_files_is_raised_as_far_as_the_system_allows_and_never_lowered() -> None:
    soft, hard = open_files("(256, hard)")
    assert soft == (OPEN_FILES if hard < 0 else min(OPEN_FILES, hard))
    assert open_files("(256, 300)") == [300, 300]
    soft, hard = open_files("(hard, hard)")
    assert soft == hard


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has priority classes")
@pytest.mark.parametrize("nice", [0, 7])
def test_the_process_and_threads_that_it_starts_step_back_as_far_as_the_host_asks(
    nice: int,
) -> None:
    code = (
        "import os, threading; from musicgen_bot.process import step_back; "
        f"step_back({nice}); show = lambda: print(os.getpriority(os.PRIO_PROCESS, 0)); show(); "
        "thread = threading.Thread(target=show); thread.start(); thread.join()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert [int(line) for line in result.stdout.split()] == [min(before + nice, 19)] * 2


def test_a_system_that_lets_nobody_step_back_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.nice", refuse, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with caplog.at_level(logging.WARNING):
        step_back(5)
    (record,) = caplog.records
    assert "Operation not permitted" in record.getMessage()


def openmp_environment(**environment: str) -> str:
    """Return what OpenMP tells of itself once the check command has loaded PyTorch."""
    inherited = {k: v for k, v in os.environ.items() if k not in SLEEPING_THREADS}
    result = subprocess.run(
        [sys.executable, str(BOT), "check", "--model", "tiny"],
        env={**inherited, "OMP_DISPLAY_ENV": "TRUE", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found = re.search(r"OMP_WAIT_POLICY *= *'(\w+)'", result.stderr)
    assert found, result.stderr
    return found[1]


def test_threads_sleep_while_they_wait_unless_the_host_wants_it_otherwise() -> None:
    assert openmp_environment() == "PASSIVE"
    assert openmp_environment(OMP_WAIT_POLICY="active") == "ACTIVE"
