"""Sounds made of sines and noise: one note or hit at a time, cut into states.

A note that is struck or plucked rings out over so many frames. A note that is held has an attack
and then goes round in a loop of a few frames; its partials are moved to the nearest multiples of
the loop's rate, a few hertz at the most, so that the loop closes without a seam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.bank import FRAME_RATE, HOP, OVERLAP, SAMPLE_RATE, WAVE

Wave = NDArray[np.float64]

_REFLECTIONS = ((0.011, 0.22), (0.019, 0.16), (0.029, 0.11), (0.043, 0.07))
"""A touch of room: delays in seconds, and gains."""


@dataclass(frozen=True, slots=True)
class Timbre:
    """What a pitched sound is made of."""

    partials: tuple[float, ...]
    """Gain of each multiple of the pitch, from the first."""
    frames: int
    """Length of a struck note; of a held one, the frames of its attack."""
    loop: int = 0
    """Frames of a held note's loop; 0 for a struck one."""
    ring: float = 0.5
    """Seconds in which a struck note's first partial falls by 20 dB."""
    damping: float = 0.3
    """How much faster each further partial falls."""
    attack: float = 0.003
    """Seconds in which it rises."""
    vibrato: float = 0.0
    """Depth of a held note's vibrato, in radians of the first partial; once a loop."""
    bell: float = 0.0
    """Gain of an inharmonic overtone that fades at once, as of a tine."""
    highest: float = 3500.0
    """Hertz beyond which nothing sounds."""


def frequency(note: float) -> float:
    """Return the hertz of a MIDI number."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def pitched(timbre: Timbre, note: float, start: float = 0.0) -> Wave:
    """Return one note, begun `start` seconds late.

    A struck note has `frames` frames; a held one its attack, its loop, and a frame beyond.
    """
    frames = timbre.frames + (timbre.loop + 1 if timbre.loop else 0)
    time = np.arange(frames * HOP + OVERLAP) / SAMPLE_RATE - start
    sound = np.zeros(len(time))
    for number, gain in enumerate(timbre.partials, start=1):
        hertz = _tuned(frequency(note) * number, timbre.loop)
        if hertz > timbre.highest:
            break
        phase = 2 * np.pi * hertz * time + 2.4 * number * number
        if timbre.loop:
            rate = 2 * np.pi * FRAME_RATE / timbre.loop
            sound += gain * np.sin(phase + number * timbre.vibrato * np.sin(rate * time))
        else:
            fall = np.log(10) / timbre.ring * (1 + timbre.damping * (number - 1))
            sound += gain * np.sin(phase) * np.exp(-fall * np.maximum(time, 0))
    if timbre.bell:
        tine = np.sin(2 * np.pi * min(5.4 * frequency(note), timbre.highest) * time)
        sound += timbre.bell * tine * np.exp(-time.clip(0) / 0.05)
    rise = np.clip(time / timbre.attack, 0, 1)
    return sound * (0.5 - 0.5 * np.cos(np.pi * rise)) * (time >= 0)


def _tuned(hertz: float, loop: int) -> float:
    """Return the nearest pitch that fits into the loop a whole number of times."""
    return round(hertz * loop / FRAME_RATE) * FRAME_RATE / loop if loop else hertz


def in_a_room(sound: Wave) -> Wave:
    """Return a sound with the first reflections of a small room."""
    wet = sound.copy()
    for delay, gain in _REFLECTIONS:
        late = round(delay * SAMPLE_RATE)
        wet[late:] += gain * sound[:-late]
    return wet


def faded(sound: Wave, frames: int) -> Wave:
    """Return a sound whose last frames fade to nothing."""
    length = min(len(sound), frames * HOP)
    gain = np.ones(len(sound))
    gain[-length:] = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, length))
    return sound * gain


def states(sound: Wave, frames: int) -> Wave:
    """Cut a sound into the waves of `frames` states, [frames, WAVE], that add up to it again."""
    padded = np.zeros(frames * HOP + 2 * OVERLAP)
    length = min(len(sound), len(padded) - OVERLAP)
    padded[OVERLAP : OVERLAP + length] = sound[:length]
    starts = np.arange(frames)[:, None] * HOP
    waves: Wave = padded[starts + np.arange(WAVE)] * _window()
    return waves


def _window() -> Wave:
    ramp = np.sin(np.pi / 2 * (np.arange(2 * OVERLAP) + 0.5) / (2 * OVERLAP)) ** 2
    return np.concatenate([ramp, np.ones(WAVE - 4 * OVERLAP), ramp[::-1]])
