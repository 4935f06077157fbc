"""The band: what each state of each stem is, follows and sounds like.

Every stem has at most 1,536 states to spend, and spends them on what one hears: a struck chord of
six tenths of a second in each of six instruments and twelve harmonies, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.bank import CODES, WAVE, Stem
from training.drums import HITS, kit_waves
from training.plan import BASSES, BEATS, CHORD_INSTRUMENTS, KITS, LEAD_INSTRUMENTS
from training.synthesis import Timbre, Wave, faded, in_a_room, pitched, states
from training.theory import CHORDS, straight_ticks, swung_ticks

BASS_NOTES = (31, 32, 33, 35, 36, 37, 38, 40, 41, 42, 43, 44, 45, 47)
"""G1 to B2, without the notes that no key has."""
LEAD_NOTES = (59, 60, 61, 62, 64, 65, 66, 67, 68, 69, 71, 72, 73, 74, 76, 77, 78, 79, 80)
"""B3 to G#5, without the notes that no key has."""
CLOCK_DIMENSIONS, CHORD_DIMENSIONS, DRUM_DIMENSIONS = 8, 60, 46
BASS_DIMENSIONS, LEAD_DIMENSIONS = 23, 63

_CHORD_TIMBRES = {
    "piano": Timbre((1, 0.55, 0.3, 0.2, 0.1, 0.06), 30, ring=0.75, damping=0.35),
    "electric piano": Timbre((1, 0.12, 0.05), 30, ring=0.9, damping=0.5, bell=0.25),
    "guitar": Timbre((0.8, 0.9, 0.5, 0.4, 0.3, 0.2, 0.12), 24, ring=0.45, damping=0.25),
    "organ": Timbre((1, 0.6, 0.5, 0.35, 0.0, 0.15), 2, loop=12, attack=0.02),
    "pad": Timbre((1, 0.5, 0.33, 0.2, 0.12), 5, loop=12, attack=0.07),
    "synth": Timbre((1, 0.6, 0.45, 0.35, 0.3, 0.25, 0.2), 9, ring=0.25, damping=0.2),
}
_BASS_TIMBRES = {
    "electric": Timbre((1, 0.5, 0.3, 0.15, 0.08), 30, ring=0.7, damping=0.5, highest=900),
    "synth": Timbre((1, 0.6, 0.5, 0.4, 0.35, 0.3, 0.2), 16, ring=0.45, damping=0.3, highest=900),
    "sub": Timbre((1, 0.1), 36, ring=1.3, damping=0.5, attack=0.008, highest=900),
    "upright": Timbre((0.9, 0.7, 0.25, 0.1), 20, ring=0.35, damping=0.6, attack=0.006, highest=900),
}
_LEAD_TIMBRES = {
    "piano": Timbre((1, 0.5, 0.25, 0.15, 0.08), 18, ring=0.5, damping=0.4, highest=2400),
    "flute": Timbre((1, 0.18, 0.06), 3, loop=6, attack=0.05, highest=2400),
    "violin": Timbre(
        (0.8, 0.7, 0.5, 0.35, 0.25), 4, loop=8, attack=0.07, vibrato=0.35, highest=2400
    ),
    "guitar": Timbre((0.8, 0.8, 0.45, 0.35, 0.25), 14, ring=0.3, damping=0.3, highest=2400),
    "bells": Timbre((1, 0.02, 0.0, 0.18), 20, ring=0.6, damping=0.4, bell=0.3, highest=2400),
    "synth": Timbre((1, 0.0, 0.33, 0.0, 0.2), 1, loop=5, attack=0.006, highest=2400),
}


@dataclass(frozen=True, slots=True)
class Note:
    """A chain of states: a note, chord or hit of one instrument, or a rest."""

    instrument: int
    """0 is a rest, 1 the first instrument."""
    what: int
    """Number of the pitch, chord or hit."""


