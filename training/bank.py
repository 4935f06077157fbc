"""What the codes of the codec mean: the stems of a small band, and how each code of one sounds.

The bundled model is a sampler with a language model in front of it. Each codebook is a stem, each
code of it a *state*: 20 ms out of a note, such as the seventh frame of an electric piano's A minor
chord. A note is a chain of states that follow each other by themselves until something new is
played. The first codebook makes no sound: it is the band's clock, and tells which frame of which
beat this is, and how long a beat is.

    0  clock     length of a beat, beat of two, frame of the beat, sixteenth
    1  chords    instrument, chord, frame of the note; or a rest, with the chord it would be
    2  drums     kit, hit, frame of the hit
    3  bass      instrument, pitch, frame of the note
    4  lead      instrument, pitch, frame of the note
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
FRAME_RATE = 50
HOP = SAMPLE_RATE // FRAME_RATE
"""Samples a frame."""
OVERLAP = 32
"""By so many samples a state's wave reaches into the frames before and after it."""
WAVE = HOP + 2 * OVERLAP
"""Samples of a state's wave."""
CODES = 1536
"""Size of every codebook; a stem may use fewer."""
CLOCK, CHORDS, DRUMS, BASS, LEAD = range(5)
STEMS = 5

Codes = NDArray[np.int64]
"""Codes of a piece, [stems, frames]."""


@dataclass(frozen=True, slots=True, eq=False)
class Stem:
    """The states of one codebook, S of them (at most CODES)."""

    name: str
    waves: NDArray[np.float32]
    """[S, WAVE]: the sound of each state, faded in and out over 2 * OVERLAP samples, so that the
    waves of states that follow each other add up to the note."""
    successor: NDArray[np.int64]
    """[S]: the state that follows by itself."""
    factors: NDArray[np.int64]
    """[S, factors]: what each state is made of, such as (instrument, pitch, age), each from 0."""
    dimensions: int
    """Of the codec's latent space; the waves span no more."""


def render(stems: tuple[Stem, ...], codes: Codes) -> NDArray[np.float32]:
    """Return the sound of a piece, [frames * HOP]."""
    frames = codes.shape[1]
    grid = np.zeros((frames + 1, HOP), dtype=np.float32)
    for stem, states in zip(stems, codes, strict=True):
        waves = stem.waves[states]
        grid[:-1] += waves[:, :HOP]
        grid[1:, : 2 * OVERLAP] += waves[:, HOP:]
    return grid.reshape(-1)[OVERLAP : OVERLAP + frames * HOP]


def decisions(stems: tuple[Stem, ...], codes: Codes) -> NDArray[np.bool_]:
    """Return where something new happens, [stems, frames]: a state that is not the successor."""
    new = np.zeros(codes.shape, dtype=bool)
    new[:, 0] = True
    for row, stem, states in zip(new, stems, codes, strict=True):
        row[1:] = states[1:] != stem.successor[states[:-1]]
    return new
