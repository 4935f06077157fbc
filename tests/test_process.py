"""The process gets from the system what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from musicgen_bot.process import OPEN_FILES


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
