"""Keeps lossy files from clipping where they are decoded.

A lossy codec changes the waveform, and its peaks may come out more than 1 dB higher than they went
in. How much cannot be foreseen, so the file is decoded again and, where needed, made anew from a
sound with lower peaks.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import soundfile

from musicgen_bot.audio.limiter import limit, true_peak_db
from musicgen_bot.audio.loudness import CEILING_DBTP, MARGIN_DB
from musicgen_bot.errors import AudioError
from musicgen_bot.generation import Samples


def encode_below_ceiling(
    samples: Samples, sample_rate: int, encode: Callable[[Samples], bytes]
) -> bytes:
    """Return the file that encode makes of samples, its true peak at most -1 dBTP once decoded.

    Raises AudioError where the file cannot be decoded.
    """
    highest_db = CEILING_DBTP - MARGIN_DB
    ceiling_db = highest_db
    file = encode(samples)
    while (excess_db := _decoded_peak_db(file) - highest_db) > 0:
        # The margin on top makes sure that this comes to an end.
        ceiling_db -= excess_db + MARGIN_DB
        file = encode(limit(samples, sample_rate, ceiling_db).astype(np.float32))
    return file


def _decoded_peak_db(file: bytes) -> float:
    try:
        decoded, _ = soundfile.read(BytesIO(file), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(
            "The audio file came out damaged; please ask the host to run the check command."
        ) from error
    return true_peak_db(decoded.T)
