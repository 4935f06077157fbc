"""Finds the ffmpeg that writes MP3s and reads what people upload.

That takes a tenth of a second, so it is done once, at the start, and the answer is handed around.
"""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from musicgen_bot.errors import AudioError, SystemBusy

_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
"""What the system says where it has no file, memory or process left: that passes by itself."""


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg that runs and can write MP3s."""

    path: Path
    version: str
    bundled: bool
    """Whether it came with the Python packages, and not with the system."""

    def or_another(self) -> Ffmpeg:
        """Return this one while it is there; once it was uninstalled, another.

        Raises AudioError where there is none.
        """
        return self if self.path.exists() else find_ffmpeg()


def find_ffmpeg() -> Ffmpeg:
    """Return the ffmpeg to use: the system's, else that of imageio-ffmpeg.

    Raises AudioError where none of them runs and can write MP3.
    """
    for path, bundled in _candidates():
        if version := _version(path):
            return Ffmpeg(Path(path), version, bundled)
    raise AudioError(
        "There is no ffmpeg here that can write MP3; please ask the host to install ffmpeg, or "
        "to reinstall imageio-ffmpeg, which comes with one."
    )


def raise_if_scarce(error: OSError) -> None:
    """Raise SystemBusy where an error only says that the system has nothing left for now."""
    if error.errno in _SCARCE:
        raise SystemBusy(
            "The machine I run on has too much to do; please try again in a minute."
        ) from error


def _candidates() -> Iterator[tuple[str, bool]]:
    if system := shutil.which("ffmpeg"):
        yield system, False
    with suppress(RuntimeError):
        yield imageio_ffmpeg.get_ffmpeg_exe(), True


def _version(ffmpeg: str) -> str | None:
    """Return the version of an ffmpeg, None where it does not run or cannot write MP3."""
    try:
        result = subprocess.run(  # noqa: S603
            [ffmpeg, "-version"], capture_output=True, check=True, timeout=30, encoding="utf-8"
        )
    except OSError as error:
        raise_if_scarce(error)
        return None
    except (ValueError, subprocess.SubprocessError):
        return None
    words = result.stdout.split(maxsplit=3)
    if words[:2] != ["ffmpeg", "version"] or "--enable-libmp3lame" not in words[-1]:
        return None
    return words[2]
