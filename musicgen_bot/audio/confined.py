"""Runs ffmpeg on a file that a stranger has sent, in a process that can do little else.

It knows nothing of this process's environment and runs in a folder that holds the file alone. It
may open local files only, read only formats that name no other files, and decode sound alone. What
`launcher` can take away besides depends on the system.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from musicgen_bot.audio import launcher
from musicgen_bot.audio.ffmpeg import Ffmpeg, raise_if_scarce
from musicgen_bot.errors import AudioError

UPLOAD = "upload"
"""What the file is called in its folder."""
MEMORY_BYTES = 2**29
"""Beside the code of ffmpeg itself; a song takes a tenth of that."""
PROCESSOR_SECONDS = 10
"""For each run of ffmpeg; a song takes one or two."""
_NOT_STARTED = (126, 127)
"""Exit statuses of a program that lacks something to start with."""
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


@asynccontextmanager
async def running(
    ffmpeg: Ffmpeg, folder: Path, longest_seconds: float, output: tuple[str, ...]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ffmpeg on the upload in a folder, and kill it at the end of the block.

    Raises AudioError where it cannot be started.
    """
    sources = ("-protocol_whitelist", "file", "-format_whitelist", _FORMATS)
    decoders = ("-codec_whitelist", _DECODERS)
    bounded = ("-filter_threads", "1", "-threads", "1", "-t", str(longest_seconds))
    try:
        process = await asyncio.create_subprocess_exec(
            *_launched(ffmpeg.path),
            *("-nostdin", "-v", "quiet", *sources, *decoders, *bounded),
            *("-i", f"file:{UPLOAD}", *output),
            cwd=folder,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            creationflags=_priority_class(),
        )
    except OSError as error:
        raise_if_scarce(error)
        raise AudioError("ffmpeg could not be started; please try again.") from error
    try:
        yield process
    finally:
        _kill(process)
        await process.communicate()  # what it wrote has to be read before it counts as ended
    if process.returncode in _NOT_STARTED:
        raise AudioError(
            "ffmpeg does not start where it may read nothing but its own files; please ask the "
            "host to run the check command."
        )


def confinement(ffmpeg: Ffmpeg) -> tuple[bool, bool] | None:
    """Return whether the network and other files are out of ffmpeg's reach here.

    None where ffmpeg does not start that way.
    """
    if sys.platform == "win32":
        return False, False
    try:
        subprocess.run(  # noqa: S603
            [*_launched(ffmpeg.path), "-version"],
            env=_environment(),
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=30,
        )
        report = subprocess.run(  # noqa: S603
            _launcher(), env=_environment(), capture_output=True, check=True, timeout=30, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    done = report.stdout.splitlines()
    return launcher.WITHOUT_NETWORK in done, launcher.WITHOUT_FILES in done


def _launched(ffmpeg: Path) -> list[str]:
    return [*_launcher(), str(ffmpeg)]


def _launcher() -> list[str]:
    if sys.platform == "win32":
        return []
    limits = (str(MEMORY_BYTES), str(PROCESSOR_SECONDS))
    return [sys.executable, "-I", "-S", launcher.__file__, *limits]


def _priority_class() -> int:
    """Return what Windows starts ffmpeg with, where `launcher` is not there to lower its priority.

    Below this process's own, as far as there is a lower one.
    """
    if sys.platform != "win32":
        return 0
    kernel = ctypes.WinDLL("kernel32")
    kernel.GetPriorityClass.restype = ctypes.c_uint32
    own = kernel.GetPriorityClass(ctypes.c_void_p(-1))  # its own handle, as wide as a pointer
    if own == subprocess.NORMAL_PRIORITY_CLASS:
        return subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return subprocess.IDLE_PRIORITY_CLASS


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
