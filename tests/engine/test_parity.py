"""In fp32 the engine makes what transformers makes, code by code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from musicgen_bot.engine import Engine, load_engine
from musicgen_bot.engine.random_model import RandomModelSizes
from musicgen_bot.generation import Clip, GenerationRequest
from tests.engine.conftest import Build
from tests.engine.reference import Reference

FRAMES = 60
MONO = RandomModelSizes()
OTHER_HEADS = RandomModelSizes(layers=3, hidden=96, heads=3, text_hidden=96, vocabulary=128)
STEREO = RandomModelSizes(codebooks=8, channels=2)
ALL_SIZES = pytest.mark.parametrize(
    "sizes", [MONO, OTHER_HEADS, STEREO], ids=["mono", "other-heads", "stereo"]
)
PROMPTS = ["lofi beat", "a very long prompt: dark ambient drones, no drums, 60 bpm", "x"]


def load(build: Build, sizes: RandomModelSizes) -> tuple[Engine, Reference]:
    folder = build(sizes)
    return load_engine(str(folder), "cpu", "fp32"), Reference(folder)


def greedy(engine: Engine, prompts: Sequence[str], guidance: float = 3.0) -> list[Clip]:
    seconds = FRAMES / engine.frame_rate
    return engine.generate(
        [GenerationRequest(prompt, seconds, guidance=guidance, top_k=1) for prompt in prompts]
    )


def assert_same(clips: Sequence[Clip], codes: Sequence[object]) -> None:
    for clip, expected in zip(clips, codes, strict=True):
        np.testing.assert_array_equal(clip.codes, expected)


@ALL_SIZES
def test_greedy_codes_are_those_of_transformers(build: Build, sizes: RandomModelSizes) -> None:
    engine, reference = load(build, sizes)
    codes, _ = reference.greedy(reference.inputs(["lofi beat"]), FRAMES)
    assert_same(greedy(engine, ["lofi beat"]), codes)


@ALL_SIZES
def test_a_batch_of_unequal_prompts_is_that_of_transformers(
    build: Build, sizes: RandomModelSizes
) -> None:
    engine, reference = load(build, sizes)
    codes, _ = reference.greedy(reference.inputs(PROMPTS), FRAMES)
    assert_same(greedy(engine, PROMPTS), codes)


@ALL_SIZES
def test_an_empty_prompt_is_unconditional_generation(build: Build, sizes: RandomModelSizes) -> None:
    engine, reference = load(build, sizes)
    codes, _ = reference.greedy(vars(reference.model.get_unconditional_inputs()), FRAMES, None, 1.0)
    assert_same(greedy(engine, [""]), codes)


def test_guidance_does_not_change_unconditional_generation(build: Build) -> None:
    engine, reference = load(build, MONO)
    inputs = reference.inputs([""])
    inputs["attention_mask"] = inputs["attention_mask"] * 0
    codes, _ = reference.greedy(inputs, FRAMES, guidance=3.0)
    assert_same(greedy(engine, [""]), codes)


def test_without_guidance_the_codes_are_those_of_transformers(build: Build) -> None:
    engine, reference = load(build, MONO)
    codes, _ = reference.greedy(reference.inputs(["lofi beat"]), FRAMES, guidance=1.0)
    assert_same(greedy(engine, ["lofi beat"], guidance=1.0), codes)


@ALL_SIZES
def test_the_sound_is_that_of_transformers(build: Build, sizes: RandomModelSizes) -> None:
    engine, reference = load(build, sizes)
    _, sounds = reference.greedy(reference.inputs(PROMPTS), FRAMES)
    for clip, sound in zip(greedy(engine, PROMPTS), sounds, strict=True):
        assert clip.samples.shape == sound.shape == (engine.channels, FRAMES * 640)
        np.testing.assert_allclose(clip.samples, sound, atol=1e-5)


@ALL_SIZES
def test_a_continuation_is_that_of_transformers(build: Build, sizes: RandomModelSizes) -> None:
    engine, reference = load(build, sizes)
    shape = (sizes.codebooks, 20)
    known = np.random.default_rng(0).integers(sizes.vocabulary, size=shape).astype(np.int16)
    codes, _ = reference.greedy(reference.inputs(["lofi beat"]), FRAMES, known)
    request = GenerationRequest("lofi beat", FRAMES / 50, top_k=1, continue_from=known)
    (clip,) = engine.generate([request])
    np.testing.assert_array_equal(clip.codes[:, :20], known)
    assert_same([clip], codes)
