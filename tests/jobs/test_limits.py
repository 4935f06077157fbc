"""Each limit has two sides, and the answer that refuses says which it is and until when."""

import math
from dataclasses import replace

import pytest

from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.guild_settings import GuildSettings, Tier
from musicgen_bot.job import Member
from musicgen_bot.jobs.limits import NO_LIMITS, Limits, Usage, admit, guild_limits, in_words
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
    with pytest.raises(LimitReached, match=r"one clip every 10 seconds; try again in 7 seconds"):
        admit(request(), LIMITS, replace(NONE_YET, seconds_since_last=3.2))
    admit(request(), replace(LIMITS, cooldown_seconds=0), replace(NONE_YET, seconds_since_last=0.0))


def test_a_person_may_have_so_many_waiting_and_no_more() -> None:
    admit(request(), LIMITS, replace(NONE_YET, waiting_of_user=2))
    with pytest.raises(LimitReached, match=r"You already have 3 clips .* in about 40 seconds"):
        admit(request(), LIMITS, replace(NONE_YET, waiting_of_user=3, seconds_until_room=39.5))


def test_a_guild_may_have_so_many_waiting_and_no_more() -> None:
    admit(request(), LIMITS, replace(NONE_YET, waiting_in_guild=19))
    with pytest.raises(LimitReached, match=r"server already has 20 clips .* next one starts\."):
        admit(request(), LIMITS, replace(NONE_YET, waiting_in_guild=20))


def test_a_person_may_have_so_many_seconds_a_day_and_no_more() -> None:
    limits = replace(LIMITS, user_seconds_a_day=60)
    until = replace(NONE_YET, seconds_until_tomorrow=7200)
    admit(request(seconds=10), limits, replace(until, spent_by_user=50))
    with pytest.raises(LimitReached, match=r"You have 9 of your 60 .* at most 9 .* in 2 hours"):
        admit(request(seconds=10), limits, replace(until, spent_by_user=50.5))
    admit(request(seconds=9), limits, replace(until, spent_by_user=50.5))
    with pytest.raises(LimitReached, match=r"You have used up your 60 .* again in 2 hours"):
        admit(request(seconds=10), limits, replace(until, spent_by_user=59.5))


def test_a_guild_may_have_so_many_seconds_a_day_and_no_more() -> None:
    limits = replace(LIMITS, guild_seconds_a_day=600)
    until = replace(NONE_YET, seconds_until_tomorrow=7200)
    admit(request(seconds=10), limits, replace(until, spent_in_guild=590))
    with pytest.raises(LimitReached, match=r"This server has 9 of its 600 .* at most 9 seconds"):
        admit(request(seconds=10), limits, replace(until, spent_in_guild=591))
    with pytest.raises(LimitReached, match=r"This server has used up its 600 seconds"):
        admit(request(seconds=10), limits, replace(until, spent_in_guild=600))


def test_what_a_guild_has_not_set_is_no_limit() -> None:
    assert guild_limits(GuildSettings(), Member()) == NO_LIMITS


def test_a_role_with_more_raises_the_seconds_a_day_and_never_lowers_them() -> None:
    settings = GuildSettings(
        seconds_a_day_per_user=60, role_seconds_a_day=(Tier(7, 600), Tier(8, 300), Tier(9, 30))
    )
    for roles, seconds in (((), 60), ((7,), 600), ((8, 7), 600), ((8,), 300), ((9,), 60)):
        limits = guild_limits(settings, Member(role_ids=frozenset(roles)))
        assert limits.user_seconds_a_day == seconds


def test_a_role_with_more_means_nothing_where_nobody_is_limited() -> None:
    settings = GuildSettings(role_seconds_a_day=(Tier(7, 600),))
    limits = guild_limits(settings, Member(role_ids=frozenset({7})))
    assert limits.user_seconds_a_day == math.inf


def test_a_role_may_be_free_of_the_guilds_limits() -> None:
    settings = GuildSettings(
        longest_clip_seconds=5,
        cooldown_seconds=60,
        waiting_per_user=1,
        waiting_per_server=2,
        seconds_a_day_per_user=60,
        seconds_a_day_per_server=600,
        unlimited_roles=(7,),
    )
    assert guild_limits(settings, Member(role_ids=frozenset({7}))) == NO_LIMITS
    assert guild_limits(settings, Member(role_ids=frozenset({8}))) == Limits(5, 60, 1, 2, 60, 600)


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
    assert str(in_words(seconds)) == words


def test_what_a_clip_goes_on_from_is_not_spent_again() -> None:
    limits = replace(LIMITS, user_seconds_a_day=60)
    spent = replace(NONE_YET, spent_by_user=50, seconds_until_tomorrow=7200)
    admit(request(seconds=30), limits, spent, given_seconds=20)
    with pytest.raises(LimitReached, match=r"ask for an extension of at most 10 seconds"):
        admit(request(seconds=30), limits, spent, given_seconds=19)


def test_the_last_second_of_a_day_may_be_spent_on_what_goes_on_from_an_odd_length() -> None:
    whole = 1.16 + 1.0
    assert whole - 1.16 > 1.0  # as floating-point numbers have it
    limits = replace(LIMITS, user_seconds_a_day=60)
    admit(request(seconds=whole), limits, replace(NONE_YET, spent_by_user=59), given_seconds=1.16)
