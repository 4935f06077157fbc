"""Sound is the same whatever is decoded beside it, and however the work is cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import MusicgenForConditionalGeneration

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.codec import MOST_FRAMES, WINDOW, Codec, Feed, SoundStream
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.engine.random_model import RandomModelSizes
from musicgen_bot.generation import Clip, GenerationRequest
from tests.engine.conftest import Build

FEW_FRAMES_A_SECOND = RandomModelSizes(frame_rate=10)
"""So that long clips are made soon."""
SIZES = pytest.mark.parametrize(
    ("sizes", "channels"),
    [(RandomModelSizes(), 1), (RandomModelSizes(codebooks=8, channels=2), 2)],
    ids=["mono", "stereo"],
)


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def codec(build: Build, sizes: RandomModelSizes, channels: int = 1) -> Codec:
    with quiet_transformers():
        load: Any = MusicgenForConditionalGeneration.from_pretrained
        model = load(build(sizes)).eval()
    return Codec(model.audio_encoder, channels, torch.device("cpu"))


def random_codes(frames: int, codebooks: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(frames)
    return torch.randint(256, (codebooks, frames), generator=generator)


def assert_same_sound(found: Tensor, expected: Tensor) -> None:
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@SIZES
def test_clips_decoded_together_sound_as_each_alone(
    build: Build, sizes: RandomModelSizes, channels: int
) -> None:
    found = codec(build, sizes, channels)
    clips = [random_codes(frames, sizes.codebooks) for frames in (1, 3, 130, 430, 131)]
    streams = [SoundStream(found) for _ in clips]
    while any(stream.frames < codes.shape[1] for stream, codes in zip(streams, clips, strict=True)):
        pairs = zip(streams, clips, strict=True)
        found.advance([Feed(stream, codes, complete=True) for stream, codes in pairs])
        for stream in streams:
            stream.upsample()
    for stream, codes in zip(streams, clips, strict=True):
        assert_same_sound(stream.sound(), found.decode(codes))


@pytest.mark.parametrize("step", [1, 7, 150])
def test_clips_that_begin_at_different_times_sound_as_each_alone(build: Build, step: int) -> None:
    found = codec(build, RandomModelSizes())
    early, late = SoundStream(found), SoundStream(found)
    codes = random_codes(170)
    for end in range(step, 170 + 60 + step, step):
        feeds = [Feed(early, codes[:, :end], complete=end >= 170)]
        if end > 60:
            feeds.append(Feed(late, codes[:, : end - 60], complete=end - 60 >= 170))
        found.advance(feeds)
        early.upsample()
        late.upsample()
    expected = found.decode(codes)
    assert_same_sound(early.sound(), expected)
    assert_same_sound(late.sound(), expected)


def test_what_is_done_at_once_is_bounded(build: Build) -> None:
    found = codec(build, RandomModelSizes())
    codes = random_codes(600)
    alone = SoundStream(found)
    found.advance([Feed(alone, codes, complete=True)])
    assert alone.passed == MOST_FRAMES
    found.advance([Feed(alone, codes, complete=True)])
    alone.upsample()
    assert alone.frames == MOST_FRAMES
    streams = [SoundStream(found) for _ in range(20)]
    found.advance([Feed(stream, codes, complete=True) for stream in streams])
    assert {stream.passed for stream in streams} == {WINDOW // 2}


def test_there_may_be_nothing_to_do(build: Build) -> None:
    found = codec(build, RandomModelSizes())
    stream = SoundStream(found)
    found.advance([Feed(stream, random_codes(2), complete=False)])
    stream.upsample()
    assert (stream.passed, stream.ready, stream.frames) == (0, 0, 0)


def test_a_clip_that_is_cancelled_leaves_the_sound_of_the_others_as_it_was(build: Build) -> None:
    engine = load_engine(str(build(FEW_FRAMES_A_SECOND)), "cpu", "fp32")
    tickets = [
        engine.add(GenerationRequest("lofi", seconds, seed))
        for seed, seconds in enumerate((25.0, 12.0, 21.0))
    ]
    assert not engine.step(110).finished
    engine.remove(tickets.pop(0))
    tickets.append(engine.add(GenerationRequest("techno", 15.0, 3)))
    clips: dict[int, Clip] = {}
    while len(clips) < len(tickets):
        clips.update(engine.step(20).finished)
    assert clips.keys() == set(tickets)
    for clip in clips.values():
        np.testing.assert_allclose(engine.decode(clip.codes), clip.samples, atol=1e-5)
