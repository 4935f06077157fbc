"""What reads a file of a stranger can do little else."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from musicgen_bot.audio import confined, launcher
from musicgen_bot.audio.confined import confinement
from musicgen_bot.audio.ffmpeg import find_ffmpeg

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")


def report() -> list[str]:
    result = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, str(2**29), "10"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout.splitlines()


def launched(folder: Path, *program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*confined._launcher(), *program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_has_little_memory_time_and_priority_and_writes_no_file(tmp_path: Path) -> None:
    limits = "ulimit -f; ulimit -t; ulimit -c; nice"
    result = launched(tmp_path, "/bin/sh", "-c", limits)
    assert result.stdout.split() == ["0", "10", "0", str(launcher.NICENESS)]
    if sys.platform == "linux":
        memory = launched(tmp_path, "/bin/sh", "-c", "ulimit -d")
        assert int(memory.stdout) == 2**19
    assert launched(tmp_path, "/bin/sh", "-c", "echo x > upload").returncode != 0


@pytest.mark.skipif(
    launcher.WITHOUT_FILES not in report(), reason="this system has no Landlock, or forbids it"
)
def test_it_reads_its_own_folder_and_no_other_file(tmp_path: Path) -> None:
    own, secret = tmp_path / "own", tmp_path / ".env"
    own.mkdir()
    (own / "upload").write_text("music")
    secret.write_text("token")
    assert launched(own, "/bin/cat", "upload").stdout == "music"
    for path in (secret, "../.env", "/proc/self/environ", "/etc/passwd", __file__):
        result = launched(own, "/bin/cat", str(path))
        assert (result.returncode, result.stdout) == (1, "")
    assert launched(own, "/bin/ls", "..").returncode != 0
    assert launched(own, "/bin/rm", "upload").returncode != 0


@pytest.mark.skipif(
    launcher.WITHOUT_NETWORK not in report(), reason="this system has no seccomp, or forbids it"
)
def test_it_opens_no_socket(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        result = launched(tmp_path, str(find_ffmpeg().path), "-v", "error", "-i", address)
        assert result.returncode != 0
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "Operation not permitted" in result.stderr


def test_it_is_told_what_is_out_of_ffmpegs_reach() -> None:
    told = confinement(find_ffmpeg())
    done = report()
    assert told == (launcher.WITHOUT_NETWORK in done, launcher.WITHOUT_FILES in done)
