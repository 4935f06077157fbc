"""Turns samples into an MP3 with ID3v2 tags, through pydub and ffmpeg.

Players show TIT2 (title), TPE1 (artist, here the model), TCOP (licence of the weights) and TENC
(software). Prompt, seed and model are TXXX frames of their own; the comment holds prompt and seed
once more, as a TXXX frame too, since ffmpeg writes no COMM. Version 2.3 is read by every player. A
LAME header tells the padding, so that the decoded clip has its length to the sample.
"""

from __future__ import annotations

import os
import traceback
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from musicgen_bot.audio.ffmpeg import Ffmpeg, raise_if_scarce
from musicgen_bot.audio.lossy import encode_below_ceiling
from musicgen_bot.audio.tags import Tags, printable
from musicgen_bot.errors import AudioError
from musicgen_bot.generation import Samples

DEFAULT_BITRATE_KBPS = 192
"""Six bits a sample of 32 kHz mono, where nobody hears a difference; 30 s are 720 kB."""
_LADDER_KBPS = (DEFAULT_BITRATE_KBPS, 128, 96, 64, 48, 32)
_INT32_MAX = 2**31 - 1


def encode_mp3(
    samples: Samples,
    sample_rate: int,
    tags: Tags,
    ffmpeg: Ffmpeg,
    bitrate_kbps: int = DEFAULT_BITRATE_KBPS,
) -> bytes:
    """Return samples [channels, samples] as an MP3 file, its true peak at most -1 dBTP.

    One or two channels; the rate in kbit/s is constant. Raises AudioError where ffmpeg is gone or
    fails, SystemBusy where there is nothing left to start it with.
    """
    ffmpeg = ffmpeg.or_another()

    def encode(sound: Samples) -> bytes:
        return _export(_segment(sound, sample_rate), ffmpeg, _id3(tags), bitrate_kbps)

    return encode_below_ceiling(samples, sample_rate, encode)


def fit_mp3(
    samples: Samples, sample_rate: int, tags: Tags, ffmpeg: Ffmpeg, limit_bytes: int
) -> bytes:
    """Return the MP3 of the best bit rate that has at most limit_bytes.

    Raises AudioError where even the lowest, 32 kbit/s, has more, and as encode_mp3 does.
    """
    seconds = samples.shape[1] / sample_rate
    for bitrate_kbps in _LADDER_KBPS:
        if bitrate_kbps * 125 * seconds > limit_bytes:
            continue
        file = encode_mp3(samples, sample_rate, tags, ffmpeg, bitrate_kbps)
        if len(file) <= limit_bytes:
            return file
    raise AudioError(
        "The clip is larger than the {most} MiB that can be uploaded here; please make a shorter "
        "one.",
        most=round(limit_bytes / 2**20, 1),
    )


def _id3(tags: Tags) -> dict[str, str]:
    """Return ffmpeg's names of the frames, and their texts."""
    texts = {
        "title": tags.title,
        "artist": tags.model,
        "copyright": tags.licence,
        "encoded_by": tags.software,
        "comment": tags.as_comment(),
        "prompt": tags.prompt,
        "seed": str(tags.seed),
        "model": tags.model,
    }
    # ffmpeg expects UTF-8 in its arguments, whatever the locale in which Python encodes them.
    return {key: os.fsdecode(printable(text).encode()) for key, text in texts.items()}


def _segment(samples: Samples, sample_rate: int) -> Any:
    """Return samples as a pydub segment of 32 bits, which needs no dither."""
    with warnings.catch_warnings():
        # pydub warns when it is first imported where no ffmpeg is on the PATH, but is told of ours.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
    whole = np.round(np.clip(samples.T, -1, 1).astype(np.float64) * _INT32_MAX).astype("<i4")
    return AudioSegment(
        data=whole.tobytes(), sample_width=4, frame_rate=sample_rate, channels=samples.shape[0]
    )


def _export(segment: Any, ffmpeg: Ffmpeg, tags: dict[str, str], bitrate_kbps: int) -> bytes:
    from pydub.exceptions import CouldntEncodeError

    segment.converter = str(ffmpeg.path)
    file = BytesIO()
    try:
        # With the codec named, pydub writes the LAME header on macOS too.
        segment.export(
            file,
            format="mp3",
            codec="libmp3lame",
            bitrate=f"{bitrate_kbps}k",
            tags=tags,
            id3v2_version="3",
        )
    except (CouldntEncodeError, OSError) as error:
        _remove_leftovers(error)
        if isinstance(error, OSError):
            raise_if_scarce(error)
        raise AudioError(
            "The MP3 could not be written; please ask the host to make sure there is free disk "
            "space and to run the check command."
        ) from error
    return file.getvalue()


def _remove_leftovers(error: Exception) -> None:
    """Delete the temporary files that pydub leaves behind where it fails.

    It takes no folder to put them into, and only the frame of its export knows their names; they
    hold a whole clip each, and a full disk is just when it fails.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name != "export":
            continue
        for file in (frame.f_locals.get("data"), frame.f_locals.get("output")):
            if file is not None:
                file.close()
                Path(file.name).unlink(missing_ok=True)
