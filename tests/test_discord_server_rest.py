"""The simulated Discord's rules: permissions, limits, mentions, the OpenAPI document."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.http import Route

from tests.discord_server import DiscordServer
from tests.discord_server.bot import Bot, room
from tests.discord_server.mentions import Pings, find_pings
from tests.discord_server.places import Channel
from tests.discord_server.schema import OpenApi

NOBODY = discord.AllowedMentions.none()
needs_schema = pytest.mark.skipif(
    not OpenApi().available, reason="Discord's OpenAPI document is not on this machine"
)


def sound(size: int = 10) -> discord.File:
    return discord.File(io.BytesIO(bytes(size)), "clip.mp3")


@pytest.fixture
def channel(discord_server: DiscordServer) -> Channel:
    return room(discord_server, upload_limit=1000)[0]


@pytest.fixture
async def place(
    discord_server: DiscordServer, channel: Channel
) -> AsyncIterator[discord.PartialMessageable]:
    """The channel, as a bot that has logged in holds it."""
    async with Bot(allowed_mentions=None) as bot:
        await bot.login(discord_server.token)
        yield bot.get_partial_messageable(channel.id)


Act = Callable[[discord.PartialMessageable], Awaitable[Any]]


@pytest.mark.parametrize(
    ("forbidden", "act", "code"),
    [
        ("view_channel", lambda place: place.send("x"), 50001),
        ("send_messages", lambda place: place.send("x"), 50013),
        ("attach_files", lambda place: place.send(file=sound()), 50013),
        ("embed_links", lambda place: place.send(embed=discord.Embed(title="x")), 50013),
        ("read_message_history", lambda place: place.fetch_message(1), 50013),
    ],
)
async def test_what_the_bot_may_not_do_is_refused_until_it_may(
    place: discord.PartialMessageable, channel: Channel, forbidden: str, act: Act, code: int
) -> None:
    channel.forbid(forbidden)
    with pytest.raises(discord.Forbidden) as refused:
        await act(place)
    assert refused.value.code == code
    assert channel.messages == {}
    channel.allow(forbidden)
    await place.send("x", file=sound(), embed=discord.Embed(title="x"))


async def test_messages_are_found_next_to_others_by_who_may_read_them(
    place: discord.PartialMessageable, channel: Channel
) -> None:
    sent = [await place.send(f"{number}") for number in range(5)]

    async def found(**where: Any) -> list[str]:
        return [message.content async for message in place.history(**where)]

    assert await found(limit=2) == ["4", "3"]
    assert await found(after=sent[0], before=sent[4], limit=2) == ["1", "2"]
    assert await found(before=sent[2]) == ["1", "0"]
    channel.forbid("read_message_history")
    assert await found() == []


async def test_what_is_gone_is_unknown(
    place: discord.PartialMessageable, channel: Channel, discord_server: DiscordServer
) -> None:
    message = await place.send("x")
    discord_server.messages(channel)[0].delete()
    with pytest.raises(discord.NotFound) as refused:
        await message.edit(content="y")
    assert refused.value.code == 10008
    channel.delete()
    with pytest.raises(discord.NotFound) as refused:
        await place.send("x")
    assert refused.value.code == 10003


async def test_a_guild_the_bot_was_thrown_out_of_is_closed_to_it(
    place: discord.PartialMessageable, channel: Channel
) -> None:
    assert channel.guild is not None
    channel.guild.remove_bot()
    with pytest.raises(discord.Forbidden) as refused:
        await place.send("x")
    assert refused.value.code == 50001


async def test_a_thread_that_was_put_away_opens_for_a_message_unless_it_is_locked(
    channel: Channel, discord_server: DiscordServer
) -> None:
    assert channel.guild is not None
    thread = channel.guild.add_thread("tunes", channel)
    async with Bot(allowed_mentions=None) as bot:
        await bot.login(discord_server.token)
        place = bot.get_partial_messageable(thread.id)
        message = await place.send("x")
        thread.archive()
        with pytest.raises(discord.HTTPException) as refused:
            await message.edit(content="y")
        assert (refused.value.status, refused.value.code) == (400, 50083)
        await place.send("x")
        await message.edit(content="y")
        thread.archive(lock=True)
        with pytest.raises(discord.HTTPException) as refused:
            await place.send("x")
        assert refused.value.code == 50083


async def test_a_file_may_be_as_large_as_the_guild_allows_and_no_larger(
    place: discord.PartialMessageable, channel: Channel
) -> None:
    await place.send(file=sound(1000))
    with pytest.raises(discord.HTTPException) as refused:
        await place.send(file=sound(1001))
    assert (refused.value.status, refused.value.code) == (413, 40005)
    assert len(channel.messages) == 1


@pytest.mark.parametrize(
    ("content", "embeds", "code"),
    [
        (" ", [], 50006),
        ("x" * 2001, [], 50035),
        ("", [discord.Embed(description="x" * 3001)] * 2, 50035),
    ],
)
async def test_a_message_beyond_discords_limits_is_refused(
    place: discord.PartialMessageable,
    channel: Channel,
    content: str,
    embeds: list[discord.Embed],
    code: int,
) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await place.send(content, embeds=embeds)
    assert refused.value.code == code
    assert channel.messages == {}


async def test_the_same_nonce_makes_one_message(
    place: discord.PartialMessageable, channel: Channel
) -> None:
    first = await place.send("x", nonce="job-1")
    again = await place.send("x", nonce="job-1")
    other = await place.send("x", nonce="job-2")
    assert first.id == again.id != other.id
    assert len(channel.messages) == 2


async def test_a_reply_refers_to_its_message_and_pings_its_author_unless_told_not_to(
    place: discord.PartialMessageable, channel: Channel, discord_server: DiscordServer
) -> None:
    message = await place.send("x")
    await message.reply("loud")
    await message.reply("quiet", mention_author=False)
    original, loud, quiet = discord_server.messages(channel)
    assert (loud.reference, quiet.reference) == (original, original)
    assert loud.pinged == Pings(users=frozenset({discord_server.bot.id}))
    assert not quiet.pinged


async def test_nobody_is_pinged_where_no_mention_is_allowed(
    place: discord.PartialMessageable, channel: Channel, discord_server: DiscordServer
) -> None:
    assert channel.guild is not None
    ada = channel.guild.members[-1]
    text = f"@everyone {ada.mention}"
    message = await place.send(text, allowed_mentions=NOBODY)
    await message.edit(embed=discord.Embed(title=text))
    await place.send(text)
    silent, loud = discord_server.messages(channel)
    assert not silent.pinged
    assert loud.pinged == Pings(users=frozenset({ada.user.id}), everyone=True)


@pytest.mark.parametrize(
    ("allowed", "who"),
    [
        (None, {"ada", "role", "everyone"}),
        ({"parse": []}, set()),
        ({"parse": ["users"]}, {"ada"}),
        ({"parse": ["roles", "everyone"]}, {"role", "everyone"}),
        ({"parse": [], "users": ["ada"]}, {"ada"}),
        ({"parse": [], "roles": ["role"]}, {"role"}),
    ],
)
def test_mentions_ping_whom_they_are_allowed_to(
    allowed: dict[str, Any] | None, who: set[str]
) -> None:
    server = DiscordServer()
    channel, ada = room(server)
    role = ada.guild.add_role("role")
    ids = {"ada": ada.user.id, "role": role.id}
    if allowed is not None:
        allowed = allowed | {
            kind: [str(ids[name]) for name in allowed[kind]]
            for kind in ("users", "roles")
            if kind in allowed
        }
    pings = find_pings(f"@here {ada.mention} <@&{role.id}> <@123>", allowed, channel)
    assert pings.users == {ids["ada"]} & {ids.get(name) for name in who}
    assert pings.roles == {ids["role"]} & {ids.get(name) for name in who}
    assert pings.everyone == ("everyone" in who)


def test_everyone_is_not_pinged_by_a_bot_that_may_not() -> None:
    channel, ada = room(DiscordServer())
    role, other = ada.guild.add_role("a", mentionable=True), ada.guild.add_role("b")
    channel.forbid("mention_everyone")
    pings = find_pings(f"@everyone <@&{role.id}> <@&{other.id}>", None, channel)
    assert pings == Pings(roles=frozenset({role.id}))


@needs_schema
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/channels/{channel_id}/messages", {"content": 5}),
        ("POST", "/channels/{channel_id}/messages", {"embeds": [{"title": "x" * 257}]}),
        ("PATCH", "/channels/{channel_id}/messages", {"content": "x"}),
        ("POST", "/channels/{channel_id}/nothing", {}),
        ("PUT", "/applications/5/commands", [{"name": "x", "options": [{"type": 3}]}]),
    ],
)
async def test_a_request_that_breaks_the_openapi_document_is_refused_and_reported(
    discord_server: DiscordServer, channel: Channel, method: str, path: str, body: Any
) -> None:
    async with Bot() as bot:
        await bot.login(discord_server.token)
        assert discord_server.violations == []
        with pytest.raises(discord.HTTPException) as refused:
            await bot.http.request(Route(method, path, channel_id=channel.id), json=body)
    assert refused.value.code == 50035
    assert len(discord_server.violations) == 1
    discord_server.violations.clear()


@needs_schema
def test_snowflakes_may_be_integers_and_permissions_strings(openapi: OpenApi) -> None:
    attachments = [{"id": 0, "filename": "clip.mp3"}]
    path = "/channels/5/messages"
    assert (
        openapi.request_violation("POST", path, {"content": "x", "attachments": attachments})
        is None
    )
    for permissions in (8, "8"):
        command = {"name": "x", "description": "x", "default_member_permissions": permissions}
        assert openapi.request_violation("PUT", "/applications/5/commands", [command]) is None
    assert openapi.request_violation("PUT", "/applications/5/commands", [{"name": 5}]) is not None


async def test_without_the_document_requests_are_not_checked(
    discord_server: DiscordServer, place: discord.PartialMessageable
) -> None:
    absent = OpenApi(Path("/nowhere/openapi.json"))
    assert not absent.available
    assert absent.request_violation("POST", "/channels/5/messages", {"content": 5}) is None


async def test_a_route_this_server_does_not_have_is_reported(
    discord_server: DiscordServer,
) -> None:
    async with Bot() as bot:
        await bot.login(discord_server.token)
        with pytest.raises(discord.NotFound):
            await bot.http.request(Route("GET", "/sticker-packs"))
    assert "no such route" in discord_server.violations[0]
    discord_server.violations.clear()


async def test_guilds_channels_and_commands_are_fetched_one_by_one(
    discord_server: DiscordServer, channel: Channel
) -> None:
    assert channel.guild is not None
    async with Bot() as bot:
        await bot.login(discord_server.token)
        assert (await bot.fetch_guild(channel.guild.id)).name == "Cellar"
        assert (await bot.fetch_channel(channel.id)).id == channel.id
        (command,) = await bot.tree.fetch_commands()
        await command.edit(description="Changed")
        assert (await bot.tree.fetch_command(command.id)).description == "Changed"
        await command.delete()
        with pytest.raises(discord.NotFound) as refused:
            await bot.tree.fetch_command(command.id)
        assert refused.value.code == 10063
        for description in ("one", "two"):
            await bot.http.upsert_global_command(
                discord_server.bot.id,
                {"name": "x", "description": description, "type": 1},  # type: ignore[arg-type]
            )
        assert [known.description for known in await bot.tree.fetch_commands()] == ["two"]


async def test_requests_are_recorded_with_body_and_status(
    discord_server: DiscordServer, place: discord.PartialMessageable
) -> None:
    before = time.monotonic()
    await place.send("x")
    call = await discord_server.requested("POST", "/channels/*/messages")
    assert (call.body["content"], call.status) == ("x", 200)
    assert before <= call.time <= time.monotonic()
