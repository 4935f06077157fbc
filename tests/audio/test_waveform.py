"""The picture of a clip shows where it is loud, on any background."""

import io

import numpy as np
from PIL import Image

from musicgen_bot.audio.waveform import HEIGHT, HEIGHT_AMONG_OTHERS, WIDTH, draw_waveforms
from musicgen_bot.generation import Samples
from tests.audio import signals

Pixels = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


def opacity(*sounds: Samples) -> Pixels:
    picture = Image.open(io.BytesIO(draw_waveforms(sounds))).convert("RGBA")
    return np.asarray(picture)[..., 3]


def test_bars_are_long_where_it_is_loud_and_dots_where_it_is_silent() -> None:
    loud, silent = np.full((1, 16000), 0.9, np.float32), np.zeros((1, 16000), np.float32)
    alpha = opacity(np.concatenate([loud, silent], axis=1))
    assert alpha.shape == (HEIGHT, WIDTH)
    left, right = alpha[:, : WIDTH // 2 - 6], alpha[:, WIDTH // 2 + 6 :]
    assert (left[12] > 0).any()
    assert not right[: HEIGHT // 2 - 8].any()
    assert right[HEIGHT // 2].any()


def test_it_is_mirrored_and_its_background_is_transparent() -> None:
    alpha = opacity(signals.noise(rms=0.1)).astype(int)
    assert np.abs(alpha - alpha[::-1]).max() <= 1
    assert alpha[0].max() == alpha[-1].max() == 0
    assert alpha[:, 5::6].max() < alpha.max()


def test_variations_are_drawn_below_each_other() -> None:
    quiet, loud = signals.noise(rms=0.001), signals.noise(rms=0.2)
    alpha = opacity(quiet, loud)
    assert alpha.shape == (2 * HEIGHT_AMONG_OTHERS, WIDTH)
    upper, lower = alpha[:HEIGHT_AMONG_OTHERS], alpha[HEIGHT_AMONG_OTHERS:]
    assert upper.sum() < lower.sum() / 2


def test_the_file_is_small_and_even_a_few_samples_can_be_drawn() -> None:
    assert len(draw_waveforms([signals.noise(rms=0.1)] * 4)) < 40_000
    assert opacity(np.full((2, 3), 0.5, np.float32)).any()
    assert opacity(np.zeros((1, 0), np.float32)).any()
