"""Lengths, precisions, sound, memory, and requests that cannot be."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from musicgen_bot.engine import Engine, load_engine
from musicgen_bot.engine.random_model import RandomModelSizes
from musicgen_bot.errors import InvalidRequest, OutOfMemory
from musicgen_bot.generation import Clip, Codes, GenerationRequest
from tests.engine.conftest import Build


def make(engine: Engine, prompt: str = "lofi", seconds: float = 1.0, seed: int = 1) -> Clip:
    (clip,) = engine.generate([GenerationRequest(prompt, seconds, seed)])
    return clip


def random_codes(codebooks: int, frames: int, vocabulary: int = 256) -> Codes:
    return np.random.default_rng(0).integers(vocabulary, size=(codebooks, frames)).astype(np.int16)


def tensor_bytes() -> int:
    """Memory of all tensors there are, views counted with what they show."""
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if type(thing) is torch.Tensor]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())


def test_the_engine_tells_what_it_is(small: Engine, random_checkpoint: Path) -> None:
    assert (small.model, small.device, small.precision) == (random_checkpoint.name, "cpu", "fp32")
    assert (small.sample_rate, small.frame_rate, small.codebooks, small.channels) == (
        32000,
        50,
        4,
        1,
    )
    assert small.max_seconds == 300.0


@pytest.mark.parametrize("seconds", [0.02, 0.04, 1.0, 2.567, 5.5, 30.0])
def test_a_clip_is_exactly_as_long_as_asked_for(small: Engine, seconds: float) -> None:
    clip = make(small, seconds=seconds)
    frames = round(seconds * 50)
    assert clip.codes.shape == (4, frames)
    assert clip.codes.dtype == np.int16
    assert clip.samples.shape == (1, frames * 640)
    assert clip.samples.dtype == np.float32
    assert clip.sample_rate == 32000
    assert 0 <= clip.codes.min() <= clip.codes.max() <= 255


def test_stereo_has_two_different_channels(build: Build) -> None:
    engine = load_engine(str(build(RandomModelSizes(codebooks=8, channels=2))), "cpu")
    clip = make(engine, seconds=0.5)
    assert clip.codes.shape == (8, 25)
    assert clip.samples.shape == (2, 16000)
    assert not np.allclose(clip.samples[0], clip.samples[1])


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_every_precision_gives_an_audible_clip(random_checkpoint: Path, precision: str) -> None:
    engine = load_engine(str(random_checkpoint), "cpu", precision)
    assert engine.precision == precision
    clips = engine.generate([GenerationRequest("lofi", 1.0, 1), GenerationRequest("", 0.5, 2)])
    for clip in clips:
        assert 0.03 < np.sqrt(np.mean(clip.samples**2)) < 0.3
        assert np.abs(clip.samples).max() < 1
        assert len(np.unique(clip.codes)) > 20


def test_decoding_the_codes_of_a_clip_gives_its_sound(small: Engine) -> None:
    clip = make(small)
    np.testing.assert_array_equal(small.decode(clip.codes), clip.samples)


def test_without_a_seed_each_clip_is_another_and_says_its_seed(small: Engine) -> None:
    clips = small.generate([GenerationRequest("lofi", 0.5), GenerationRequest("lofi", 0.5)])
    seeds = [clip.request.seed for clip in clips]
    assert None not in seeds
    assert seeds[0] != seeds[1]
    (again,) = small.generate([clips[0].request])
    np.testing.assert_array_equal(again.codes, clips[0].codes)


def test_top_k_beyond_the_vocabulary_is_all_of_it(small: Engine) -> None:
    clips = small.generate(
        [GenerationRequest("lofi", 0.5, 1, top_k=top_k) for top_k in (256, 10**9)]
    )
    np.testing.assert_array_equal(clips[0].codes, clips[1].codes)


def test_a_continuation_begins_with_what_it_goes_on_from(small: Engine) -> None:
    known = random_codes(4, 20)
    (clip,) = small.generate([GenerationRequest("lofi", 1.0, 1, continue_from=known)])
    np.testing.assert_array_equal(clip.codes[:, :20], known)
    assert clip.codes.shape == (4, 50)


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest("lofi", 300.1),
        GenerationRequest("lofi", 1e9),
        GenerationRequest("lofi", 0.001),
        GenerationRequest("lofi", 1.0, continue_from=random_codes(4, 50)),
        GenerationRequest("lofi", 1.0, continue_from=random_codes(8, 20)),
        GenerationRequest("lofi", 1.0, continue_from=random_codes(4, 0)),
        GenerationRequest("lofi", 1.0, continue_from=random_codes(4, 20)[0]),
        GenerationRequest("lofi", 1.0, continue_from=random_codes(4, 20) - np.int16(256)),
        GenerationRequest("lofi", 1.0, continue_from=random_codes(4, 20, 2048)),
    ],
)
def test_what_the_model_cannot_make_is_refused(small: Engine, request_: GenerationRequest) -> None:
    ticket = small.add(GenerationRequest("stays", 1.0, 1))
    with pytest.raises(InvalidRequest):
        small.add(request_)
    assert list(small.step(1).progress) == [ticket]
    small.remove(ticket)


def test_codes_of_another_model_are_not_decoded(small: Engine) -> None:
    for codes in (random_codes(8, 20), random_codes(4, 20, 2048)):
        with pytest.raises(InvalidRequest):
            small.decode(codes)


def test_a_clip_that_is_removed_gives_its_memory_back(small: Engine) -> None:
    make(small, seconds=0.1)
    before = tensor_bytes()
    tickets = [small.add(GenerationRequest("lofi", 30.0, seed)) for seed in range(2)]
    small.step(2)
    two = tensor_bytes() - before
    small.remove(tickets[0])
    one = tensor_bytes() - before
    small.remove(tickets[1])
    small.remove(tickets[1])
    small.remove(12345)
    assert one < 0.6 * two
    assert tensor_bytes() - before < 0.01 * two
    assert not small.step(1).progress


@contextmanager
def no_memory_for(monkeypatch: pytest.MonkeyPatch, function: str) -> Iterator[None]:
    """Make PyTorch's allocator fail, for real, in the next call of one of PyTorch's functions."""
    with monkeypatch.context() as patch:

        def fail(*_: object, **__: object) -> None:
            patch.undo()
            torch.empty(1 << 60)

        patch.setattr(function, fail)
        yield


@pytest.mark.parametrize(
    ("function", "work"),
    [
        ("torch.zeros", lambda engine: engine.add(GenerationRequest("lofi", 0.5, 3))),
        ("torch.where", lambda engine: engine.step(5)),
    ],
    ids=["add", "step"],
)
def test_out_of_memory_is_told_and_leaves_the_engine_usable(
    small: Engine, monkeypatch: pytest.MonkeyPatch, function: str, work: Callable[[Engine], object]
) -> None:
    expected = make(small, "lofi", 0.5, 3).codes
    before = tensor_bytes()
    ticket = small.add(GenerationRequest("techno", 2.0, 1))
    with no_memory_for(monkeypatch, function), pytest.raises(OutOfMemory) as error:
        work(small)
    small.remove(ticket)
    # Even while the error is at hand, whose traceback could hold on to tensors.
    assert tensor_bytes() - before < 10_000
    assert "\n" not in str(error.value)
    np.testing.assert_array_equal(make(small, "lofi", 0.5, 3).codes, expected)


def test_out_of_memory_while_decoding_is_told(
    small: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.add(GenerationRequest("lofi", 0.5, 3))
    with no_memory_for(monkeypatch, "torch.nn.functional.conv1d"), pytest.raises(OutOfMemory):
        small.step(100)
    assert not small.step(100).progress
    assert make(small).codes.shape == (4, 50)


def test_generate_leaves_nothing_behind_when_a_request_is_refused(small: Engine) -> None:
    with pytest.raises(InvalidRequest):
        small.generate([GenerationRequest("lofi", 1.0, 1), GenerationRequest("lofi", 301.0)])
    assert not small.step(1).progress


@pytest.fixture(scope="module")
def slow(build: Build) -> Engine:
    """An engine of few frames a second, so that long clips are made soon."""
    return load_engine(str(build(RandomModelSizes(frame_rate=10))), "cpu", "fp32")


def test_a_long_clip_goes_on_from_the_last_seconds_of_its_window(slow: Engine) -> None:
    long = GenerationRequest("lofi", 50.0, top_k=1)
    first = GenerationRequest("lofi", 30.0, top_k=1)
    (clip,), (start,) = slow.generate([long]), slow.generate([first])
    assert clip.codes.shape[1] == 500
    np.testing.assert_array_equal(clip.codes[:, :300], start.codes)
    for moved in (180, 360):
        known = clip.codes[:, moved : min(moved + 120, 500 - 1)]
        rest = GenerationRequest(
            "lofi", min(30.0, (500 - moved) / 10), top_k=1, continue_from=known
        )
        (part,) = slow.generate([rest])
        np.testing.assert_array_equal(clip.codes[:, moved : moved + 300], part.codes)


def test_the_sound_of_a_long_clip_is_that_of_all_its_codes(slow: Engine) -> None:
    ticket = slow.add(GenerationRequest("lofi", 80.0, seed=3))
    frames = []
    while not (result := slow.step(100)).finished:
        frames.append(result.progress[ticket].frames)
    clip = result.finished[ticket]
    assert frames == sorted(frames)
    assert clip.samples.shape[1] == 80 * slow.sample_rate
    np.testing.assert_allclose(slow.decode(clip.codes), clip.samples, atol=1e-5)


def test_a_closed_engine_has_let_go_of_its_weights(random_checkpoint: Path) -> None:
    before = tensor_bytes()
    engine = load_engine(str(random_checkpoint), "cpu", "fp32")
    make(engine)
    assert tensor_bytes() > before
    engine.close()
    assert tensor_bytes() == before
