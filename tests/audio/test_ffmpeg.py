"""ffmpeg is found once, and again where it has gone; a system with nothing left still has one."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.mp3 import encode_mp3
from musicgen_bot.errors import AudioError, SystemBusy
from tests.audio import signals
from tests.audio.signals import RATE
from tests.audio.stand_in import VERSION, install_ffmpeg, needs_a_shell
from tests.audio.test_mp3 import TAGS


def test_the_ffmpeg_of_imageio_serves_where_the_system_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    ffmpeg = find_ffmpeg()

    assert str(ffmpeg.path) == imageio_ffmpeg.get_ffmpeg_exe()
    assert ffmpeg.version == imageio_ffmpeg.get_ffmpeg_version()
    assert ffmpeg.bundled


@needs_a_shell
def test_the_ffmpeg_of_the_system_comes_first_and_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    script = f'[ "$1" != -version ] || echo >> {asked}\nexec {imageio_ffmpeg.get_ffmpeg_exe()} "$@"'
    path = install_ffmpeg(tmp_path, monkeypatch, script)

    ffmpeg = find_ffmpeg()
    for _ in range(2):
        assert encode_mp3(signals.piano(0.5), RATE, TAGS, ffmpeg).startswith(b"ID3")

    assert (ffmpeg.path, ffmpeg.bundled) == (path, False)
    assert len(asked.read_text().splitlines()) == 1


@needs_a_shell
@pytest.mark.parametrize("script", ["echo ffmpeg version 7.0 --enable-libx264", "exit 1", "echo"])
def test_a_system_ffmpeg_that_cannot_write_mp3_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    install_ffmpeg(tmp_path, monkeypatch, script)

    assert str(find_ffmpeg().path) == imageio_ffmpeg.get_ffmpeg_exe()


@needs_a_shell
def test_one_that_was_uninstalled_is_replaced_by_another_or_missed_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = install_ffmpeg(tmp_path, monkeypatch, f"echo {VERSION}")
    ffmpeg = find_ffmpeg()
    path.unlink()

    assert encode_mp3(signals.piano(0.5), RATE, TAGS, ffmpeg).startswith(b"ID3")

    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "missing"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError, match="install ffmpeg"):
        encode_mp3(signals.piano(0.5), RATE, TAGS, ffmpeg)
    with pytest.raises(AudioError, match="install ffmpeg"):
        find_ffmpeg()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN])
def test_a_system_with_nothing_left_is_busy_and_not_without_ffmpeg(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffmpeg = find_ffmpeg()

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(code, "no more of that")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(SystemBusy):
        find_ffmpeg()
    with pytest.raises(SystemBusy):
        encode_mp3(signals.piano(0.5), RATE, TAGS, ffmpeg)
