"""A clip is the same whatever happens beside it, and however the work is cut."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen_bot.engine import Engine
from musicgen_bot.generation import Clip, Codes, GenerationRequest

KNOWN = np.random.default_rng(1).integers(256, size=(4, 15)).astype(np.int16)
REQUESTS = [
    GenerationRequest("lofi hip hop beat with warm piano", 3.0, 1),
    GenerationRequest("techno", 1.0, 2, guidance=1.0, top_k=20),
    GenerationRequest("", 2.5, 3, temperature=1.5),
    GenerationRequest("drum and bass", 1.3, 4, continue_from=KNOWN),
    GenerationRequest("solo cello, slow, sad, in a large church", 0.5, 5, guidance=5.0, top_k=1),
]


def alone(engine: Engine, request: GenerationRequest) -> Codes:
    (clip,) = engine.generate([request])
    return clip.codes


def finish(engine: Engine, count: int, frames: int = 20) -> dict[int, Clip]:
    clips: dict[int, Clip] = {}
    while len(clips) < count:
        clips.update(engine.step(frames).finished)
    return clips


def test_clips_made_together_are_those_made_alone(small: Engine) -> None:
    together = small.generate(REQUESTS)
    for request, clip in zip(REQUESTS, together, strict=True):
        np.testing.assert_array_equal(clip.codes, alone(small, request))


def test_clips_that_join_and_leave_at_any_time_are_those_made_alone(small: Engine) -> None:
    tickets = {}
    clips: dict[int, Clip] = {}
    for number, request in enumerate(REQUESTS):
        tickets[small.add(request)] = request
        leaving = small.add(GenerationRequest("leaves", 4.0, 100 + number))
        clips.update(small.step(7 + 5 * number).finished)
        small.remove(leaving)
        clips.update(small.step(3).finished)
    clips.update(finish(small, len(REQUESTS) - len(clips)))
    assert clips.keys() == tickets.keys()
    for ticket, request in tickets.items():
        np.testing.assert_array_equal(clips[ticket].codes, alone(small, request))


@pytest.mark.parametrize("frames", [1, 13, 10_000])
def test_the_size_of_slices_does_not_matter(small: Engine, frames: int) -> None:
    request = REQUESTS[0]
    ticket = small.add(request)
    clip = finish(small, 1, frames)[ticket]
    np.testing.assert_array_equal(clip.codes, alone(small, request))


def test_seed_and_prompt_make_the_difference(small: Engine) -> None:
    request = GenerationRequest("lofi", 1.0, 1)
    others = [GenerationRequest("lofi", 1.0, 2), GenerationRequest("techno", 1.0, 1)]
    np.testing.assert_array_equal(alone(small, request), alone(small, request))
    for other in others:
        assert (alone(small, request) != alone(small, other)).mean() > 0.5


def test_one_finished_clip_is_decoded_a_call_while_the_others_wait(small: Engine) -> None:
    tickets = [small.add(GenerationRequest("lofi", 0.5, seed)) for seed in range(3)]
    first = small.step(1000)
    assert list(first.finished) == tickets[:1]
    assert {ticket: p.fraction for ticket, p in first.progress.items()} == dict.fromkeys(
        tickets[1:], 1.0
    )
    second = small.step(1000)
    assert list(second.finished) == tickets[1:2]
    small.remove(tickets[2])
    third = small.step(1000)
    assert not third.finished
    assert not third.progress


def test_progress_counts_complete_frames(small: Engine) -> None:
    ticket = small.add(GenerationRequest("lofi", 1.0, 1))
    counts = []
    while not (result := small.step(10)).finished:
        counts.append(result.progress[ticket].frames)
        assert result.progress[ticket].total == 50
    assert counts == [7, 17, 27, 37, 47]


def test_a_call_ends_when_its_time_is_up_and_the_clip_is_the_same(small: Engine) -> None:
    request = GenerationRequest("lofi", 4.0, 1)
    expected = alone(small, request)
    ticket = small.add(request)
    calls = 1
    while not (result := small.step(1000, seconds=0)).finished:
        calls += 1
    assert calls > 4
    np.testing.assert_array_equal(result.finished[ticket].codes, expected)
