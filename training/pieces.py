"""Composes pieces: from a plan to the codes of every frame.

A piece is a loop of four chords, a bar each, played in the patterns of its genre; a melody of two
bars that is repeated and answered; a fill at the end of a phrase and a crash at the start of the
next. Everything is drawn from one random generator, so a seed is a piece.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.bank import BASS, CHORDS, CLOCK, DRUMS, LEAD, STEMS, Codes
from training.drums import HITS
from training.plan import BASSES, BEATS, CHORD_INSTRUMENTS, KITS, LEAD_INSTRUMENTS, Plan
from training.sounds import BASS_NOTES, LEAD_NOTES, Band, Note
from training.styles import FILLS, STYLES, Style
from training.theory import CHORDS as TRIADS
from training.theory import chord_on, scale, straight_ticks, swung_ticks

BARS_OF_A_PHRASE = 4
HELD = ("organ", "pad")
"""Instruments whose chords sound until the next; the others are struck again before they fade."""
_FADED = 34
"""Frames after which a struck note has faded."""
_LONGEST_NOTE = 400
_MAJOR_LOOPS = ((0, 4, 1, 3), (0, 3, 0, 4), (0, 2, 3, 4), (0, 3, 4, 0), (0, 4, 3, 4), (0, 1, 4, 0))
"""Degrees of the major scale, 0 is I. The tonic of the relative minor is left to the minor."""
_MINOR_LOOPS = ((5, 3, 1, 4), (5, 1, 2, 5), (5, 3, 4, 5), (5, 2, 3, 4), (5, 2, 3, 5), (5, 4, 3, 4))
"""The same for the relative minor, whose tonic is vi."""
_RHYTHMS = (
    ("x-------x-----..", "x-------........", "x-----------....", "x---x-------...."),
    ("x---x---x-x-x---", "x-x-x---x---....", "x--x--x-x---....", "x-x-x-x-x---x-.."),
    ("x-x-xxx-x-x-x-..", "xxx-x-xxx-x-x-x-", "x--xx-x-x--xx-..", "x-xxx-x-xxx-x-.."),
)
"""A bar of melody, for each energy."""

Event = tuple[int, Note]
"""The step of the bar, 0 to 15, and what is played from then on."""


class Composer:
    """Turns plans into codes, with a band's states."""

    def __init__(self, band: Band) -> None:
        self._starts = band.starts
        self._walks = [
            {start: _walk(stem.successor, start) for start in starts.values()}
            for stem, starts in zip(band.stems, band.starts, strict=True)
        ]

    def compose(self, plan: Plan, frames: int, rng: np.random.Generator) -> Codes:
        """Return the codes of the first `frames` frames of a piece, [stems, frames]."""
        bars = -(-frames // (4 * plan.beat))
        score = _score(plan, bars, rng)
        codes = np.zeros((STEMS, bars * 4 * plan.beat), dtype=np.int64)
        codes[CLOCK] = self._clock(plan.beat, bars)
        ticks = _ticks(plan.beat, STYLES[plan.genre].swing)
        for stem in (CHORDS, DRUMS, BASS, LEAD):
            self._fill(codes[stem], stem, [events[stem] for events in score], ticks)
        return codes[:, :frames]

    def _clock(self, beat: int, bars: int) -> NDArray[np.int64]:
        first = self._starts[CLOCK][Note(BEATS.index(beat), 0)]
        return np.tile(np.arange(first, first + 2 * beat), 2 * bars)

    def _fill(
        self, row: NDArray[np.int64], stem: int, bars: list[list[Event]], ticks: list[int]
    ) -> None:
        """Write the chains of every note into a stem's row, each until the next begins."""
        starts, walks = self._starts[stem], self._walks[stem]
        bar_frames = len(row) // len(bars)
        played = [
            (bar * bar_frames + ticks[step], starts[note])
            for bar, events in enumerate(bars)
            for step, note in events
        ]
        ends = [frame for frame, _ in played[1:]] + [len(row)]
        for (frame, start), end in zip(played, ends, strict=True):
            row[frame:end] = walks[start][: end - frame]


def _walk(successor: NDArray[np.int64], start: int) -> NDArray[np.int64]:
    """Return the states of a note that nothing interrupts."""
    states = [start]
    for _ in range(_LONGEST_NOTE - 1):
        states.append(int(successor[states[-1]]))
    return np.array(states)


def _ticks(beat: int, swing: bool) -> list[int]:
    """Return the frame of each step of a bar."""
    within = swung_ticks(beat) if swing else straight_ticks(beat)
    return [quarter * beat + offset for quarter in range(4) for offset in within]


def _score(plan: Plan, bars: int, rng: np.random.Generator) -> list[dict[int, list[Event]]]:
    """Return for each bar what each stem plays."""
    style = STYLES[plan.genre]
    loops = _MINOR_LOOPS if plan.minor else _MAJOR_LOOPS
    loop = [chord_on(plan.key, degree) for degree in loops[rng.integers(len(loops))]]
    drums = _drum_bars(plan, style, bars, rng)
    bass = _renewed(style.bass_patterns[_intensity(plan, rng)], plan.beat)
    strums = style.chord_patterns[_intensity(plan, rng)]
    if plan.chords not in HELD:
        strums = _renewed(strums, plan.beat)
    melody = _Melody(plan, rng)
    score = [
        {
            CHORDS: _chord_bar(plan, strums, loop[bar % 4]),
            DRUMS: drums[bar],
            BASS: _bass_bar(plan, bass, loop[bar % 4]),
            LEAD: melody.bar(bar, loop[bar % 4]),
        }
        for bar in range(bars)
    ]
    _begin(score[0])
    return score


def _begin(bar: dict[int, list[Event]]) -> None:
    """Let a piece begin with a sound: where all would rest, somebody plays their first note early.

    One in a hundred would begin with a rest otherwise. What learns from them may then rest for
    good, since of the many notes to end a rest with, each is less likely than to go on resting.
    """
    if any(events[0][1].instrument for events in bar.values()):
        return
    for stem in (CHORDS, BASS, LEAD):
        first = next((note for _, note in bar[stem] if note.instrument), None)
        if first is not None:
            bar[stem][0] = (0, first)
            return


def _intensity(plan: Plan, rng: np.random.Generator) -> int:
    """Return which of a style's patterns to play: mostly the one the energy asks for."""
    if rng.random() < 0.8:
        return plan.energy
    return int(np.clip(plan.energy + rng.choice((-1, 1)), 0, 2))


def _renewed(pattern: str, beat: int) -> str:
    """Return a pattern in which a note that would have faded is struck again on the beat."""
    steps = list(pattern)
    since = 0
    for step, letter in enumerate(pattern):
        since = 0 if letter != "-" else since + 1
        if letter == "-" and step % 4 == 0 and since * beat / 4 >= _FADED:
            steps[step], since = "x", 0
    return "".join(steps)


def _drum_bars(plan: Plan, style: Style, bars: int, rng: np.random.Generator) -> list[list[Event]]:
    if plan.drums is None:
        return [[(0, Note(0, 0))] for _ in range(bars)]
    kit = KITS.index(plan.drums) + 1
    pattern = style.drum_patterns[_intensity(plan, rng)]
    fill = FILLS[rng.integers(len(FILLS))]
    filled = rng.random() < (0.25, 0.6, 0.8)[plan.energy]
    result = []
    for bar in range(bars):
        steps = pattern
        if filled and bar % BARS_OF_A_PHRASE == BARS_OF_A_PHRASE - 1:
            steps = pattern[:8] + fill
        elif filled and bar % BARS_OF_A_PHRASE == 0 and bar:
            steps = "C" + pattern[1:]
        result.append(_hits(kit, steps))
    return result


def _hits(kit: int, steps: str) -> list[Event]:
    letters = list(HITS)
    events = [(step, Note(kit, letters.index(c))) for step, c in enumerate(steps) if c in HITS]
    return events if steps[0] in HITS else [(0, Note(0, 0)), *events]


def _chord_bar(plan: Plan, pattern: str, chord: int) -> list[Event]:
    """Return the chord's strikes; where nobody plays it, a rest that knows which it is."""
    rest = Note(0, chord)
    if plan.chords is None:
        return [(0, rest)]
    strike = Note(CHORD_INSTRUMENTS.index(plan.chords) + 1, chord)
    return _struck(pattern, {"x": strike, ".": rest}, rest)


def _bass_bar(plan: Plan, pattern: str, chord: int) -> list[Event]:
    rest = Note(0, 0)
    if plan.bass is None:
        return [(0, rest)]
    instrument = BASSES.index(plan.bass) + 1
    root, _, fifth = TRIADS[chord].classes
    low = next(number for number, note in enumerate(BASS_NOTES) if note % 12 == root)
    high = max(number for number, note in enumerate(BASS_NOTES) if note % 12 == root)
    above = next((n for n, note in enumerate(BASS_NOTES) if note % 12 == fifth and n > low), low)
    notes = {"x": low, "5": above, "8": high}
    played = {letter: Note(instrument, number) for letter, number in notes.items()}
    return _struck(pattern, {**played, ".": rest}, rest)


def _struck(pattern: str, notes: dict[str, Note], rest: Note) -> list[Event]:
    """Return the events of a pattern; a rest is one only where something sounded before."""
    events: list[Event] = []
    sounding = True
    for step, letter in enumerate(pattern):
        if letter == "-" or (letter == "." and not sounding):
            continue
        sounding = letter != "."
        events.append((step, notes[letter]))
    return events if pattern[0] != "-" else [(0, rest), *events]


class _Melody:
    """A motif of two bars: played, repeated, and answered by another ending."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self._plan = plan
        rhythms = _RHYTHMS[plan.energy]
        self._rhythm = [rhythms[n] for n in rng.integers(len(rhythms), size=2)]
        self._moves = rng.choice((-2, -1, -1, 0, 1, 1, 2), size=(2, 16))
        in_key = scale(plan.key)
        self._notes = [n for n, note in enumerate(LEAD_NOTES) if note % 12 in in_key]

    def bar(self, bar: int, chord: int) -> list[Event]:
        """Return a bar of the melody over a chord."""
        rest = Note(0, 0)
        if self._plan.lead is None:
            return [(0, rest)]
        half = bar % 2
        rhythm = self._rhythm[half]
        if bar % BARS_OF_A_PHRASE == BARS_OF_A_PHRASE - 1:
            rhythm = rhythm[:8] + "........"
        instrument = LEAD_INSTRUMENTS.index(self._plan.lead) + 1
        place = self._nearest_of_chord(len(self._notes) // 2 + 2 * half, chord)
        events: list[Event] = []
        for step, letter in enumerate(rhythm):
            if letter == "x":
                if events:
                    place += int(self._moves[half, step])
                    place = self._allowed(place, chord, strong=step % 8 == 0)
                events.append((step, Note(instrument, self._notes[place])))
            elif letter == "." and (not events or events[-1][1] != rest):
                events.append((step, rest))
        return events

    def _allowed(self, place: int, chord: int, *, strong: bool) -> int:
        """Return the nearest place that there is, on strong beats one of the chord's."""
        place = int(np.clip(place, 0, len(self._notes) - 1))
        return self._nearest_of_chord(place, chord) if strong else place

    def _nearest_of_chord(self, place: int, chord: int) -> int:
        classes = TRIADS[chord].classes
        places = range(len(self._notes))
        fitting = [p for p in places if LEAD_NOTES[self._notes[p]] % 12 in classes]
        return min(fitting, key=lambda p: (abs(p - place), p))
