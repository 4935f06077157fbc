"""What can be heard in a clip: its instruments, tempo, mode, level, and whether it is in time.

Most of it is read off the codes, whose states are known. The tempo of the sound is found by
librosa too, which knows nothing of how the sound was made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.bank import BASS, CHORDS, CLOCK, DRUMS, FRAME_RATE, LEAD, Codes, Stem, decisions
from training.plan import BEATS, CHORD_INSTRUMENTS, KITS, LEAD_INSTRUMENTS
from training.theory import mode_of, straight_ticks, swung_ticks

RARELY = 0.02
"""What sounds in fewer of the frames than this is not there."""
SLOW_BEAT = 38
"""Frames: from here on, onsets beside the beat are plainly heard."""
_SILENCE_DB = -120.0
_TEMPO_HOP = 256

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip as it was heard."""

    tempo: float
    """Beats a minute of its clock."""
    tempo_of_sound: float
    """Beats a minute that librosa hears."""
    kit: str | None
    chords: str | None
    lead: str | None
    drums: float
    """Share of the frames in which a drum sounds."""
    minor: bool | None


def hear(stems: tuple[Stem, ...], codes: Codes, samples: Samples, sample_rate: int) -> Heard:
    """Listen to a clip: known codes [stems, frames], samples [channels, samples]."""
    return Heard(
        tempo=clock_tempo(stems[CLOCK], codes[CLOCK]),
        tempo_of_sound=tempo_of_sound(samples, sample_rate),
        kit=instrument(stems[DRUMS], codes[DRUMS], KITS),
        chords=instrument(stems[CHORDS], codes[CHORDS], CHORD_INSTRUMENTS),
        lead=instrument(stems[LEAD], codes[LEAD], LEAD_INSTRUMENTS),
        drums=sounding(stems[DRUMS], codes[DRUMS]),
        minor=mode_of(stems[CHORDS].factors[codes[CHORDS], 1]),
    )


def known(stems: tuple[Stem, ...], codes: NDArray[np.integer]) -> Codes:
    """Return codes, [stems, frames], with those that stand for no state replaced by 0.

    The codebooks hold more codes than there are states; a model should not draw them, but may.
    """
    sizes = np.array([len(stem.successor) for stem in stems])[:, np.newaxis]
    return np.where(codes < sizes, codes, 0).astype(np.int64)


def sounding(stem: Stem, states: NDArray[np.int64]) -> float:
    """Return the share of frames in which a stem makes a sound."""
    return float((stem.factors[states, 0] > 0).mean())


def instrument(stem: Stem, states: NDArray[np.int64], names: tuple[str, ...]) -> str | None:
    """Return which of a stem's instruments sounds most; None where hardly anything sounds."""
    if sounding(stem, states) < RARELY:
        return None
    counts = np.bincount(stem.factors[states, 0], minlength=len(names) + 1)
    return names[int(counts[1:].argmax())]


def clock_tempo(clock: Stem, states: NDArray[np.int64]) -> float:
    """Return the beats a minute that the clock shows most of the time."""
    length = int(np.bincount(clock.factors[states, 0]).argmax())
    return 60 * FRAME_RATE / BEATS[length]


def tempo_of_sound(samples: Samples, sample_rate: int) -> float:
    """Return the beats a minute that librosa hears in samples [channels, samples].

    Tempo is estimated from the autocorrelation of onset strength, by librosa's defaults but for a
    finer hop, since 512 samples at 16 kHz are too coarse to tell fast tempos apart.
    """
    import librosa

    mono = samples.mean(axis=0)
    return float(librosa.feature.tempo(y=mono, sr=sample_rate, hop_length=_TEMPO_HOP)[0])


def loudest_second_db(samples: Samples, sample_rate: int) -> float:
    """Return the RMS of the loudest second of samples [channels, samples], in dBFS."""
    power = (samples.astype(np.float64) ** 2).mean(axis=0)
    window = min(sample_rate, len(power))
    total = np.concatenate(([0.0], np.cumsum(power)))
    loudest = float((total[window:] - total[:-window]).max()) / window
    return max(_SILENCE_DB, 10 * np.log10(loudest)) if loudest > 0 else _SILENCE_DB


def onsets_in_time(stems: tuple[Stem, ...], codes: Codes) -> tuple[int, int]:
    """Return how many onsets are within a frame of a step of the beat, and how many there are.

    Onsets of chords, drums and bass in slow beats; the first frame is not looked at. Steps are
    sixteenths or, if more onsets are on those, the thirds and sixths of a swung beat.
    """
    clock = stems[CLOCK].factors[codes[CLOCK]]
    beats, places = np.array(BEATS)[clock[:, 0]], clock[:, 2]
    new = decisions(stems, codes)
    straight = swung = onsets = 0
    for stem in (CHORDS, DRUMS, BASS):
        struck = new[stem] & (stems[stem].factors[codes[stem], 0] > 0) & (beats >= SLOW_BEAT)
        for frame in np.flatnonzero(struck[1:]) + 1:
            beat, place = int(beats[frame]), int(places[frame])
            straight += _near(place, straight_ticks(beat), beat)
            swung += _near(place, swung_ticks(beat), beat)
            onsets += 1
    return max(straight, swung), onsets


def _near(place: int, steps: tuple[int, ...], beat: int) -> bool:
    """Tell whether a frame of a beat is within one of a step; the next beat is one, too."""
    return min(min(abs(place - step), beat - abs(place - step)) for step in steps) <= 1


def keeps_tempo(stems: tuple[Stem, ...], codes: Codes, frames: int) -> bool:
    """Tell whether the first and the last so many frames have the same tempo."""
    clock = stems[CLOCK]
    ends = (codes[CLOCK, :frames], codes[CLOCK, -frames:])
    first, last = (clock_tempo(clock, states) for states in ends)
    return first == last


def keeps_instruments(stems: tuple[Stem, ...], codes: Codes, frames: int) -> bool:
    """Tell whether the same instruments sound in the first and in the last so many frames."""

    def instruments(part: Codes) -> list[str | None]:
        # Any names will do to tell instruments apart.
        counts = [int(stem.factors[:, 0].max()) for stem in stems]
        return [
            instrument(stems[stem], part[stem], tuple(map(str, range(counts[stem]))))
            for stem in (CHORDS, DRUMS, BASS, LEAD)
        ]

    return instruments(codes[:, :frames]) == instruments(codes[:, -frames:])
