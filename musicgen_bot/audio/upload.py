"""Reads a sound file that a stranger has sent, by an ffmpeg that is held on a short leash.

The file is data and may be made to hurt. So ffmpeg reads it in a process of its own that knows
nothing of this one's environment, from a folder that holds this file alone under a name of ours. It
may open local files only, read only formats that name no other files, and decode sound alone; on
Linux it may not write a file, nor use more memory or processor time than a song takes. What it
writes is counted, and when that is too much, or takes too long, it is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import numpy as np

from musicgen_bot.audio.mp3 import find_ffmpeg
from musicgen_bot.errors import AudioError, InvalidRequest
from musicgen_bot.generation import Samples
from musicgen_bot.translations import Counted

LARGEST_BYTES = 25 * 2**20
"""Of a file: a song as FLAC, or a quarter of an hour as MP3."""
LONGEST_SECONDS = 600
SHORTEST_SECONDS = 1.0
PATIENCE_SECONDS = 30.0
"""For a whole file; a song takes a second or two."""
_MEMORY_BYTES = 2**29
"""Beside the code of ffmpeg itself; a song takes a tenth of that."""
_SILENT = 1e-3
_FORMATS = (
    "mp3,wav,w64,flac,ogg,mov,mp4,m4a,aac,matroska,webm,aiff,caf,asf,amr,amrnb,amrwb,ac3,eac3,dts,"
    "wv,ape,tta,tak,mpc,mpc8,au"
)
"""What music is kept in. None of these formats names other files, as playlists and lists of images
do, nor says what is to be done, as filters and scripts do."""
_DECODERS = (
    "mp1,mp1float,mp2,mp2float,mp3,mp3float,aac,aac_fixed,libfdk_aac,alac,flac,vorbis,libvorbis,"
    "opus,libopus,speex,libspeex,wmav1,wmav2,wmapro,wmalossless,wmavoice,ac3,ac3_fixed,eac3,dca,"
    "amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,wavpack,ape,tta,tak,mpc7,mpc8,gsm,gsm_ms,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,pcm_alaw,pcm_mulaw,pcm_s8,pcm_s8_planar,pcm_u8,pcm_s16le,"
    "pcm_s16le_planar,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be"
)
"""Those of sound in these formats. Left to itself, ffmpeg decodes pictures too, to learn what they
are: covers of a megabyte that take a gigabyte."""
_UPLOAD = "upload"
_INT16_MAX = 32768.0


async def read_upload(file: bytes, sample_rate: int, channels: int, seconds: float) -> Samples:
    """Return the last seconds of a sound file, or all of it if that is less.

    They are [channels, samples], resampled to `sample_rate` and mixed to `channels`. Raises
    InvalidRequest where the file is no sound, or not one to go on from; AudioError where this
    machine has no ffmpeg.
    """
    ffmpeg, _ = await asyncio.to_thread(find_ffmpeg)
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_put, file, Path(folder) / _UPLOAD)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if await _shows_pictures(ffmpeg, folder):
                    raise InvalidRequest(
                        "This is a video; please upload only its sound, for example as an MP3."
                    )
                samples = await _decode(ffmpeg, folder, sample_rate, channels, seconds)
        except TimeoutError:
            raise InvalidRequest(
                "This file takes too long to read; please upload a shorter or simpler one."
            ) from None
    if samples.shape[1] < SHORTEST_SECONDS * sample_rate:
        raise InvalidRequest(
            "The file must contain at least {least} of sound to continue from.",
            least=Counted("{count} second", "{count} seconds", count=SHORTEST_SECONDS),
        )
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


async def _shows_pictures(ffmpeg: Path, folder: str) -> bool:
    """Tell whether there are moving pictures; the cover of an album is none (V leaves it out)."""
    # This format asks for no dimensions, which some videos tell to decoders only.
    nowhere = ("-c", "copy", "-frames:v", "1", "-f", "image2pipe", "-y", os.devnull)
    async with _running(ffmpeg, folder, ("-map", "0:V:0", *nowhere)) as process:
        return await process.wait() == 0


async def _decode(
    ffmpeg: Path, folder: str, sample_rate: int, channels: int, seconds: float
) -> Samples:
    frame_bytes = 2 * channels
    kept_bytes = round(seconds * sample_rate) * frame_bytes
    most_bytes = LONGEST_SECONDS * sample_rate * frame_bytes
    form = ("-ac", str(channels), "-ar", str(sample_rate), "-f", "s16le")
    as_samples = ("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", *form, "pipe:1")
    kept, total = bytearray(), 0
    async with _running(ffmpeg, folder, as_samples) as process:
        output = cast(asyncio.StreamReader, process.stdout)
        while chunk := await output.read(2**16):
            total += len(chunk)
            if total > most_bytes:
                raise InvalidRequest(
                    "This file is longer than {minutes} minutes; please upload a shorter one, "
                    "such as its last minute.",
                    minutes=LONGEST_SECONDS // 60,
                )
            kept += chunk
            del kept[:-kept_bytes]
        status = await process.wait()
    # A damaged file may still have been read in part; an ffmpeg that was killed proves nothing.
    if status < 0 or total == 0 or total % frame_bytes:
        raise InvalidRequest(
            "I cannot read this as an audio file; please upload an MP3, WAV, FLAC, Ogg or M4A file."
        )
    whole = np.frombuffer(kept, "<i2").reshape(-1, channels).T
    return np.ascontiguousarray(whole / _INT16_MAX, np.float32)


@asynccontextmanager
async def _running(
    ffmpeg: Path, folder: str, output: tuple[str, ...]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ffmpeg on the upload in a folder, and kill it at the end of the block."""
    sources = ("-protocol_whitelist", "file", "-format_whitelist", _FORMATS)
    decoders = ("-codec_whitelist", _DECODERS)
    bounded = ("-filter_threads", "1", "-threads", "1", "-t", str(LONGEST_SECONDS + 1))
    try:
        process = await asyncio.create_subprocess_exec(
            ffmpeg,
            *("-nostdin", "-v", "quiet", *sources, *decoders, *bounded),
            *("-i", f"file:{_UPLOAD}", *output),
            cwd=folder,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise AudioError("ffmpeg could not be started; please try again.") from error
    try:
        _confine(process.pid)
        yield process
    finally:
        _kill(process)
        await process.communicate()  # what it wrote has to be read before it counts as ended


def _kill(process: asyncio.subprocess.Process) -> None:
    """End a process, with those it started, as an ffmpeg that is a script does."""
    with suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says it otherwise
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Return what a process needs to start at all, which on Windows is not nothing."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return kept | {"MALLOC_ARENA_MAX": "1"}  # else each thread reserves 128 MiB


def _confine(pid: int) -> None:
    """Limit what a process may use, where the system can do that from outside."""
    if sys.platform != "linux":
        return
    import resource

    patience = int(PATIENCE_SECONDS)
    limits = {
        resource.RLIMIT_DATA: _MEMORY_BYTES,
        resource.RLIMIT_CPU: patience,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    with suppress(ProcessLookupError):
        for limit, most in limits.items():
            resource.prlimit(pid, limit, (most, most))
