"""Just enough harmony: the chords there are, the keys they belong to, and which way a piece leans.

Twelve triads serve four major keys and their relative minors. Chords are voiced in the one octave
above G3, so that most notes stay where they are when the chord changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
LOWEST_OF_CHORD = 55
"""G3, as MIDI counts."""
_MAJOR_STEPS = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True, slots=True)
class Chord:
    """A triad."""

    root: int
    """Pitch class, 0 is C."""
    minor: bool

    @property
    def name(self) -> str:
        """As musicians write it: "A", "F#m"."""
        return NAMES[self.root] + ("m" if self.minor else "")

    @property
    def classes(self) -> tuple[int, int, int]:
        """Pitch classes of root, third and fifth."""
        third = 3 if self.minor else 4
        return self.root, (self.root + third) % 12, (self.root + 7) % 12

    @property
    def notes(self) -> tuple[int, ...]:
        """Its voicing, as MIDI numbers."""
        octave = LOWEST_OF_CHORD % 12
        return tuple(sorted(LOWEST_OF_CHORD + (c - octave) % 12 for c in self.classes))


CHORDS = (
    *(Chord(root, minor=False) for root in (0, 2, 4, 5, 7, 9)),
    *(Chord(root, minor=True) for root in (9, 11, 1, 2, 4, 6)),
)
"""Every chord there is; a chord's number is its place here."""
TONICS = (0, 7, 2, 9)
"""Pitch classes of the four major keys C, G, D and A."""


def scale(key: int) -> tuple[int, ...]:
    """Return the pitch classes of a key, the same for the major and its relative minor."""
    return tuple((TONICS[key] + step) % 12 for step in _MAJOR_STEPS)


def chord_on(key: int, degree: int) -> int:
    """Return the number of the triad on a degree of the major scale, 0 to 5 for I to vi."""
    root = scale(key)[degree]
    return CHORDS.index(Chord(root, minor=degree in (1, 2, 5)))


def mode_of(chords: NDArray[np.integer]) -> bool | None:
    """Return whether a piece is in minor, by the chord of each frame; None without frames.

    The key is the one that most of the chords belong to; then its tonic and the tonic of its
    relative minor are compared by how long they sound, and the chord a piece starts on counts as
    if it sounded for an eighth of the piece longer.
    """
    if not len(chords):
        return None
    counts = np.bincount(chords, minlength=len(CHORDS)).astype(float)
    counts[chords[0]] += len(chords) / 8
    in_key = [sum(counts[chord_on(key, degree)] for degree in range(6)) for key in range(4)]
    tonics = [counts[chord_on(key, 0)] + counts[chord_on(key, 5)] for key in range(4)]
    key = max(range(4), key=lambda each: (round(in_key[each], 3), tonics[each]))
    return bool(counts[chord_on(key, 5)] > counts[chord_on(key, 0)])


def straight_ticks(beat: int) -> tuple[int, int, int, int]:
    """Return the frames at which the sixteenths of a beat of so many frames begin."""
    return 0, beat // 4, beat // 2, 3 * beat // 4


def swung_ticks(beat: int) -> tuple[int, int, int, int]:
    """Return the same where the second half of a beat comes late."""
    return 0, beat // 3, 2 * beat // 3, 5 * beat // 6
