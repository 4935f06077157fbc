"""From sound to codes: those of transformers, left and right, long sounds, and what goes wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from musicgen_bot.engine import Engine, load_engine
from musicgen_bot.engine.random_model import RandomModelSizes
from musicgen_bot.errors import InvalidRequest, ModelError, OutOfMemory
from musicgen_bot.generation import Codes, GenerationRequest, Samples
from tests.engine.conftest import Build
from tests.engine.reference import Reference
from tests.engine.test_engine import make, no_memory_for, tensor_bytes

STEREO = RandomModelSizes(codebooks=8, channels=2)
SIZES = pytest.mark.parametrize("sizes", [RandomModelSizes(), STEREO], ids=["mono", "stereo"])
ONE_FRAME = 640


def sound(frames: int, channels: int = 1) -> Samples:
    noise = np.random.default_rng(frames).standard_normal((channels, frames * ONE_FRAME))
    return (0.2 * noise).astype(np.float32)


def expected(folder: Path, samples: Samples) -> Codes:
    """Encode each channel by itself, and interleave the codebooks, as MusicGen wants them."""
    model = Reference(folder).model.audio_encoder.float()
    with torch.inference_mode():
        channels = [
            model.encode(torch.from_numpy(channel)[None, None]).audio_codes[0, 0].numpy()
            for channel in samples
        ]
    return np.stack(channels, axis=1).reshape(-1, channels[0].shape[1])


@SIZES
@pytest.mark.parametrize("frames", [1, 2, 99, 101, 250])
def test_codes_are_those_of_transformers(
    build: Build, sizes: RandomModelSizes, frames: int
) -> None:
    folder = build(sizes)
    samples = sound(frames, sizes.channels)
    codes = load_engine(str(folder), "cpu", "fp32").encode(samples, 32000)
    assert codes.dtype == np.int16
    assert codes.shape == (sizes.codebooks, frames)
    np.testing.assert_array_equal(codes, expected(folder, samples))


def test_the_bundled_model_hears_too() -> None:
    tiny = load_engine("tiny", "cpu")
    clip = make(tiny, "piano", seconds=3.0)
    codes = tiny.encode(clip.samples, 16000)
    reference = expected(Path("musicgen_bot/models/tiny").absolute(), clip.samples)
    np.testing.assert_array_equal(codes, reference)
    heard = tiny.decode(codes)
    assert np.corrcoef(heard[0], clip.samples[0])[0, 1] > 0.5


def test_what_is_more_than_whole_frames_is_left_out_at_the_start(small: Engine) -> None:
    samples = sound(20)
    longer = np.concatenate([sound(1)[:, :639], samples], axis=1)
    np.testing.assert_array_equal(small.encode(longer, 32000), small.encode(samples, 32000))


def test_a_clip_goes_on_from_a_sound(small: Engine) -> None:
    codes = small.encode(sound(30), 32000)
    (clip,) = small.generate([GenerationRequest("", 1.0, 1, continue_from=codes)])
    np.testing.assert_array_equal(clip.codes[:, :30], codes)


@pytest.mark.parametrize(
    ("samples", "rate"),
    [(sound(10), 44100), (sound(10, channels=2), 32000), (sound(1)[:, 1:], 32000)],
)
def test_what_the_model_does_not_hear_is_refused(
    small: Engine, samples: Samples, rate: int
) -> None:
    with pytest.raises(InvalidRequest):
        small.encode(samples, rate)


def test_the_encoder_leaves_no_memory_behind(small: Engine) -> None:
    before = tensor_bytes()
    small.encode(sound(10), 32000)
    assert tensor_bytes() == before


def test_out_of_memory_leaves_the_clips_in_work(
    small: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = make(small, seconds=0.5).codes
    ticket = small.add(GenerationRequest("lofi", 0.5, 1))
    with no_memory_for(monkeypatch, "torch.nn.functional.conv1d"), pytest.raises(OutOfMemory):
        small.encode(sound(10), 32000)
    while not (result := small.step(100)).finished:
        pass
    np.testing.assert_array_equal(result.finished[ticket].codes, alone)


def test_a_model_whose_files_are_gone_says_so(random_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(random_checkpoint, folder)
    engine = load_engine(str(folder), "cpu")
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="cannot be read any more"):
        engine.encode(sound(10), 32000)
