"""The band's states: they fit the codec, follow each other without a seam, and are in tune."""

import numpy as np
import pytest

from training.bank import BASS, CHORDS, CLOCK, CODES, DRUMS, HOP, LEAD, SAMPLE_RATE, WAVE, render
from training.plan import BEATS, CHORD_INSTRUMENTS, KITS
from training.sounds import BASS_NOTES, LEAD_NOTES, Band, Note
from training.synthesis import Timbre, frequency, pitched, states
from training.theory import CHORDS as TRIADS


def sound_of(band: Band, stem: int, note: Note, frames: int) -> np.ndarray:
    codes = np.zeros((5, frames), dtype=np.int64)
    state = band.starts[stem][note]
    for frame in range(frames):
        codes[stem, frame] = state
        state = int(band.stems[stem].successor[state])
    return render(band.stems, codes)


def loudest_hertz(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    return float(np.argmax(spectrum) * SAMPLE_RATE / (8 * len(sound)))


def test_every_stem_fits_its_codebook(band: Band) -> None:
    for stem in band.stems:
        count = len(stem.waves)
        assert count <= CODES
        assert stem.waves.shape == (count, WAVE)
        assert stem.successor.shape == (count,)
        assert len(stem.factors) == count
        assert stem.successor.min() >= 0
        assert stem.successor.max() < count
        assert len(np.unique(stem.factors, axis=0)) == count


def test_a_stem_is_what_its_dimensions_can_carry(band: Band) -> None:
    for stem in band.stems:
        values = np.linalg.svd(stem.waves, compute_uv=False)
        assert values[stem.dimensions :].max(initial=0) < 1e-3 * max(values[0], 1)


def test_states_cut_from_a_sound_add_up_to_it() -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(size=4 * HOP)
    waves = states(sound, 4)
    grid = np.zeros(5 * HOP)
    for frame, wave in enumerate(waves):
        grid[frame * HOP : frame * HOP + WAVE] += wave
    whole = grid[32 : 32 + 4 * HOP]
    np.testing.assert_allclose(whole[32:-32], sound[32:-32], atol=1e-12)


def test_a_loop_closes_without_a_seam() -> None:
    timbre = Timbre((1, 0.5, 0.3), 3, loop=6)
    sound = pitched(timbre, 64)
    first, again = sound[3 * HOP : 3 * HOP + 32], sound[9 * HOP : 9 * HOP + 32]
    np.testing.assert_allclose(first, again, atol=1e-9)


@pytest.mark.parametrize("instrument", range(1, 7))
def test_a_lead_sounds_at_its_pitch(band: Band, instrument: int) -> None:
    for number, note in enumerate(LEAD_NOTES):
        sound = sound_of(band, LEAD, Note(instrument, number), 12)
        cents = 1200 * np.log2(loudest_hertz(sound) / frequency(note))
        nearest = 1200 * round(cents / 1200)
        assert abs(cents - nearest) < 35, f"{note} is {cents:.0f} cents off"


def test_bass_and_chords_are_heard_and_rests_are_not(band: Band) -> None:
    for stem, kinds, count in ((BASS, 4, len(BASS_NOTES)), (CHORDS, 6, len(TRIADS))):
        for instrument in range(1, kinds + 1):
            for number in range(count):
                sound = sound_of(band, stem, Note(instrument, number), 12)
                assert sound.std() > 0.02
    assert not sound_of(band, CHORDS, Note(0, 3), 12).any()
    assert not sound_of(band, DRUMS, Note(0, 0), 12).any()


def test_a_struck_chord_ends_in_the_rest_of_its_harmony(band: Band) -> None:
    piano = CHORD_INSTRUMENTS.index("piano") + 1
    for number in range(len(TRIADS)):
        state = band.starts[CHORDS][Note(piano, number)]
        for _ in range(100):
            state = int(band.stems[CHORDS].successor[state])
        assert state == band.starts[CHORDS][Note(0, number)]


def test_every_kit_has_hits_of_its_own(band: Band) -> None:
    snares = [sound_of(band, DRUMS, Note(kit, 1), 11) for kit in range(1, len(KITS) + 1)]
    for number, one in enumerate(snares):
        assert np.abs(one).max() > 0.05
        for other in snares[:number]:
            alike = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
            assert alike < 0.95


def test_the_clock_goes_round_in_two_beats(band: Band) -> None:
    clock = band.stems[CLOCK]
    for length, beat in enumerate(BEATS):
        first = band.starts[CLOCK][Note(length, 0)]
        seen = [first]
        while (following := int(clock.successor[seen[-1]])) != first:
            seen.append(following)
        assert len(seen) == 2 * beat
        assert sorted(clock.factors[seen, 3])[-8:] == list(range(1, 9))
    assert not clock.waves.any()
