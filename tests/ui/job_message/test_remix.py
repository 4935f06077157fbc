"""A form says by itself where it belongs, and what is filled in becomes a recipe."""

from dataclasses import replace

import numpy as np
import pytest

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import MAX_PROMPT_CHARACTERS, GenerationRequest
from musicgen_bot.job import Job, JobState, Order
from musicgen_bot.styles import STYLES, find_style
from musicgen_bot.translations import ENGLISH, Language
from musicgen_bot.ui.job_message.remix import remix_form, remixed
from tests.discord_server.components import check_form
from tests.jobs.hand_driven import address

JOB = Job(
    12,
    JobState.DELIVERED,
    GenerationRequest("x", 10.0, seed=7, temperature=0.9, top_k=5),
    address(),
    Order(2, seeds=(7, 8)),
)
ANSWERS = {"prompt": "y", "style": "", "seconds": "5", "seed": "8", "guidance": "4"}


async def test_a_form_of_the_longest_prompt_and_each_style_is_one_discord_takes() -> None:
    for style in STYLES:
        typed = "x" * (MAX_PROMPT_CHARACTERS - len(style.words) - 2)
        request = replace(JOB.request, prompt=f"{typed}, {style.words}")
        form = remix_form(
            Language(ENGLISH),
            replace(JOB, request=request, order=Order(1, style.name, typed, seeds=(7,))),
        )
        check_form(form.to_dict())
        assert form.custom_id == "remix:12"


NO_NUMBERS = ("", "much", "nan", "inf", "-inf", "1e400", "-0", "-1", "0x10", "1,2,3")


def test_what_the_form_does_not_ask_stays_as_it_was() -> None:
    request, order = remixed(JOB, ANSWERS)
    assert (request.prompt, request.seconds, request.seed, request.guidance) == ("y", 5.0, 8, 4.0)
    assert (request.temperature, request.top_k) == (0.9, 5)
    assert order == Order(2)


def test_a_style_may_replace_the_prompt() -> None:
    request, order = remixed(JOB, {**ANSWERS, "prompt": "", "style": "Trap"})
    assert request.prompt == find_style("Trap").words
    assert order == Order(2, "Trap", "")


def test_what_goes_on_from_a_file_needs_no_prompt_and_still_says_so() -> None:
    request = replace(JOB.request, continue_from=np.zeros((4, 50), np.int16))
    job = replace(JOB, request=request, order=Order(1, uploaded=True))
    request, order = remixed(job, {**ANSWERS, "prompt": "  "})
    assert (request.prompt, order) == ("", Order(1, uploaded=True))
    assert request.continue_from is not None
    with pytest.raises(InvalidRequest):
        remixed(JOB, {**ANSWERS, "prompt": "  "})


def test_wide_digits_are_digits() -> None:
    answers = {**ANSWERS, "seed": "１２", "seconds": "２．５", "guidance": "３"}
    request, _ = remixed(JOB, answers)
    assert (request.seed, request.seconds, request.guidance) == (12, 2.5, 3.0)


@pytest.mark.parametrize("seed", ["", "  "])
def test_without_a_seed_there_is_a_new_one(seed: str) -> None:
    assert remixed(JOB, {**ANSWERS, "seed": seed})[0].seed is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("seed", "1.5"), ("seed", "٣"), ("seed", "9" * 5000), ("seed", "-0"), ("seed", "1e9")),
        *((name, value) for name in ("seconds", "guidance") for value in NO_NUMBERS),
        *(("guidance", "1e30"), ("guidance", "10.5"), ("guidance", "0.5")),
    ],
)
def test_what_is_no_number_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest):
        remixed(JOB, {**ANSWERS, name: value})