class Builder:
    """Collects the states of a stem, chain by chain."""

    def __init__(self) -> None:
        self.first: dict[Note, int] = {}
        """The state a chain starts with."""
        self._waves: list[Wave] = []
        self._successor: list[int] = []
        self._factors: list[tuple[int, int, int]] = []

    def add(self, note: Note, waves: Wave, follows: int) -> None:
        """Add a chain, [frames, WAVE], and the state that follows its last one.

        A chain's state is counted from its own first one where `follows` is negative: -3 is the
        third from its end.
        """
        first = len(self._successor)
        self.first[note] = first
        frames = len(waves)
        after = follows if follows >= 0 else first + frames + follows
        self._waves.append(waves)
        self._successor += [*range(first + 1, first + frames), after]
        self._factors += [(note.instrument, note.what, age) for age in range(frames)]

    def stem(self, name: str, gain: float, dimensions: int) -> Stem:
        """Return the stem, its waves reduced to what `dimensions` can carry.

        Raises ValueError where there are more states than a codebook has codes.
        """
        if len(self._successor) > CODES:
            raise ValueError(f"{name} has {len(self._successor)} states, more than {CODES}")
        waves = gain * np.concatenate(self._waves)
        _, axes = np.linalg.eigh(waves.T @ waves)  # the most important ones last
        axes = axes[:, -dimensions:]
        carried = waves @ axes @ axes.T
        return Stem(
            name=name,
            waves=carried.astype(np.float32),
            successor=np.array(self._successor),
            factors=np.array(self._factors),
            dimensions=dimensions,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The stems, and where to find a note in them."""

    stems: tuple[Stem, ...]
    starts: tuple[dict[Note, int], ...]
    """For each stem the state that a note starts with; the clock's are (length, 0)."""


def build_band() -> Band:
    """Make every sound."""
    clock, clock_starts = _clock()
    parts = [
        ("chords", _chords(), 0.06, CHORD_DIMENSIONS),
        ("drums", _drums(), 0.26, DRUM_DIMENSIONS),
        ("bass", _basses(), 0.136, BASS_DIMENSIONS),
        ("lead", _leads(), 0.1, LEAD_DIMENSIONS),
    ]
    stems = (builder.stem(name, gain, size) for name, builder, gain, size in parts)
    return Band(
        stems=(clock, *stems),
        starts=(clock_starts, *(builder.first for _, builder, _, _ in parts)),
    )


def _clock() -> tuple[Stem, dict[Note, int]]:
    """Two beats of every length; a frame's factors tell length, beat and frame, and the tick.

    The tick is the sixteenth that starts at this frame, counted from 1; 0 between them. The last
    factor is the same for swung sixteenths.
    """
    successor: list[int] = []
    factors: list[tuple[int, ...]] = []
    starts = {}
    for length, beat in enumerate(BEATS):
        first = len(successor)
        starts[Note(length, 0)] = first
        successor += [*range(first + 1, first + 2 * beat), first]
        straight, swung = (
            {at + half * beat: 4 * half + n for half in (0, 1) for n, at in enumerate(ticks, 1)}
            for ticks in (straight_ticks(beat), swung_ticks(beat))
        )
        factors += [
            (length, frame // beat, frame % beat, straight.get(frame, 0), swung.get(frame, 0))
            for frame in range(2 * beat)
        ]
    silence = np.zeros((len(successor), WAVE), dtype=np.float32)
    stem = Stem("clock", silence, np.array(successor), np.array(factors), CLOCK_DIMENSIONS)
    return stem, starts


def _chords() -> Builder:
    builder = Builder()
    for number in range(len(CHORDS)):
        builder.add(Note(0, number), np.zeros((1, WAVE)), -1)
    for instrument, name in enumerate(CHORD_INSTRUMENTS, start=1):
        timbre = _CHORD_TIMBRES[name]
        strum = 0.012 if name == "guitar" else 0.0
        for number, chord in enumerate(CHORDS):
            sound = sum(
                pitched(timbre, note, strum * place) for place, note in enumerate(chord.notes)
            )
            rest = builder.first[Note(0, number)]
            _add_pitched(builder, Note(instrument, number), timbre, np.asarray(sound), rest)
    return builder


def _basses() -> Builder:
    return _melodic(BASSES, _BASS_TIMBRES, BASS_NOTES)


def _leads() -> Builder:
    return _melodic(LEAD_INSTRUMENTS, _LEAD_TIMBRES, LEAD_NOTES)


def _melodic(names: tuple[str, ...], timbres: dict[str, Timbre], notes: tuple[int, ...]) -> Builder:
    builder = Builder()
    builder.add(Note(0, 0), np.zeros((1, WAVE)), -1)
    for instrument, name in enumerate(names, start=1):
        for number, note in enumerate(notes):
            sound = pitched(timbres[name], note)
            _add_pitched(builder, Note(instrument, number), timbres[name], sound, 0)
    return builder


def _add_pitched(builder: Builder, note: Note, timbre: Timbre, sound: Wave, rest: int) -> None:
    if timbre.loop:
        frames = timbre.frames + timbre.loop
        builder.add(note, states(sound, frames), -timbre.loop)
    else:
        rung_out = faded(in_a_room(sound), 6)
        builder.add(note, states(rung_out, timbre.frames), rest)


def _drums() -> Builder:
    builder = Builder()
    builder.add(Note(0, 0), np.zeros((1, WAVE)), -1)
    for instrument, name in enumerate(KITS, start=1):
        waves = kit_waves(name)
        for number, hit in enumerate(HITS):
            builder.add(Note(instrument, number), waves[hit], 0)
    return builder
