from __future__ import annotations

import numpy as np
import pytest

from musicgen_bot.audio.limiter import limiting_db, peaks_db, true_peak_db
from tests.audio import signals
from tests.audio.signals import RATE


def test_true_peak_sees_what_lies_between_the_samples() -> None:
    between = signals.sine(RATE / 4, amplitude=1.0, phase=np.pi / 4)

    assert np.abs(between).max() == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert true_peak_db(between[:, 100:-100]) == pytest.approx(0, abs=0.15)


def test_true_peak_is_that_of_the_loudest_channel() -> None:
    quiet, loud = signals.sine(440, amplitude=0.1), signals.sine(440, amplitude=0.5)

    assert true_peak_db(np.concatenate([quiet, loud])) == pytest.approx(-6.02, abs=0.05)


def test_nothing_is_turned_down_below_the_ceiling() -> None:
    peaks = peaks_db(signals.sine(440, amplitude=0.5))

    assert not limiting_db(peaks, RATE, -1.0).any()


def test_every_peak_is_covered() -> None:
    peaks = peaks_db(signals.drum_loop() * np.float32(8))
    assert peaks.max() > 6

    gain_db = limiting_db(peaks, RATE, -1.0)

    assert (peaks + gain_db).max() <= -1.0 + 1e-9
    assert gain_db.max() <= 1e-9


def test_a_steady_bass_is_turned_down_without_distortion() -> None:
    hertz = 40
    bass = signals.sine(hertz, seconds=3, amplitude=2.0)

    limited = bass[0] * 10 ** (limiting_db(peaks_db(bass), RATE, -1.0) / 20)

    second = limited[RATE : 2 * RATE]
    spectrum = np.abs(np.fft.rfft(second))
    harmonics = spectrum[2 * hertz :: hertz]
    assert np.sqrt((harmonics**2).sum()) < 2e-3 * spectrum[hertz]


def test_the_gain_has_recovered_a_tenth_of_a_second_after_a_drum() -> None:
    hit = 2 * RATE
    tone = signals.sine(440, seconds=4, amplitude=0.2)
    tone[0, hit : hit + 100] = 1.8

    gain_db = limiting_db(peaks_db(tone), RATE, -1.0)

    assert gain_db[hit] < -6
    assert not gain_db[: hit - round(0.015 * RATE)].any()
    np.testing.assert_allclose(gain_db[hit + RATE // 10 :], 0, atol=1e-9)


def test_the_gain_moves_smoothly_and_comes_back_more_slowly_than_it_went() -> None:
    peaks = np.full(RATE, -20.0)
    peaks[RATE // 2] = 6.0

    gain_db = limiting_db(peaks, RATE, -1.0)

    assert np.abs(np.diff(gain_db)).max() < 7 / (0.005 * RATE)
    assert gain_db[RATE // 2 - RATE // 50] == 0
    assert gain_db[RATE // 2 + RATE // 50] < -3
