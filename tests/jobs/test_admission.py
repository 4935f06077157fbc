"""A guild's settings decide who comes in, where, with what, and how often."""

import math

import pytest

from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.guild_settings import GuildSettings, Tier
from musicgen_bot.job import PLAIN_MEMBER
from musicgen_bot.jobs.admission import Waiting
from tests.jobs.door import ADA, BEN, ELSEWHERE, GUILD, HOST, Door, at, role


async def test_without_settings_only_the_hosts_limits_hold(door: Door) -> None:
    await door.ask(30)
    with pytest.raises(InvalidRequest, match="at most 30 seconds"):
        await door.ask(31)


async def test_a_guild_may_ask_for_shorter_clips_but_not_longer_ones(door: Door) -> None:
    await door.set(GuildSettings(longest_clip_seconds=20))
    await door.ask(20)
    with pytest.raises(InvalidRequest, match="at most 20 seconds"):
        await door.ask(20.5)
    await door.ask(30, guild_id=ELSEWHERE)
    await door.ask(30, guild_id=None)
    await door.set(GuildSettings(longest_clip_seconds=60))
    with pytest.raises(InvalidRequest, match="at most 30 seconds"):
        await door.ask(31)


@pytest.mark.parametrize("back", [0.05, 5, 3600, 86_400 * 400])
async def test_a_clock_that_was_set_back_starts_the_cooldown_anew_and_locks_nobody_out(
    door: Door, back: float
) -> None:
    await door.set(GuildSettings(cooldown_seconds=60))
    await door.made()
    door.now -= HOST.cooldown_seconds + back
    for _ in range(3):
        with pytest.raises(LimitReached, match=r"every 60 seconds; .* in 60 seconds"):
            await door.ask()
    door.now += 59
    with pytest.raises(LimitReached, match="in 1 second"):
        await door.ask()
    door.now += 1
    await door.ask()


async def test_a_guild_may_have_a_longer_cooldown_which_counts_its_own_clips(door: Door) -> None:
    await door.set(GuildSettings(cooldown_seconds=60))
    await door.made()
    with pytest.raises(LimitReached, match=r"every 60 seconds; .* in 50 seconds"):
        await door.ask()
    await door.ask(user_id=BEN)
    await door.ask(guild_id=ELSEWHERE)
    door.now += 49
    with pytest.raises(LimitReached, match="try again in 1 second"):
        await door.ask()
    door.now += 1
    await door.ask()
    await door.made(guild_id=ELSEWHERE)
    await door.ask()


async def test_a_guild_may_let_fewer_wait_and_counts_its_own(door: Door) -> None:
    await door.set(GuildSettings(waiting_per_user=1, waiting_per_server=2))
    mine, bens, elsewhere = (
        Waiting(door.address(*who), lambda: 40.0) for who in ((ADA,), (BEN,), (ADA, ELSEWHERE))
    )
    await door.ask(waiting=(elsewhere, elsewhere))
    with pytest.raises(LimitReached, match="already have 1 clip"):
        await door.ask(waiting=(mine,))
    await door.ask(waiting=(bens,))
    with pytest.raises(LimitReached, match="server already has 2 clips"):
        await door.ask(waiting=(bens, bens))
    with pytest.raises(LimitReached, match="already have 3 clips"):
        await door.ask(waiting=(elsewhere, elsewhere, elsewhere))


async def test_a_members_seconds_come_back_at_the_guilds_midnight(door: Door) -> None:
    await door.set(GuildSettings(seconds_a_day_per_user=25, time_zone="Asia/Kolkata"))
    door.now = at("2026-03-05 18:29:00")
    await door.made(10)
    await door.made(10)
    await door.ask(5)
    with pytest.raises(LimitReached, match=r"You have 5 of your 25 .* in 40 seconds"):
        await door.ask(6)
    await door.ask(6, user_id=BEN)
    await door.ask(6, guild_id=ELSEWHERE)
    await door.ask(6, guild_id=None)
    door.now = at("2026-03-05 18:29:59.9")
    with pytest.raises(LimitReached):
        await door.ask(6)
    door.now = at("2026-03-05 18:30")
    await door.ask(25)
    with pytest.raises(LimitReached):
        await door.ask(25.5)


async def test_a_guilds_seconds_are_shared(door: Door) -> None:
    await door.set(GuildSettings(seconds_a_day_per_server=30))
    await door.made(10)
    await door.made(15, user_id=BEN)
    await door.made(15, guild_id=ELSEWHERE)
    await door.ask(5)
    with pytest.raises(LimitReached, match="This server has 5 of its 30"):
        await door.ask(5.5)


