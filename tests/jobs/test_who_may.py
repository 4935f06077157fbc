"""Who is let in at all: by channel, role, word, and who is blocked."""

import pytest

from musicgen_bot.blocks import BlockKind, HostBlock
from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.job import PLAIN_MEMBER, Member
from tests.jobs.door import ADA, BEN, CHANNEL, ELSEWHERE, GUILD, Door, role


async def test_only_in_some_channels_and_their_threads(door: Door) -> None:
    await door.set(GuildSettings(channels=(5, CHANNEL)))
    await door.ask()
    await door.set(GuildSettings(channels=(5, 6, 7, 8)))
    with pytest.raises(LimitReached, match="please try <#5>, <#6>, <#7>"):
        await door.ask()
    await door.ask(member=Member(parent_id=8))
    with pytest.raises(LimitReached):
        await door.ask(member=Member(parent_id=9))
    await door.ask(guild_id=ELSEWHERE)


async def test_only_with_some_roles_unless_one_manages_the_server(door: Door) -> None:
    await door.set(GuildSettings(roles=(7, 8)))
    await door.ask(member=role(8, 9))
    await door.ask(member=Member(manages=True))
    for member in (PLAIN_MEMBER, role(9)):
        with pytest.raises(LimitReached, match="<@&7>, <@&8>"):
            await door.ask(member=member)


async def test_unwanted_words_are_refused_whoever_says_them(door: Door) -> None:
    await door.set(GuildSettings(unwanted_words=("kazoo",), unlimited_roles=(8,)))
    await door.ask(prompt="kazoos in a row")
    for member in (PLAIN_MEMBER, role(8), Member(manages=True)):
        with pytest.raises(InvalidRequest, match="does not want “kazoo”"):
            await door.ask(prompt="A KAZOO solo", member=member)
    await door.ask(prompt="a kazoo solo", guild_id=None)


async def test_a_blocked_member_is_refused_in_that_guild_until_unblocked(door: Door) -> None:
    assert await door.blocks.block(GUILD, ADA, 99, 0.0)
    assert not await door.blocks.block(GUILD, ADA, 99, 0.0)
    with pytest.raises(LimitReached, match="have blocked you"):
        await door.ask(member=Member(manages=True))
    await door.ask(guild_id=ELSEWHERE)
    await door.ask(user_id=BEN)
    assert await door.blocks.unblock(GUILD, ADA)
    assert not await door.blocks.unblock(GUILD, ADA)
    await door.ask()


async def test_whom_the_host_has_blocked_stays_out_everywhere(door: Door) -> None:
    blocks = door.host_blocks
    assert await blocks.block(HostBlock(BlockKind.USER, ADA, 1, 1.0))
    for guild_id in (GUILD, None):
        with pytest.raises(LimitReached, match="blocked you from using me"):
            await door.blocklist.check(guild_id, ADA)
    await door.blocklist.check(GUILD, ADA + 1)
    await door.blocklist.check(ADA, ADA + 1)  # an id is a user's or a guild's
    assert await blocks.block(HostBlock(BlockKind.GUILD, GUILD, 1, 2.0))
    assert not await blocks.block(HostBlock(BlockKind.GUILD, GUILD, 1, 3.0))
    with pytest.raises(LimitReached, match="blocked this server"):
        await door.blocklist.check(GUILD, ADA + 1)
    with pytest.raises(LimitReached, match="blocked you"):
        await door.blocklist.check(GUILD, ADA)
    assert [(block.kind, block.id) for block in await blocks.all()] == [
        (BlockKind.GUILD, GUILD),
        (BlockKind.USER, ADA),
    ]
    assert await blocks.unblock(BlockKind.USER, ADA)
    assert not await blocks.unblock(BlockKind.USER, ADA)
    await door.blocklist.check(None, ADA)


async def test_who_brings_the_bot_to_a_guild_is_under_the_hosts_limits_and_blocks_alone(
    door: Door,
) -> None:
    await door.set(
        GuildSettings(longest_clip_seconds=5, default_clip_seconds=2, unwanted_words=("rain",))
    )
    brings = Member(brought_bot=True)
    with pytest.raises(InvalidRequest, match="at most 5 seconds"):
        await door.ask(20)
    await door.ask(20, "rain", member=brings)
    with pytest.raises(InvalidRequest, match="at most 30 seconds"):
        await door.ask(31, member=brings)
    assert await door.admission.default_seconds(GUILD, brings) == 10
    assert await door.admission.longest_seconds(GUILD, brings) == 30
    assert await door.admission.allowance(GUILD, ADA, brings) is None
    assert await door.admission.allowance(None, ADA, PLAIN_MEMBER) is None
    await door.blocks.block(GUILD, ADA, BEN, door.now)
    with pytest.raises(LimitReached, match="moderators of this server have blocked you"):
        await door.ask(20, member=brings)
