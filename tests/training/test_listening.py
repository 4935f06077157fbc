"""What is heard in composed pieces is what they were composed to be, and changes with them."""

from dataclasses import replace

import numpy as np
import pytest

from training.bank import CHORDS, CLOCK, CODES, DRUMS, LEAD, SAMPLE_RATE, Codes, render
from training.listening import (
    clock_tempo,
    hear,
    instrument,
    keeps_instruments,
    keeps_tempo,
    known,
    loudest_second_db,
    onsets_in_time,
    sounding,
    tempo_of_sound,
)
from training.pieces import Composer
from training.plan import BEATS, KITS, LEAD_INSTRUMENTS, Plan
from training.sounds import Band

SLOW_SONG = Plan("lofi", 40, 0, True, 1, "dusty", "upright", "piano", "bells")
FAST_SONG = Plan("rock", 20, 1, False, 2, "acoustic", "electric", "guitar", "synth")


def composed(band: Band, plan: Plan, frames: int = 1000) -> Codes:
    return Composer(band).compose(plan, frames, np.random.default_rng(0))


def clicks(interval: int, seconds: int = 10) -> np.ndarray:
    """Return noise bursts every so many samples, [1, samples]."""
    sound = np.zeros(seconds * SAMPLE_RATE, dtype=np.float32)
    burst = np.random.default_rng(0).normal(size=800).astype(np.float32)
    for start in range(0, len(sound) - len(burst), interval):
        sound[start : start + len(burst)] += burst * np.linspace(1, 0, len(burst))
    return 0.3 * sound[np.newaxis]


def test_a_piece_is_heard_as_planned(band: Band) -> None:
    pytest.importorskip("librosa")
    for plan in (SLOW_SONG, FAST_SONG):
        codes = composed(band, plan)
        heard = hear(band.stems, codes, render(band.stems, codes)[np.newaxis], SAMPLE_RATE)
        assert heard.tempo == plan.tempo
        assert (heard.kit, heard.chords, heard.lead) == (plan.drums, plan.chords, plan.lead)
        assert heard.minor is plan.minor
        assert heard.drums > 0.15


def test_what_is_not_played_is_not_heard(band: Band) -> None:
    codes = composed(band, replace(SLOW_SONG, drums=None, lead=None))
    assert sounding(band.stems[DRUMS], codes[DRUMS]) == 0
    assert instrument(band.stems[DRUMS], codes[DRUMS], KITS) is None
    assert instrument(band.stems[LEAD], codes[LEAD], LEAD_INSTRUMENTS) is None


def test_the_instrument_is_the_one_that_sounds_most(band: Band) -> None:
    first, second = composed(band, SLOW_SONG)[LEAD], composed(band, FAST_SONG)[LEAD]
    stem = band.stems[LEAD]
    mixed = np.concatenate((first[:300], second[:900]))
    assert instrument(stem, mixed, LEAD_INSTRUMENTS) == FAST_SONG.lead
    mixed = np.concatenate((first[:900], second[:100]))
    assert instrument(stem, mixed, LEAD_INSTRUMENTS) == SLOW_SONG.lead


def test_codes_that_stand_for_nothing_become_rests(band: Band) -> None:
    codes = composed(band, SLOW_SONG, 100)
    assert (known(band.stems, codes.astype(np.int16)) == codes).all()
    codes[:, 50] = CODES - 1
    cleaned = known(band.stems, codes)
    sizes = [len(stem.successor) for stem in band.stems]
    assert min(sizes) < CODES
    assert all(row.max() < size for row, size in zip(cleaned, sizes, strict=True))


def test_the_clock_tells_the_tempo_that_lasts_longest(band: Band) -> None:
    slow, fast = (composed(band, plan)[CLOCK] for plan in (SLOW_SONG, FAST_SONG))
    clock = band.stems[CLOCK]
    for beat in BEATS:
        codes = composed(band, replace(FAST_SONG, beat=beat), 200)
        assert clock_tempo(clock, codes[CLOCK]) == 3000 / beat
    assert clock_tempo(clock, np.concatenate((slow[:600], fast[:400]))) == SLOW_SONG.tempo


@pytest.mark.parametrize("tempo", [90, 120, 150])
def test_librosa_hears_the_tempo_of_clicks(tempo: int) -> None:
    pytest.importorskip("librosa")
    heard = tempo_of_sound(clicks(60 * SAMPLE_RATE // tempo), SAMPLE_RATE)
    assert any(abs(heard / tempo / times - 1) < 0.04 for times in (0.5, 1, 2))


def test_librosa_hears_another_tempo_where_there_is_another() -> None:
    pytest.importorskip("librosa")
    heard = tempo_of_sound(clicks(60 * SAMPLE_RATE // 90), SAMPLE_RATE)
    assert all(abs(heard / 110 / times - 1) > 0.04 for times in (0.5, 1, 2))


def test_loudness_is_that_of_the_loudest_second() -> None:
    sound = np.zeros((1, 5 * SAMPLE_RATE), dtype=np.float32)
    assert loudest_second_db(sound, SAMPLE_RATE) == -120
    sound[:, 2 * SAMPLE_RATE : 3 * SAMPLE_RATE] = 0.1
    assert loudest_second_db(sound, SAMPLE_RATE) == pytest.approx(-20, abs=0.01)
    assert loudest_second_db(0.001 * sound, SAMPLE_RATE) == pytest.approx(-80, abs=0.01)
    assert loudest_second_db(sound[:, 2 * SAMPLE_RATE :][:, :100], SAMPLE_RATE) > -21


@pytest.mark.parametrize("genre", ["lofi", "country"])
def test_onsets_of_a_composed_piece_are_in_time(band: Band, genre: str) -> None:
    codes = composed(band, replace(SLOW_SONG, genre=genre))
    hits, onsets = onsets_in_time(band.stems, codes)
    assert hits == onsets > 20


def test_onsets_beside_the_clock_are_not_in_time(band: Band) -> None:
    codes = composed(band, replace(SLOW_SONG, genre="country"))
    codes[CLOCK] = np.roll(codes[CLOCK], 4)
    hits, onsets = onsets_in_time(band.stems, codes)
    assert hits < 0.5 * onsets


def test_only_slow_beats_are_looked_at(band: Band) -> None:
    assert onsets_in_time(band.stems, composed(band, FAST_SONG)) == (0, 0)


def test_a_steady_piece_keeps_what_it_has(band: Band) -> None:
    codes = composed(band, SLOW_SONG, 1500)
    assert keeps_tempo(band.stems, codes, 500)
    assert keeps_instruments(band.stems, codes, 500)


def test_a_change_is_noticed(band: Band) -> None:
    codes, other = (composed(band, plan, 1500) for plan in (SLOW_SONG, FAST_SONG))
    faster, chords = codes.copy(), codes.copy()
    faster[CLOCK, 1000:] = other[CLOCK, 1000:]
    chords[CHORDS, 1000:] = other[CHORDS, 1000:]
    assert not keeps_tempo(band.stems, faster, 500)
    assert keeps_instruments(band.stems, faster, 500)
    assert not keeps_instruments(band.stems, chords, 500)
    assert keeps_tempo(band.stems, chords, 500)