async def test_a_new_time_zone_counts_the_same_jobs_by_its_own_day(door: Door) -> None:
    await door.set(GuildSettings(seconds_a_day_per_user=10))
    door.now = at("2026-03-05 22:00")
    await door.made(10)
    door.now = at("2026-03-05 23:30")
    with pytest.raises(LimitReached):
        await door.ask()
    await door.set(GuildSettings(seconds_a_day_per_user=10, time_zone="Europe/Berlin"))
    await door.ask()


async def test_roles_with_more_and_roles_free_of_limits(door: Door) -> None:
    await door.set(
        GuildSettings(
            seconds_a_day_per_user=10, role_seconds_a_day=(Tier(7, 20),), unlimited_roles=(8,)
        )
    )
    await door.made(10)
    with pytest.raises(LimitReached):
        await door.ask(10)
    await door.ask(10, member=role(7))
    with pytest.raises(LimitReached):
        await door.ask(11, member=role(7))
    await door.ask(30, member=role(8))
    with pytest.raises(InvalidRequest, match="at most 30"):
        await door.ask(31, member=role(8))


async def test_a_clip_is_as_long_as_the_guild_says_where_nobody_does(door: Door) -> None:
    assert await door.admission.default_seconds(GUILD, PLAIN_MEMBER) == 10
    for settings, seconds in (
        (GuildSettings(default_clip_seconds=20), 20),
        (GuildSettings(default_clip_seconds=20, longest_clip_seconds=15), 15),
        (GuildSettings(longest_clip_seconds=5), 5),
        (GuildSettings(default_clip_seconds=60), 30),
    ):
        await door.set(settings)
        assert await door.admission.default_seconds(GUILD, PLAIN_MEMBER) == seconds
    assert await door.admission.default_seconds(None, PLAIN_MEMBER) == 10


async def test_an_allowance_tells_what_was_spent_and_when_it_is_renewed(door: Door) -> None:
    await door.set(GuildSettings(seconds_a_day_per_user=60))
    await door.made(10)
    await door.made(20, user_id=BEN)
    own = await door.admission.allowance(GUILD, ADA, PLAIN_MEMBER)
    assert own is not None
    assert (own.user_limit, own.spent_by_user) == (60, 10)
    assert (own.guild_limit, own.spent_in_guild) == (math.inf, 30)
    assert own.renewed_at == at("2026-03-06 00:00")


async def test_a_guild_may_allow_fewer_variations(door: Door) -> None:
    await door.ask(variations=4)
    await door.set(GuildSettings(most_variations=2, unlimited_roles=(8,)))
    await door.ask(variations=2)
    with pytest.raises(InvalidRequest, match="at most 2 variations here; you asked for 3"):
        await door.ask(variations=3)
    await door.ask(variations=4, member=role(8))
    await door.ask(variations=4, guild_id=ELSEWHERE)
    await door.ask(variations=4, guild_id=None)
    await door.set(GuildSettings(most_variations=1))
    with pytest.raises(InvalidRequest, match="at most 1 variation here"):
        await door.ask(variations=2)


async def test_every_variation_spends_its_seconds(door: Door) -> None:
    await door.set(GuildSettings(seconds_a_day_per_user=60, seconds_a_day_per_server=70))
    await door.ask(15, variations=4)
    with pytest.raises(LimitReached, match="variations that add up to at most 60 seconds"):
        await door.ask(16, variations=4)
    await door.made(10, variations=4)
    own = await door.admission.allowance(GUILD, ADA, PLAIN_MEMBER)
    assert own is not None
    assert (own.spent_by_user, own.spent_in_guild) == (40, 40)
    await door.ask(10, variations=2)
    with pytest.raises(LimitReached, match="You have 20 of your 60"):
        await door.ask(10, variations=3)
    with pytest.raises(LimitReached, match="This server has 30 of its 70"):
        await door.ask(11, user_id=BEN, variations=3)


async def test_a_clip_that_was_deleted_stays_spent(door: Door) -> None:
    await door.set(GuildSettings(seconds_a_day_per_user=10))
    await door.made(10)
    await door.jobs.forget([1])
    with pytest.raises(LimitReached, match="used up your 10 seconds"):
        await door.ask()


async def test_the_longest_clip_and_most_variations_are_told_for_who_asks(door: Door) -> None:
    await door.set(GuildSettings(longest_clip_seconds=20, most_variations=2, unlimited_roles=(8,)))
    for guild_id, member, seconds, variations in (
        (GUILD, PLAIN_MEMBER, 20, 2),
        (GUILD, role(8), 30, math.inf),
        (ELSEWHERE, PLAIN_MEMBER, 30, math.inf),
        (None, PLAIN_MEMBER, 30, math.inf),
    ):
        assert await door.admission.longest_seconds(guild_id, member) == seconds
        assert await door.admission.most_variations(guild_id, member) == variations
