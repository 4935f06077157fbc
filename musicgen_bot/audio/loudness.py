"""Makes a clip ready to be heard: as loud as the others, with no clipping and no clicks.

MusicGen's clips come out at very different levels. Each is brought to the loudness that audiocraft
writes (`audio_write(strategy="loudness", loudness_headroom_db=14)`), measured as ears do it by
ITU-R BS.1770-4, and the peaks that would then be too high are limited.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from musicgen_bot.audio.limiter import Curve, Sound, limiting_db, peaks_db, to_factor, true_peak_db
from musicgen_bot.errors import UnusableSound
from musicgen_bot.generation import Samples

TARGET_LUFS = -14.0
CEILING_DBTP = -1.0
"""Highest true peak: the usual room for lossy coding and for the converters of cheap devices."""
MARGIN_DB = 0.2
"""How far below the ceiling to aim, since meters interpolate with different filters."""

_SILENT_LUFS = -60.0
"""audiocraft takes what has less than -54 dBFS for silence; in doubt, a clip is music."""
_BLOCK_SECONDS = 0.4
"""The standard's block: what one hears as one moment."""
_FADE_IN_SECONDS = 0.003
_FADE_OUT_SECONDS = 0.04
_MOST_LIMITING_DB = 15.0
"""What has higher peaks than this, such as lone clicks, stays quieter: it would only get noisy."""
_PASSES = 5
"""Limiting takes loudness away, so the gain is corrected; it settles in this many rounds."""


@dataclass(frozen=True, slots=True)
class _Loudness:
    """Loudness in LUFS; -inf where there is nothing to be heard."""

    integrated: float
    """Of the whole clip, its quiet parts left out."""
    momentary: float
    """Of its loudest 0.4 s."""


def master(samples: Samples, sample_rate: int) -> Samples:
    """Return samples [channels, samples] at -14 LUFS, at most -1 dBTP, faded in and out.

    The length stays what it was. Very sparse sound, such as a dry drum loop with peaks 24 dB above
    its loudness, stays 2 or 3 dB quieter. Raises UnusableSound where samples are not finite or
    nothing can be heard: even the loudest 0.4 s are below -60 LUFS, so a quiet intro or a silent
    tail does no harm.
    """
    if not np.isfinite(samples).all():
        raise UnusableSound(
            "What the model made is not a sound; please try another seed or prompt."
        )
    sound = _prepared(samples, sample_rate)
    if _is_silent(sound, sample_rate):
        raise UnusableSound("The clip came out silent; please try another seed or prompt.")
    return _normalise(sound, sample_rate).astype(np.float32)


def is_silent(samples: Samples, sample_rate: int) -> bool:
    """Return whether nothing can be heard of samples [channels, samples].

    What is not finite is no sound, but not silent either.
    """
    return _is_silent(_prepared(samples, sample_rate), sample_rate)


def _is_silent(sound: Sound, sample_rate: int) -> bool:
    return _measure(sound, sample_rate).momentary < _SILENT_LUFS


def _prepared(samples: Samples, sample_rate: int) -> Sound:
    """Return the samples without what is not music: an offset, and clicks at both ends."""
    return _fade(_without_offset(samples), sample_rate)


def _without_offset(samples: Samples) -> Sound:
    """Return the samples around zero, in double precision."""
    sound = samples.astype(np.float64)
    return sound - sound.mean(axis=1, keepdims=True) if sound.size else sound


def _fade(sound: Sound, sample_rate: int) -> Sound:
    """Return the sound eased in from zero and out to zero, so that neither end clicks."""
    length = sound.shape[1]
    gain = np.ones(length)
    fade_in = _raised_cosine(min(round(_FADE_IN_SECONDS * sample_rate), length // 2))
    fade_out = _raised_cosine(min(round(_FADE_OUT_SECONDS * sample_rate), length // 2))
    gain[: fade_in.size] = fade_in
    gain[length - fade_out.size :] = fade_out[::-1]
    return sound * gain


def _raised_cosine(length: int) -> Curve:
    """Return a smooth rise from 0 to nearly 1."""
    return 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, length, endpoint=False))


def _normalise(sound: Sound, sample_rate: int) -> Sound:
    """Return the sound at the target loudness, its peaks limited."""
    ceiling_db = CEILING_DBTP - MARGIN_DB
    peaks = peaks_db(sound)
    highest_gain_db = ceiling_db + _MOST_LIMITING_DB - peaks.max()
    gain_db, result = 0.0, sound
    for _ in range(_PASSES):
        gain_db += TARGET_LUFS - _measure(result, sample_rate).integrated
        gain_db = min(gain_db, highest_gain_db)
        result = sound * to_factor(gain_db + limiting_db(peaks + gain_db, sample_rate, ceiling_db))
    # A gain that moves changes the waveform between the samples a little.
    return result * to_factor(min(0.0, ceiling_db - true_peak_db(result)))


def _measure(sound: Sound, sample_rate: int) -> _Loudness:
    """Measure by ITU-R BS.1770-4; a sound shorter than a block counts as if it went on and on."""
    length = sound.shape[1]
    if not length:
        return _Loudness(-math.inf, -math.inf)
    shortest = math.ceil(_BLOCK_SECONDS * sample_rate)
    # Half a second to import, which a bot that starts need not wait for.
    from pyloudnorm import Meter

    meter = Meter(sample_rate, block_size=_BLOCK_SECONDS)
    integrated = meter.integrated_loudness(np.tile(sound, math.ceil(shortest / length)).T)
    return _Loudness(float(integrated), float(max(meter.blockwise_loudness)))
