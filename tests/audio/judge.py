"""ffmpeg as an independent judge of sound files: what it hears, how long they are, their tags."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO
from typing import NamedTuple

import imageio_ffmpeg
import numpy as np
import soundfile

from musicgen_bot.generation import Samples
from tests.audio.signals import RATE


class Heard(NamedTuple):
    lufs: float
    true_peak_db: float


def run_ffmpeg(file: bytes, *arguments: str) -> tuple[bytes, str]:
    """Return what ffmpeg writes of a file to standard output, and what it tells."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", "-", *arguments]
    result = subprocess.run(command, input=file, capture_output=True, check=True)
    return result.stdout, result.stderr.decode(errors="replace")


def listen(file: bytes) -> Heard:
    _, report = run_ffmpeg(file, "-af", "ebur128=peak=true", "-f", "null", "-")
    summary = report[report.rindex("Summary:") :]
    lufs = re.search(r"I:\s+(\S+) LUFS", summary)
    peak = re.search(r"Peak:\s+(\S+) dBFS", summary)
    assert lufs is not None
    assert peak is not None
    return Heard(float(lufs[1]), float(peak[1]))


def listen_to_samples(samples: Samples) -> Heard:
    return listen(wav(samples))


def wav(samples: Samples) -> bytes:
    memory = BytesIO()
    soundfile.write(memory, samples.T, RATE, format="WAV", subtype="FLOAT")
    return memory.getvalue()


def decode(file: bytes, channels: int) -> Samples:
    raw, _ = run_ffmpeg(file, "-f", "f32le", "-")
    return np.frombuffer(raw, np.float32).reshape(-1, channels).T


def read_tags(file: bytes) -> dict[str, str]:
    """Return the tags in ffmpeg's names for them."""
    raw, _ = run_ffmpeg(file, "-f", "ffmetadata", "-")
    _, _, body = raw.decode().partition("\n")
    entries = re.findall(r"((?:[^=\\]|\\.)+)=((?:[^\n\\]|\\.)*)\n", body, flags=re.DOTALL)
    return {_unescape(key): _unescape(value) for key, value in entries}


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
