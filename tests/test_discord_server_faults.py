"""Faults of the simulated Discord, and what the real discord.py makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest

from tests.discord_server import DiscordServer
from tests.discord_server.bot import Bot, room
from tests.discord_server.errors import Problem
from tests.discord_server.places import Channel

POST = ("POST", "/channels/*/messages")
CALLBACK = ("POST", "/interactions/*/callback")


@pytest.fixture
def channel(discord_server: DiscordServer) -> Channel:
    return room(discord_server)[0]


@pytest.fixture
async def place(
    discord_server: DiscordServer, channel: Channel
) -> AsyncIterator[discord.PartialMessageable]:
    """The channel, as a bot that has logged in holds it."""
    async with Bot() as bot:
        await bot.login(discord_server.token)
        yield bot.get_partial_messageable(channel.id)


def statuses(server: DiscordServer) -> list[int | None]:
    return [call.status for call in server.requests if call.matches(*POST)]


async def test_a_refusal_is_discords_own_and_strikes_the_bodies_that_it_is_for(
    discord_server: DiscordServer, place: discord.PartialMessageable, channel: Channel
) -> None:
    discord_server.faults.refuse(
        *POST, Problem.INVALID_BODY, where=lambda body: body["content"] == "y"
    )
    await place.send("x")
    with pytest.raises(discord.HTTPException) as refused:
        await place.send("y")
    assert refused.value.code == 50035
    await place.send("y")
    assert statuses(discord_server) == [200, 400, 200]


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_rate_limited_request_is_carried_out_when_it_is_tried_again(
    discord_server: DiscordServer,
    place: discord.PartialMessageable,
    channel: Channel,
    everywhere: bool,
) -> None:
    discord_server.faults.rate_limit(*POST, everywhere=everywhere, times=2)
    await place.send("x")
    assert statuses(discord_server) == [429, 429, 200]
    assert len(channel.messages) == 1


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_rate_limit_says_how_long_and_for_what_it_holds(
    discord_server: DiscordServer, channel: Channel, everywhere: bool
) -> None:
    discord_server.faults.rate_limit(*POST, retry_after=2.5, everywhere=everywhere)
    url = f"{discord_server.url}/api/v10/channels/{channel.id}/messages"
    async with aiohttp.ClientSession() as session, session.post(url, json={}) as answer:
        body = await answer.json()
    assert answer.status == 429
    assert (body["retry_after"], body["global"]) == (2.5, everywhere)
    assert answer.headers["X-RateLimit-Reset-After"] == "2.5"
    assert ("X-RateLimit-Global" in answer.headers) == everywhere


async def test_an_interaction_is_answered_after_a_rate_limit(
    discord_server: DiscordServer,
) -> None:
    discord_server.faults.rate_limit(*CALLBACK)
    channel, ada = room(discord_server)
    async with Bot().running(discord_server):
        interaction = await discord_server.command(ada, channel, "play", prompt="x")
        assert (await interaction.message()).content == "done: x"


async def test_a_failed_request_is_carried_out_when_it_is_tried_again(
    discord_server: DiscordServer, place: discord.PartialMessageable, channel: Channel
) -> None:
    discord_server.faults.fail(*POST, status=500)
    await place.send("x")
    assert statuses(discord_server) == [500, 200]
    assert len(channel.messages) == 1


async def test_a_message_that_fails_after_it_was_posted_is_not_posted_twice(
    discord_server: DiscordServer, place: discord.PartialMessageable, channel: Channel
) -> None:
    discord_server.faults.fail(*POST, after=True)
    await place.send("x")  # discord.py gives it a nonce by itself
    assert statuses(discord_server) == [502, 200]
    assert len(channel.messages) == 1


async def test_a_follow_up_that_fails_after_it_was_posted_is_posted_twice(
    discord_server: DiscordServer,
) -> None:
    discord_server.faults.fail("POST", "/webhooks/*", after=True)

    async def play(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.send_message("first")
        await interaction.followup.send("second")

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        await discord_server.command(ada, channel, "play")
        await bot.outcome()
    contents = [message.content for message in discord_server.messages(channel)]
    assert contents == ["first", "second", "second"]


async def test_an_answer_that_fails_after_it_was_given_comes_back_as_a_second_one(
    discord_server: DiscordServer,
) -> None:
    discord_server.faults.fail(*CALLBACK, after=True)

    async def play(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.send_message("x")

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        interaction = await discord_server.command(ada, channel, "play")
        assert (await interaction.message()).content == "x"
        with pytest.raises(discord.HTTPException) as refused:
            await bot.outcome()
    assert refused.value.code == 40060


async def test_a_service_that_is_unavailable_is_an_error_at_once(
    discord_server: DiscordServer, place: discord.PartialMessageable
) -> None:
    discord_server.faults.fail(*POST, status=503)
    with pytest.raises(discord.DiscordServerError):
        await place.send("x")
    assert statuses(discord_server) == [503]


@pytest.mark.parametrize("after", [False, True])
async def test_a_connection_breaks_before_or_after_the_request_was_carried_out(
    discord_server: DiscordServer,
    place: discord.PartialMessageable,
    channel: Channel,
    after: bool,
) -> None:
    discord_server.faults.reset(*POST, after=after)
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await place.send("x")
    assert len(channel.messages) == after
    await place.send("y")
    assert len(channel.messages) == after + 1


async def test_a_request_hangs_until_it_is_released(
    discord_server: DiscordServer, place: discord.PartialMessageable, channel: Channel
) -> None:
    hold = discord_server.faults.hold(*POST)
    sending = asyncio.create_task(place.send("x"))
    await hold.reached()
    assert channel.messages == {}
    assert not sending.done()
    hold.release()
    await sending
    assert len(channel.messages) == 1


async def test_a_request_whose_sender_dies_while_it_hangs_is_never_carried_out(
    discord_server: DiscordServer, channel: Channel
) -> None:
    hold = discord_server.faults.hold(*POST)
    url = f"{discord_server.url}/api/v10/channels/{channel.id}/messages"
    headers = {"Authorization": f"Bot {discord_server.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        sending = asyncio.create_task(session.post(url, json={"content": "lost"}))
        await hold.reached()
        sending.cancel()
        await asyncio.wait({sending})
    async with aiohttp.ClientSession(headers=headers) as session:
        await session.post(url, json={"content": "before"})
        hold.release()
        await session.post(url, json={"content": "after"})
    contents = [message.content for message in channel.messages.values()]
    assert contents == ["before", "after"]


async def test_a_fault_strikes_only_what_it_was_meant_for(
    discord_server: DiscordServer, place: discord.PartialMessageable
) -> None:
    discord_server.faults.fail("POST", "/channels/*/threads", status=503)
    discord_server.faults.fail("PATCH", "/channels/*/messages*", status=503)
    message = await place.send("x")
    with pytest.raises(discord.DiscordServerError):
        await message.edit(content="y")
    await message.edit(content="z")
