"""Reads a sound file that a stranger has sent, by an ffmpeg that is held on a short leash.

The file is data and may be made to hurt, so what ffmpeg can do is little (`confined`). How much
there is to decode is asked before it is done. What ffmpeg writes is counted, and when that is too
much, or takes too long, it is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from musicgen_bot.audio.confined import UPLOAD, running
from musicgen_bot.audio.ffmpeg import Ffmpeg
from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.errors import AudioError, InvalidRequest
from musicgen_bot.generation import Samples
from musicgen_bot.translations import Counted, Text

LARGEST_BYTES = 25 * 2**20
"""Of a file: a song as FLAC, or a quarter of an hour as MP3."""
LONGEST_SECONDS = 600
SHORTEST_SECONDS = 1.0
PATIENCE_SECONDS = 30.0
"""For a whole file; a song takes a second or two."""
MOST_SAMPLES_A_SECOND = 8 * 96_000
"""In all channels of a file together."""
_SILENT = 1e-3
_CANCELLED_POWER = 0.1
"""Below this share of the power of its louder channel, what two channels add up to is not the
music: they are nearly each other's opposite. Of two that have nothing in common, half is left."""
_HEADER = struct.Struct(">4s5I")
"""Of an AU file, whose last two numbers are samples a second and channels."""
_FLOAT_BYTES = 4
_READ_SECONDS = LONGEST_SECONDS + 1
"""How much is decoded: enough to see that a file is too long."""
_ONLY_SOUND = ("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1")
_NO_SOUND = Text(
    "I cannot read this as an audio file; please upload an MP3, WAV, FLAC, Ogg or M4A file."
)
_TOO_HARD = Text("This file takes too long to read; please upload a shorter or simpler one.")


@dataclass(frozen=True, slots=True)
class _Form:
    """How the sound in a file is kept."""

    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class UploadReader:
    """Reads what people upload, with this ffmpeg."""

    ffmpeg: Ffmpeg
    pool: SoundPool

    async def read(self, file: bytes, sample_rate: int, channels: int, seconds: float) -> Samples:
        """Return the last seconds of a sound file, or all of it if that is less.

        They are [channels, samples], one channel or two, at `sample_rate`. Raises InvalidRequest
        where the file is no sound, or not one to go on from; AudioError where this machine cannot
        read it.
        """
        ffmpeg = await self.pool.run(self.ffmpeg.or_another)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            await self.pool.run(_put, file, folder / UPLOAD)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    if await _shows_pictures(ffmpeg, folder):
                        raise InvalidRequest(
                            "This is a video; please upload only its sound, for example as an MP3."
                        )
                    form = await _form(ffmpeg, folder)
                    if form.sample_rate * form.channels > MOST_SAMPLES_A_SECOND:
                        raise InvalidRequest(_TOO_HARD)
                    # ffmpeg makes the two sides of a mono sound 3 dB quieter than it is.
                    sides = min(form.channels, 2)
                    sound = await _decode(ffmpeg, folder, sample_rate, sides, seconds)
            except TimeoutError:
                raise InvalidRequest(_TOO_HARD) from None
        if sound.shape[1] < SHORTEST_SECONDS * sample_rate:
            raise InvalidRequest(
                "The file must contain at least {least} of sound to continue from.",
                least=Counted("{count} second", "{count} seconds", count=SHORTEST_SECONDS),
            )
        samples = await self.pool.run(_mixed, sound, channels)
        if np.abs(samples).max() < _SILENT:
            raise InvalidRequest(
                "The last {seconds} seconds of this file are silent; please cut off its end.",
                seconds=seconds,
            )
        return samples


def _put(file: bytes, path: Path) -> None:
    try:
        path.write_bytes(file)
    except OSError as error:
        raise AudioError("There is no room on the host's disk to read this file.") from error


