"""What can be asked for, and what is refused."""

import math

import pytest

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import (
    MAX_SEED,
    GenerationRequest,
    Progress,
    clean_prompt,
    is_foreign,
)


@pytest.mark.parametrize(
    ("typed", "prompt"),
    [
        ("lofi beat", "lofi beat"),
        ("  lofi\n\tbeat \r\n", "lofi beat"),
        ("a\x00b\x1b[31mc\x7f", "a b [31mc"),
        ("left\u202eright", "left right"),
        ("ピアノと雨", "ピアノと雨"),
        ("👨\u200d👩\u200d👧 song", "👨\u200d👩\u200d👧 song"),
        ("@everyone **bold** `code` {0} %s", "@everyone **bold** `code` {0} %s"),
    ],
)
def test_a_prompt_becomes_one_line(typed: str, prompt: str) -> None:
    assert clean_prompt(typed) == prompt


@pytest.mark.parametrize("typed", ["", "   ", "\n\t", "\u200d", "\x00"])
def test_an_empty_prompt_is_refused(typed: str) -> None:
    with pytest.raises(InvalidRequest, match="say what you would like to hear"):
        clean_prompt(typed)


@pytest.mark.parametrize(
    "prompt", ["ピアノと雨", "lofi с пианино", "موسيقى هادئة", "🎹🌧️", "👨\u200d👩\u200d👧", "!?"]
)
def test_a_prompt_that_the_model_cannot_read_is_foreign(prompt: str) -> None:
    assert is_foreign(prompt)


@pytest.mark.parametrize(
    "prompt", ["lofi beat 🎹", "café jazz", "120", "80's | synth @everyone {0}", "ｌｏｆｉ"]
)
def test_latin_letters_digits_and_signs_are_not_foreign(prompt: str) -> None:
    assert not is_foreign(prompt)


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, -math.inf])
def test_a_length_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidRequest, match="greater than 0"):
        GenerationRequest("x", seconds)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 10**30])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(InvalidRequest, match=str(MAX_SEED)):
        GenerationRequest("x", seed=seed)


def test_the_bounds_themselves_are_allowed() -> None:
    GenerationRequest("x" * 500, seed=0, guidance=1.0, top_k=1)
    GenerationRequest("", seed=MAX_SEED)


@pytest.mark.parametrize(
    "options",
    [{"guidance": 0.9}, {"guidance": math.nan}, {"temperature": 0.0}, {"top_k": 0}],
)
def test_sampling_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InvalidRequest):
        GenerationRequest("x", **options)  # type: ignore[arg-type]


def test_a_prompt_that_is_too_long_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidRequest, match="501 characters"):
        GenerationRequest("x" * 501)


def test_progress_is_a_share_of_the_whole() -> None:
    assert Progress(125, 500).fraction == 0.25
