"""Each limit has two sides, and the answer that refuses says which it is and until when."""

import math
from dataclasses import replace

import pytest

from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.jobs.limits import NO_LIMITS, Limits, Usage, admit, in_words
from tests.jobs.hand_driven import request

LIMITS = Limits(clip_seconds=30, cooldown_seconds=10, waiting_per_user=3, waiting_per_guild=20)
NONE_YET = Usage(0, 0, math.inf, None)


@pytest.mark.parametrize("seconds", [1.0, 10.0, 30.0])
def test_a_length_within_the_limit_is_admitted(seconds: float) -> None:
    admit(request(seconds=seconds), LIMITS, NONE_YET)


@pytest.mark.parametrize("seconds", [30.01, 1e9])
def test_a_length_beyond_the_limit_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidRequest, match="at most 30 seconds long here"):
        admit(request(seconds=seconds), LIMITS, NONE_YET)


@pytest.mark.parametrize("limits", [LIMITS, NO_LIMITS])
@pytest.mark.parametrize("seconds", [0.1, 0.99])
def test_a_length_too_short_to_be_music_is_refused(seconds: float, limits: Limits) -> None:
    with pytest.raises(InvalidRequest, match=f"at least 1 second long; you asked for {seconds}"):
        admit(request(seconds=seconds), limits, NONE_YET)


def test_the_cooldown_ends_when_it_says() -> None:
    admit(request(), LIMITS, replace(NONE_YET, seconds_since_last=10.0))
    with pytest.raises(LimitReached, match=r"One clip every 10 seconds .* try again in 7 seconds"):
        admit(request(), LIMITS, replace(NONE_YET, seconds_since_last=3.2))
    admit(request(), replace(LIMITS, cooldown_seconds=0), replace(NONE_YET, seconds_since_last=0.0))


def test_a_person_may_have_so_many_waiting_and_no_more() -> None:
    admit(request(), LIMITS, replace(NONE_YET, waiting_of_user=2))
    with pytest.raises(LimitReached, match=r"You already have 3 clips .* in about 40 seconds"):
        admit(request(), LIMITS, replace(NONE_YET, waiting_of_user=3, seconds_until_room=39.5))


def test_a_guild_may_have_so_many_waiting_and_no_more() -> None:
    admit(request(), LIMITS, replace(NONE_YET, waiting_in_guild=19))
    with pytest.raises(LimitReached, match=r"server already has 20 clips .* of them starts\."):
        admit(request(), LIMITS, replace(NONE_YET, waiting_in_guild=20))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.1, "1 second"),
        (1.2, "2 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (3599, "60 minutes"),
        (7200, "2 hours"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