async def _shows_pictures(ffmpeg: Ffmpeg, folder: Path) -> bool:
    """Tell whether there are moving pictures: more than the one picture of an album's cover.

    Covers that are marked as such are left out by V.
    """
    # This format asks for no dimensions, which some videos tell to decoders only.
    nowhere = ("-c", "copy", "-frames:v", "2", "-f", "image2pipe", "-y", os.devnull)
    pictures = ("-map", "0:V:0", *nowhere, "-progress", "pipe:1")
    async with running(ffmpeg, folder, _READ_SECONDS, pictures) as process:
        told, _ = await process.communicate()
        await _ended(process)
    return b"frame=2\n" in told


async def _form(ffmpeg: Ffmpeg, folder: Path) -> _Form:
    """Return how the sound is kept, as its first frame tells."""
    first = (*_ONLY_SOUND, "-frames:a", "1", "-c:a", "pcm_s16be", "-f", "au", "pipe:1")
    async with running(ffmpeg, folder, _READ_SECONDS, first) as process:
        output = cast(asyncio.StreamReader, process.stdout)
        try:
            header = await output.readexactly(_HEADER.size)
        except asyncio.IncompleteReadError:
            await _ended(process)
            raise InvalidRequest(_NO_SOUND) from None
    *_, sample_rate, channels = _HEADER.unpack(header)
    return _Form(sample_rate, channels)


async def _decode(
    ffmpeg: Ffmpeg, folder: Path, sample_rate: int, channels: int, seconds: float
) -> Samples:
    """Return the last seconds, [channels, samples]."""
    frame_bytes = _FLOAT_BYTES * channels
    kept_bytes = round(seconds * sample_rate) * frame_bytes
    most_bytes = LONGEST_SECONDS * sample_rate * frame_bytes
    form = ("-ac", str(channels), "-ar", str(sample_rate), "-f", "f32le", "pipe:1")
    kept: deque[bytes] = deque()
    held = total = 0
    async with running(ffmpeg, folder, _READ_SECONDS, (*_ONLY_SOUND, *form)) as process:
        output = cast(asyncio.StreamReader, process.stdout)
        while chunk := await output.read(2**18):
            total += len(chunk)
            if total > most_bytes:
                raise InvalidRequest(
                    "This file is longer than {minutes} minutes; please upload a shorter one, "
                    "such as its last minute.",
                    minutes=LONGEST_SECONDS // 60,
                )
            kept.append(chunk)
            held += len(chunk)
            while held - len(kept[0]) >= kept_bytes:
                held -= len(kept.popleft())
        await _ended(process)
    # A damaged file may still have been read in part.
    if total == 0 or total % frame_bytes:
        raise InvalidRequest(_NO_SOUND)
    end = b"".join(kept)[-kept_bytes:]
    sound: Samples = np.frombuffer(end, "<f4").reshape(-1, channels).T
    return sound


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait until ffmpeg has ended by itself.

    Raises InvalidRequest where it was killed: it ran out of time, or tried what it may not.
    """
    status = await process.wait()
    if status < 0:
        out_of_time = sys.platform != "win32" and status == -signal.SIGKILL
        text = _TOO_HARD if out_of_time else _NO_SOUND
        raise InvalidRequest(text)


def _mixed(sound: Samples, channels: int) -> Samples:
    """Return a sound of one channel or two in as many as are wanted, no louder than full scale.

    Raises InvalidRequest where it holds something that is no number.
    """
    if not np.isfinite(sound).all():
        raise InvalidRequest(
            "This file is damaged: its end holds values that are no sound. Please save it again, "
            "for example as an MP3, and upload that."
        )
    sound = sound / max(1.0, float(np.abs(sound).max(initial=0.0)))
    if channels == 1:
        sound = _in_one(sound)
    elif sound.shape[0] == 1:
        sound = np.repeat(sound, channels, axis=0)
    return np.ascontiguousarray(sound, np.float32)


def _in_one(sound: Samples) -> Samples:
    """Return the middle of the channels, or the louder one where they cancel each other."""
    power = np.square(sound).mean(axis=1)
    middle: Samples = sound.mean(axis=0, keepdims=True)
    if np.square(middle).mean() < _CANCELLED_POWER * power.max():
        loudest = int(power.argmax())
        return sound[loudest : loudest + 1]
    return middle
