"""Keeps peaks under a ceiling without turning the whole clip down.

Where a peak would stand out, the gain bends down shortly before it and comes back slowly after it.
Nothing here is live, so the whole gain curve can be drawn at once, in decibels, over the peaks of
the waveform, which lie between the samples as often as on them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]
"""Samples [channels, samples] while they are worked on."""

Curve = NDArray[np.float64]
"""Something that changes from sample to sample, [samples]."""

_OVERSAMPLING = 8
"""BS.1770 looks at 192 kHz or more; MusicGen's 32 kHz need more than the usual four times."""
_TAPS = 20
"""Length of the interpolating filter, in samples."""
_HOLD_SECONDS = 0.005
"""On either side of a peak, and smoothed over as much; rests between the half-waves of a bass."""
_RELEASE_DB_PER_SECOND = 120.0
"""Fast enough not to duck the music after a drum, slow enough not to distort a bass of 40 Hz."""
_SMALLEST_PEAK = 1e-9
"""Keeps logarithms finite; -180 dB."""


def true_peak_db(samples: NDArray[np.floating]) -> float:
    """Return the true peak of samples [channels, samples] in dBTP (ITU-R BS.1770-4, annex 2)."""
    return float(peaks_db(samples).max())


def peaks_db(samples: NDArray[np.floating]) -> Curve:
    """Return the true peaks of samples [channels, samples]: the highest of any channel, in dBTP.

    The filter runs phase by phase; the oversampled sound would take eight times the memory.
    """
    # Half a second to import, which a bot that starts need not wait for.
    from scipy.ndimage import convolve1d
    from scipy.signal import firwin

    cutoff = 1 / _OVERSAMPLING
    lowpass = firwin(_TAPS * _OVERSAMPLING + 1, cutoff, window=("kaiser", 5.0))[:-1] * _OVERSAMPLING
    peaks = np.zeros(samples.shape[1])
    for phase in lowpass.reshape(_TAPS, _OVERSAMPLING).T:
        between = convolve1d(samples, phase, axis=1, output=np.float64, mode="constant")
        np.maximum(peaks, np.abs(between).max(axis=0), out=peaks)
    decibels: Curve = 20 * np.log10(np.maximum(peaks, _SMALLEST_PEAK))
    return decibels


def limit(samples: NDArray[np.floating], sample_rate: int, ceiling_db: float) -> Sound:
    """Return samples [channels, samples] with no true peak above the ceiling, in dBTP.

    A moving gain changes the waveform between the samples a little, by less than 0.1 dB.
    """
    return samples * to_factor(limiting_db(peaks_db(samples), sample_rate, ceiling_db))


def to_factor(decibels: Curve | float) -> Curve:
    """Return what samples are multiplied by for a gain in dB."""
    factor: Curve = np.power(10.0, np.divide(decibels, 20))
    return factor


def limiting_db(peaks: Curve, sample_rate: int, ceiling_db: float) -> Curve:
    """Return the gain, in dB and nowhere above 0, that keeps such peaks under the ceiling.

    It is one curve for all channels, so that the stereo image stays where it is.
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    excess = np.maximum(peaks - ceiling_db, 0.0)
    # A release of constant slope: the highest of the straight lines that fall from earlier peaks.
    slope = np.arange(excess.size) * (_RELEASE_DB_PER_SECOND / sample_rate)
    released = np.maximum.accumulate(excess + slope) - slope
    # Held over a window and then averaged over one no longer, the curve still covers every peak.
    half = max(1, round(_HOLD_SECONDS * sample_rate / 2))
    reduction: Curve = maximum_filter1d(released, 4 * half + 1, mode="nearest")
    for _ in range(2):
        reduction = uniform_filter1d(reduction, 2 * half + 1, mode="nearest")
    return -reduction
