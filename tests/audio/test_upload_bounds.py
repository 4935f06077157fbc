"""A reader of uploads that goes astray is stopped, whatever it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from musicgen_bot.audio import confined, upload
from musicgen_bot.errors import AudioError
from tests.audio.judge import wav
from tests.audio.signals import sine
from tests.audio.stand_in import install_ffmpeg, needs_a_shell
from tests.audio.test_upload import NO_SOUND, read, refused

ANSWER = 'if [ "$1" = -version ]; then echo ffmpeg version 1 --enable-libmp3lame; exit; fi'


@needs_a_shell
async def test_a_reader_that_never_ends_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What it starts has to go too, or the pipe between us would stay open.
    hang = f"{ANSWER}\necho $$ > {tmp_path}/pid\nsleep 1000\nexit 1"
    install_ffmpeg(tmp_path, monkeypatch, hang)
    monkeypatch.setattr(upload, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(confined, "_launcher", list)
    await refused(b"x", "takes too long to read")
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@needs_a_shell
async def test_a_reader_that_writes_without_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = r"\056snd\0\0\0\030\377\377\377\377\0\0\0\003\0\0\175\0\0\0\0\001"
    answers = f"case \"$*\" in *0:V:0*) exit 1;; *' au '*) printf '{header}'; exit;; esac"
    install_ffmpeg(tmp_path, monkeypatch, f"{ANSWER}\n{answers}\nexec yes")
    await refused(b"x", "longer than 10 minutes")


@needs_a_shell
async def test_a_reader_that_cannot_start_with_so_little_is_the_hosts_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_ffmpeg(tmp_path, monkeypatch, f"{ANSWER}\nexit 127")
    with pytest.raises(AudioError, match="ask the host to run the check command"):
        await read(b"x")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what is allocated")
async def test_a_reader_that_wants_too_much_memory_gets_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = wav(sine(440))
    assert (await read(file)).size
    monkeypatch.setattr(confined, "MEMORY_BYTES", 2**23)
    await refused(file, NO_SOUND)
