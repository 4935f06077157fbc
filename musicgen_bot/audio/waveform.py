"""Draws clips as rows of bars, to be seen on Discord's dark background or on a light one.

Each bar is a moment: as long as its peak, and brighter as far as its loudness (root mean square)
reaches. The edges are anti-aliased by computing how much of each pixel a bar with round ends
covers. Several variations are drawn below each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from musicgen_bot.generation import Samples

WIDTH = 720
BAR_WIDTH, BAR_PITCH = 4, 6
"""In pixels."""
HEIGHT = 120
HEIGHT_AMONG_OTHERS = 72
_QUIETEST_DB = -40.0
"""What is no louder is drawn as a dot."""
_START, _END = np.array([0x5B, 0x8D, 0xEF]), np.array([0xC0, 0x6C, 0xE8])
"""Colours at the left and at the right; in the middle of dark and light."""
_PEAK_OPACITY = 0.45

_Pixels = NDArray[np.float64]


def draw_waveforms(sounds: Sequence[Samples]) -> bytes:
    """Return a PNG of clips [channels, samples], one or more, with a transparent background."""
    height = HEIGHT if len(sounds) == 1 else HEIGHT_AMONG_OTHERS
    opacity = np.concatenate([_draw(sound, height) for sound in sounds])
    along = np.repeat(np.linspace(0, 1, WIDTH // BAR_PITCH), BAR_PITCH)[:, None]
    colours = np.broadcast_to(_START * (1 - along) + _END * along, (*opacity.shape, 3))
    pixels = np.dstack([colours, 255 * opacity]).round().astype(np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()


def _draw(sound: Samples, height: int) -> _Pixels:
    """Return the opacity of each pixel [height, WIDTH], 0 to 1."""
    count = WIDTH // BAR_PITCH
    moments = np.array_split(np.abs(sound).max(axis=0), count)
    peaks = np.array([moment.max(initial=0.0) for moment in moments])
    loudness = np.array(
        [np.sqrt(np.square(moment).sum() / max(1, moment.size)) for moment in moments]
    )
    longest = height / 2 - BAR_WIDTH
    return np.maximum(
        _PEAK_OPACITY * _bars(longest * _shown(peaks), height),
        _bars(longest * _shown(loudness), height),
    )


def _shown(levels: NDArray[np.floating]) -> _Pixels:
    """Return how long bars are for levels 0 to 1: half by amplitude, half by decibels.

    Amplitude alone hides what is quiet, decibels alone make all music look the same.
    """
    levels = np.clip(levels, 1e-9, 1.0)
    decibels = np.clip(1 - 20 * np.log10(levels) / _QUIETEST_DB, 0, 1)
    shown: _Pixels = (levels + decibels) / 2
    return shown


def _bars(lengths: _Pixels, height: int) -> _Pixels:
    """Return the coverage [height, WIDTH] of bars with round ends, mirrored at the middle."""
    x = np.arange(WIDTH) % BAR_PITCH + 0.5 - BAR_PITCH / 2
    y = np.abs(np.arange(height) + 0.5 - height / 2)
    beyond = np.maximum(y[:, None] - np.repeat(lengths, BAR_PITCH), 0)
    covered: _Pixels = np.clip(BAR_WIDTH / 2 + 0.5 - np.hypot(x, beyond), 0, 1)
    return covered
