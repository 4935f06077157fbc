"""The codec gives back what the bank renders, and its encoder learns to go the other way."""

from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import EncodecModel

from training.bank import CODES, HOP, OVERLAP, STEMS, WAVE, Codes, Stem, render
from training.codec import LEARNING_LAYERS, build_codec, signal_to_distortion
from training.encoder import _folded, share_recognised, train_encoder

STATES = (60, 150, 90, 120, 140)
DIMENSIONS = (8, 48, 24, 16, 32)
FRAMES = 40


def stem_of(states: int, dimensions: int, seed: int) -> Stem:
    """A stem of random waves that span as many dimensions as it has; the first one is silent."""
    rng = np.random.default_rng(seed)
    rise = np.sin(np.linspace(0, np.pi / 2, 2 * OVERLAP)) ** 2
    window = np.concatenate([rise, np.ones(WAVE - 4 * OVERLAP), rise[::-1]])
    waves = rng.normal(size=(states, dimensions)) @ rng.normal(size=(dimensions, WAVE)) * window
    return Stem(
        name=f"stem {seed}",
        waves=(waves * (0.0 if seed == 0 else 0.01)).astype(np.float32),
        successor=(np.arange(states) + 1) % states,
        factors=np.zeros((states, 1), dtype=np.int64),
        dimensions=dimensions,
    )


def random_codes(stems: tuple[Stem, ...], frames: int = FRAMES, seed: int = 0) -> Codes:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(len(stem.waves), size=frames) for stem in stems])


def decoded(codec: Any, codes: Codes) -> NDArray[np.float32]:
    with torch.inference_mode():
        sound = codec.decode(torch.from_numpy(codes).reshape(1, 1, STEMS, -1), [None])
    samples: NDArray[np.float32] = sound.audio_values[0, 0].numpy()
    return samples


@pytest.fixture(scope="module")
def stems() -> tuple[Stem, ...]:
    return tuple(
        stem_of(states, dimensions, seed)
        for seed, (states, dimensions) in enumerate(zip(STATES, DIMENSIONS, strict=True))
    )


@pytest.fixture
def codec(stems: tuple[Stem, ...]) -> EncodecModel:
    return build_codec(stems)


def test_the_decoder_renders_what_the_bank_does(
    codec: EncodecModel, stems: tuple[Stem, ...]
) -> None:
    codes = random_codes(stems)
    expected, found = render(stems, codes), decoded(codec, codes)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.005 * np.abs(expected).max()
    assert signal_to_distortion(expected, found) > 55


def test_the_ends_of_a_clip_are_as_exact(codec: EncodecModel, stems: tuple[Stem, ...]) -> None:
    codes = random_codes(stems)
    expected, found = render(stems, codes), decoded(codec, codes)
    for end in (slice(HOP), slice(-HOP, None)):
        assert signal_to_distortion(expected[end], found[end]) > 50


@pytest.mark.parametrize("frames", [1, 2])
def test_a_short_clip_is_as_exact(
    codec: EncodecModel, stems: tuple[Stem, ...], frames: int
) -> None:
    codes = random_codes(stems, frames)
    assert signal_to_distortion(render(stems, codes), decoded(codec, codes)) > 50


def test_rounding_to_fp16_does_no_harm(codec: Any, stems: tuple[Stem, ...]) -> None:
    codes = random_codes(stems)
    rounded = codec.half().float()
    assert signal_to_distortion(render(stems, codes), decoded(rounded, codes)) > 50


def test_codes_that_no_stem_uses_are_silent(codec: EncodecModel) -> None:
    assert np.abs(decoded(codec, np.full((STEMS, 5), CODES - 1))).max() == 0


@pytest.mark.parametrize("rounded", [False, True])
def test_the_quantiser_finds_the_codes_of_a_latent(
    codec: Any, stems: tuple[Stem, ...], rounded: bool
) -> None:
    codes = torch.from_numpy(random_codes(stems, 500))
    if rounded:
        codec.half().float()
    with torch.inference_mode():
        latents = codec.quantizer.decode(codes.unsqueeze(1))
        found = codec.quantizer.encode(latents + 0.001 * torch.randn(latents.shape))
    assert torch.equal(found.squeeze(1), codes)


def test_it_is_saved_and_loaded_whole(codec: Any, stems: tuple[Stem, ...], tmp_path: Path) -> None:
    codec.half().save_pretrained(tmp_path)
    load: Any = EncodecModel.from_pretrained
    loaded, report = load(tmp_path, dtype=torch.float32, output_loading_info=True)
    assert not any(report.values())
    codes = random_codes(stems)
    assert signal_to_distortion(render(stems, codes), decoded(loaded, codes)) > 50


def test_a_codec_without_a_silent_stem_is_refused(stems: tuple[Stem, ...]) -> None:
    with pytest.raises(ValueError, match="silent"):
        build_codec(stems[1:])


def test_the_encoder_folds_samples_into_blocks(codec: Any, stems: tuple[Stem, ...]) -> None:
    sounds = torch.from_numpy(render(stems, random_codes(stems))).unsqueeze(0)
    folded = sounds.unsqueeze(1)
    with torch.inference_mode():
        for layer in codec.encoder.layers[:-LEARNING_LAYERS]:
            folded = layer(folded)
    torch.testing.assert_close(folded, _folded(sounds, folded.shape[1]), atol=1e-6, rtol=0)


def test_the_encoder_learns(codec: EncodecModel, stems: tuple[Stem, ...]) -> None:
    losses: list[float] = []
    codes = random_codes(stems)
    before = decoded(codec, codes)
    pieces = repeat(codes)
    train_encoder(codec, stems, pieces, steps=60, report=lambda _, loss: losses.append(loss))
    assert len(losses) == 60
    assert losses[-1] < 0.5 * losses[0]
    assert np.mean(share_recognised(codec, stems, codes)[1:]) > 0.5
    np.testing.assert_array_equal(decoded(codec, codes), before)


def test_signal_to_distortion_ignores_the_level() -> None:
    reference = np.array([1, -1, 1, -1], dtype=np.float32)
    noise = np.array([0.1, 0.1, -0.1, -0.1], dtype=np.float32)
    assert signal_to_distortion(reference, reference + noise) == pytest.approx(20, abs=1e-4)
    assert signal_to_distortion(reference, 3 * (reference + noise)) == pytest.approx(20, abs=1e-4)
