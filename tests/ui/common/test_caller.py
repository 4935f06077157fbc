"""Who acts is described once: by discord.py's own interactions, from each kind of place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import discord
import pytest
from discord.app_commands import AppCommandContext, AppInstallationType

from musicgen_bot.errors import LimitReached
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import PLAIN, PLAIN_MEMBER, Address, Job, JobState, Member, Submission
from musicgen_bot.ui.common.caller import Caller
from tests.discord_server import DiscordServer, people
from tests.discord_server.bot import Bot
from tests.discord_server.people import everyone
from tests.discord_server.places import Channel

PRIVATE_THREAD = 12
Person = people.Member | people.User
Act = Callable[[Person, Channel], Awaitable[Caller]]


@asynccontextmanager
async def callers(server: DiscordServer) -> AsyncIterator[Act]:
    """Give a way to let people act, which returns what the bot then knows of them."""

    async def play(interaction: discord.Interaction, prompt: str) -> Caller:
        await interaction.response.send_message("done")
        return Caller.of(interaction)

    bot = Bot(play)
    bot.play.allowed_installs = AppInstallationType(guild=True, user=True)
    bot.play.allowed_contexts = AppCommandContext(guild=True, dm_channel=True, private_channel=True)
    async with bot.running(server):

        async def act(person: Person, place: Channel) -> Caller:
            await server.command(person, place, "play")
            caller: Caller = await bot.outcome()
            return caller

        yield act


def with_rights(*names: str) -> discord.Permissions:
    return everyone() | discord.Permissions(**dict.fromkeys(names, True))


def job_at(address: Address) -> Job:
    return Job(1, JobState.DELIVERED, GenerationRequest("x", 1.0, seed=1), address)


async def test_in_a_server_its_settings_look_at_roles_and_permissions(
    discord_server: DiscordServer,
) -> None:
    guild = discord_server.add_guild(locale="de")
    channel, role = guild.add_channel("music"), guild.add_role("dj")
    ada, grace = guild.add_member("ada"), guild.add_member("grace", permissions=with_rights())
    ada.roles.append(role)
    grace.permissions = with_rights("manage_guild")
    async with callers(discord_server) as act:
        caller, admin = await act(ada, channel), await act(grace, channel)
    assert (caller.user_id, caller.guild_id) == (ada.user.id, guild.id)
    assert (caller.channel_id, caller.bot_is_member) == (channel.id, True)
    assert caller.member == Member(role_ids=frozenset({guild.id, role.id}))
    assert admin.member == Member(role_ids=frozenset({guild.id}), manages=True)
    request = GenerationRequest("x", 1.0)
    address = caller.address()
    assert caller.submission(request, PLAIN) == Submission(request, address, PLAIN, caller.member)
    assert replace(address, token="", created_at=0.0, interaction_id=None) == Address(
        ada.user.id, guild.id, channel.id, None, "", 0.0, locale="de"
    )
    assert address.token
    assert address.token not in repr(caller)


async def test_a_thread_belongs_to_its_channel_and_a_private_one_not_for_all_to_read(
    discord_server: DiscordServer,
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    thread, private = guild.add_thread("tunes", channel), guild.add_thread("secret", channel)
    private.kind = PRIVATE_THREAD
    async with callers(discord_server) as act:
        for place, parent_id in ((channel, None), (thread, channel.id), (private, None)):
            assert (await act(ada, place)).address().parent_id == parent_id
        assert (await act(ada, private)).member.parent_id == channel.id


async def test_in_direct_messages_there_is_only_the_person(discord_server: DiscordServer) -> None:
    ada = discord_server.add_guild().add_member("ada")
    direct = discord_server.direct_channel(ada.user)
    async with callers(discord_server) as act:
        caller = await act(ada.user, direct)
    assert (caller.guild_id, caller.bot_is_member) == (None, False)
    assert caller.member == PLAIN_MEMBER
    assert set(caller.viewer().channels) == {direct.id}
    elsewhere = replace(caller.address(), user_id=1, channel_id=2)
    assert not caller.may_see(job_at(elsewhere))
    assert not caller.moderates(job_at(caller.address()))
    caller.require_bot_permissions()
    with pytest.raises(LimitReached, match="only in a server"):
        caller.require_permission("manage_guild")


async def test_where_the_bot_is_not_it_is_brought_and_knows_one_channel(
    discord_server: DiscordServer,
) -> None:
    guild = discord_server.add_guild(with_bot=False)
    channel, other = guild.add_channel("music"), guild.add_channel("talk")
    mia = guild.add_member("mia", permissions=with_rights("manage_messages", "use_external_apps"))
    mia.user.has_app = True
    async with callers(discord_server) as act:
        caller = await act(mia, channel)
    assert not caller.bot_is_member
    assert caller.member == Member(brought_bot=True)
    assert set(caller.viewer().channels) == {channel.id}
    caller.require_bot_permissions()  # the interaction's token needs none
    of_another = replace(caller.address(), user_id=1)
    assert caller.moderates(job_at(of_another))
    assert not caller.moderates(job_at(replace(of_another, channel_id=other.id)))


async def test_people_see_what_they_can_read_and_end_what_is_theirs_or_they_moderate(
    discord_server: DiscordServer,
) -> None:
    guild, elsewhere = discord_server.add_guild(), discord_server.add_guild("Elsewhere")
    channel, other, secret = (guild.add_channel(name) for name in ("music", "talk", "secret"))
    ada, ben = guild.add_member("ada"), guild.add_member("ben")
    mia, role = guild.add_member("mia"), guild.add_role("moderator")
    role.permissions = mia.permissions = with_rights("manage_messages")
    mia.roles.append(role)
    for person in (ben, mia):
        secret.hide_from(person)
    async with callers(discord_server) as act:
        theirs = (await act(ada, channel)).address()
        member, moderator = await act(ben, channel), await act(mia, channel)
        for address, readable in (
            (theirs, True),
            (replace(theirs, channel_id=other.id), True),
            (replace(theirs, channel_id=77, parent_id=other.id), True),
            (replace(theirs, channel_id=secret.id), False),
            (replace(theirs, channel_id=78, parent_id=secret.id), False),
            (replace(theirs, guild_id=elsewhere.id), False),
        ):
            job = job_at(address)
            assert member.may_see(job) is moderator.may_see(job) is readable
            assert moderator.may_end(job) is moderator.moderates(job) is readable
            assert not member.may_end(job)
            assert not member.owns(job)
            own = job_at(replace(address, user_id=ben.user.id))
            assert member.may_see(own)
            assert member.owns(own)
            assert member.may_end(own)
            assert not member.moderates(own)


async def test_what_takes_a_permission_names_it(discord_server: DiscordServer) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    grace = guild.add_member("grace", permissions=with_rights("manage_guild"))
    async with callers(discord_server) as act:
        member, admin = await act(ada, channel), await act(grace, channel)
    assert admin.require_permission("manage_guild") == guild.id
    for caller, name, label in (
        (member, "manage_guild", "Manage Server"),
        (admin, "moderate_members", "Timeout Members"),
    ):
        with pytest.raises(LimitReached, match=label):
            caller.require_permission(name)


async def test_the_host_is_asked_for_at_each_call(discord_server: DiscordServer) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("desk"), guild.add_member("ada")
    host = guild.add_member(discord_server.world.owner)
    async with callers(discord_server) as act:
        caller, other = await act(host, channel), await act(ada, channel)
        await caller.require_host(guild.id)
        with pytest.raises(LimitReached, match="Only the host"):
            await other.require_host(guild.id)
        with pytest.raises(LimitReached, match="do not work here"):
            await caller.require_host(None)
        discord_server.world.owner = ada.user
        await other.require_host(guild.id)
        with pytest.raises(LimitReached, match="Only the host"):
            await caller.require_host(guild.id)


async def test_what_the_bot_may_not_do_here_is_named(discord_server: DiscordServer) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    thread = guild.add_thread("tunes", channel)
    channel.forbid("send_messages", "attach_files")
    thread.forbid("send_messages_in_threads")
    async with callers(discord_server) as act:
        for place, named in (
            (channel, "Send Messages, Attach Files"),
            (thread, "Send Messages in Threads, Attach Files"),
        ):
            with pytest.raises(LimitReached, match=rf"in this channel: {named}\.$"):
                (await act(ada, place)).require_bot_permissions()
        channel.allow("send_messages", "attach_files")
        (await act(ada, channel)).require_bot_permissions()
