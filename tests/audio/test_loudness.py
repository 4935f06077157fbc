from __future__ import annotations

import numpy as np
import pytest

from musicgen_bot.audio.loudness import master
from musicgen_bot.errors import UnusableSound
from musicgen_bot.generation import Samples
from tests.audio import signals
from tests.audio.judge import listen_to_samples
from tests.audio.signals import RATE

MUSIC = {
    "piano": signals.piano(),
    "band": signals.band(),
    "stereo band": signals.stereo_band(),
    "noise": signals.noise(),
    "sine": signals.sine(440),
    "bass": signals.sine(45) + signals.noise(rms=0.02),
    "square at full scale": signals.square(220),
    "very quiet": signals.band() * np.float32(0.03),
    "far over full scale": signals.band() * np.float32(30),
}


@pytest.mark.parametrize("samples", MUSIC.values(), ids=MUSIC.keys())
def test_music_comes_out_at_14_lufs_below_the_true_peak_ceiling(samples: Samples) -> None:
    heard = listen_to_samples(master(samples, RATE))

    assert heard.lufs == pytest.approx(-14, abs=0.3)
    assert heard.true_peak_db <= -1


def test_the_band_has_a_crest_factor_of_20_db() -> None:
    assert signals.crest_factor_db(signals.band()) > 20


def test_a_dry_drum_loop_stays_a_little_quieter_rather_than_being_squashed() -> None:
    loop = signals.drum_loop()
    assert signals.crest_factor_db(loop) > 21

    heard = listen_to_samples(master(loop, RATE))

    assert -17.5 < heard.lufs < -14
    assert heard.true_peak_db <= -1


def test_hiss_between_lone_clicks_is_not_blown_up() -> None:
    clicks = signals.noise(rms=0.0003)
    clicks[0, RATE // 2 :: RATE] = 0.9

    mastered = master(clicks, RATE)

    hiss = slice(RATE + 1000, RATE + RATE // 2 - 1000)
    gain = mastered[0, hiss].std() / clicks[0, hiss].std()
    assert gain < 10 ** (16 / 20)


@pytest.mark.parametrize("shape", [(1, 640), (1, 12_799), (1, 12_801), (2, 32_001), (2, 64)])
def test_shape_stays_and_samples_stay_float32(shape: tuple[int, int]) -> None:
    channels, length = shape
    samples = np.repeat(signals.sine(700, phase=0.3)[:, :length], channels, axis=0)

    mastered = master(samples, RATE)

    assert mastered.shape == shape
    assert mastered.dtype == np.float32
    assert np.isfinite(mastered).all()
    assert np.abs(mastered).max() <= 10 ** (-1 / 20)


def test_a_clip_shorter_than_a_loudness_block_is_as_loud_as_others() -> None:
    mastered = master(signals.sine(1000, seconds=0.2), RATE)

    assert listen_to_samples(np.tile(mastered, 10)).lufs == pytest.approx(-14, abs=0.3)


def test_the_input_is_left_alone() -> None:
    samples = signals.band()
    before = samples.copy()

    master(samples, RATE)

    np.testing.assert_array_equal(samples, before)


def test_neither_end_clicks() -> None:
    tone = signals.sine(200, phase=np.pi / 2)

    mastered = master(tone, RATE)[0]

    steady = mastered[RATE:-RATE]
    assert mastered[0] == 0
    assert abs(mastered[-1]) < 1e-4
    steps = np.abs(np.diff(mastered))
    assert steps.max() < 2 * np.abs(np.diff(steady)).max()


def test_the_music_is_untouched_outside_of_the_fades() -> None:
    tone = signals.sine(200)

    mastered = master(tone, RATE)[0]

    inner = slice(round(0.01 * RATE), -round(0.05 * RATE))
    gain = mastered[inner].std() / tone[0, inner].std()
    np.testing.assert_allclose(mastered[inner], gain * tone[0, inner], atol=1e-4)


def test_an_offset_is_removed() -> None:
    mastered = master(signals.sine(300) + np.float32(0.25), RATE)

    assert abs(float(mastered.mean())) < 1e-3


def test_the_stereo_image_stays_where_it_is() -> None:
    left = signals.band()
    mastered = master(np.concatenate([left, -0.25 * left]), RATE)

    np.testing.assert_allclose(mastered[1], -0.25 * mastered[0], atol=1e-6)


@pytest.mark.parametrize("music_at", [0.0, 4.0], ids=["a silent tail", "a silent intro"])
def test_silence_around_music_is_no_reason_to_refuse_it(music_at: float) -> None:
    samples = np.zeros((1, 5 * RATE), np.float32)
    start = round(music_at * RATE)
    samples[:, start : start + RATE] = signals.piano(1.0)

    assert listen_to_samples(master(samples, RATE)).lufs == pytest.approx(-14, abs=0.5)


SILENT = {
    "zeros": np.zeros((1, RATE), np.float32),
    "a short silence": np.zeros((2, 640), np.float32),
    "hiss": signals.noise(rms=0.0003),
    "an offset": np.full((1, RATE), 0.5, np.float32),
    "infrasound": signals.sine(1, amplitude=0.05),
    "no samples": np.zeros((1, 0), np.float32),
}


@pytest.mark.parametrize("samples", SILENT.values(), ids=SILENT.keys())
def test_what_nobody_can_hear_is_refused(samples: Samples) -> None:
    with pytest.raises(UnusableSound, match=r"silent; please try another seed"):
        master(samples, RATE)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused(poison: float) -> None:
    samples = signals.sine(440)
    samples[0, 5000] = poison

    with pytest.raises(UnusableSound, match=r"not a sound; please try another seed"):
        master(samples, RATE)
