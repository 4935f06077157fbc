"""The simulated gateway, tried with the real discord.py: sessions, events, broken connections."""

from __future__ import annotations

import asyncio

import discord
import pytest

from tests.discord_server import DiscordServer
from tests.discord_server.bot import Bot, room
from tests.discord_server.gateway import Gateway
from tests.discord_server.signals import PATIENCE


async def test_a_command_sent_as_the_line_breaks_is_replayed_on_resume(
    discord_server: DiscordServer,
) -> None:
    gateway = discord_server.gateway
    channel, ada = room(discord_server)
    async with Bot().running(discord_server):
        await discord_server.command(ada, channel, "play", prompt="one")
        missed = await discord_server.command(ada, channel, "play", prompt="two")
        gateway.drop()
        assert (await missed.message()).content == "done: two"
    assert len(gateway.identified) == 1
    assert gateway.resumed == gateway.identified
    contents = [message.content for message in discord_server.messages(channel)]
    assert sorted(contents) == ["done: one", "done: two"]


async def test_what_happens_while_the_line_is_broken_is_replayed_on_resume(
    discord_server: DiscordServer,
) -> None:
    deleted: asyncio.Queue[int] = asyncio.Queue()

    class Listener(Bot):
        async def on_guild_channel_delete(self, channel: discord.TextChannel) -> None:
            deleted.put_nowait(channel.id)

    channel, _ = room(discord_server)
    async with Listener().running(discord_server) as bot, asyncio.timeout(PATIENCE):
        await bot.wait_until_ready()
        discord_server.gateway.drop()
        (session,) = discord_server.gateway.sessions
        assert session.connection is None
        channel.delete()
        assert await deleted.get() == channel.id
    assert len(discord_server.gateway.resumed) == 1


@pytest.mark.parametrize("how", [Gateway.drop, Gateway.reconnect, lambda it: it.close(4000)])
async def test_a_client_resumes_after_a_break(discord_server: DiscordServer, how: object) -> None:
    assert callable(how)
    gateway = discord_server.gateway
    channel, ada = room(discord_server)
    async with Bot().running(discord_server):
        await gateway.online()
        how(gateway)
        await discord_server.until(lambda: gateway.resumed, "the client to resume")
        interaction = await discord_server.command(ada, channel, "play")
        await interaction.message()
    assert len(gateway.identified) == 1


async def test_a_client_identifies_again_after_its_session_was_invalidated(
    discord_server: DiscordServer,
) -> None:
    gateway = discord_server.gateway
    channel, ada = room(discord_server)
    async with Bot().running(discord_server):
        first = await gateway.online()
        gateway.invalidate()
        second = await gateway.online()
        interaction = await discord_server.command(ada, channel, "play")
        await interaction.message()
    assert gateway.identified == [first, second]
    assert gateway.sessions == [second]
    assert gateway.resumed == []


async def test_a_session_that_is_gone_cannot_be_resumed(discord_server: DiscordServer) -> None:
    gateway = discord_server.gateway
    async with Bot().running(discord_server):
        await gateway.online()
        gateway.sessions.clear()
        gateway.drop()
        await gateway.online()
    assert len(gateway.identified) == 2
    assert gateway.resumed == []


async def test_a_revoked_token_ends_the_client(discord_server: DiscordServer) -> None:
    bot = Bot()
    running = asyncio.create_task(bot.start(discord_server.token))
    await discord_server.gateway.online()
    discord_server.revoke_token()
    with pytest.raises(discord.ConnectionClosed) as closed:
        async with asyncio.timeout(PATIENCE):
            await running
    assert closed.value.code == 4004
    await bot.close()
    await discord_server.gateway.offline()
    async with Bot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("loopback.bot.token")


async def test_the_gateway_refuses_a_wrong_token(discord_server: DiscordServer) -> None:
    async with Bot(shard_count=1) as bot:
        await bot.login(discord_server.token)
        discord_server.revoke_token()
        with pytest.raises(discord.ConnectionClosed) as closed:
            async with asyncio.timeout(PATIENCE):
                await bot.connect()
    assert closed.value.code == 4004


async def test_a_privileged_intent_is_refused(discord_server: DiscordServer) -> None:
    async with Bot(intents=discord.Intents(guilds=True, message_content=True)) as bot:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with asyncio.timeout(PATIENCE):
                await bot.start(discord_server.token)


async def test_a_heartbeat_that_is_asked_for_comes(discord_server: DiscordServer) -> None:
    async with Bot().running(discord_server):
        await discord_server.gateway.online()
        assert 0 < await discord_server.gateway.heartbeat() < PATIENCE


async def test_a_client_whose_heartbeats_are_not_acknowledged_connects_anew(
    discord_server: DiscordServer,
) -> None:
    gateway = discord_server.gateway
    gateway.heartbeat_interval = 0.1
    gateway.acknowledging = False
    async with Bot(heartbeat_timeout=0.5).running(discord_server):
        await discord_server.until(lambda: gateway.resumed, "the client to resume")


async def test_each_shard_hears_of_its_own_guilds(discord_server: DiscordServer) -> None:
    gateway = discord_server.gateway
    gateway.shards = 2
    rooms = [room(discord_server)]
    while rooms[-1][1].guild.shard(2) == rooms[0][1].guild.shard(2):
        rooms.append(room(discord_server))
    async with Bot().running(discord_server) as bot:
        for channel, ada in (rooms[0], rooms[-1]):
            interaction = await discord_server.command(ada, channel, "play")
            await interaction.message()
        assert len(bot.guilds) == len(rooms)
    for session in gateway.identified:
        told = [event for event, _ in session.events]
        guilds = [int(data["id"]) for event, data in session.events if event == "GUILD_CREATE"]
        own = [ada.guild for _, ada in rooms if ada.guild.shard(2) == session.shard]
        assert guilds == [guild.id for guild in own]
        assert told.count("INTERACTION_CREATE") == 1
    assert sorted(session.shard for session in gateway.identified) == [0, 1]


async def test_a_client_hears_of_what_changes(discord_server: DiscordServer) -> None:
    heard: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    class Listener(Bot):
        async def on_guild_join(self, guild: discord.Guild) -> None:
            heard.put_nowait(("join", guild.id))

        async def on_guild_remove(self, guild: discord.Guild) -> None:
            heard.put_nowait(("remove", guild.id))

        async def on_guild_channel_delete(self, channel: discord.TextChannel) -> None:
            heard.put_nowait(("delete", channel.id))

        async def on_guild_channel_update(
            self, before: discord.TextChannel, after: discord.TextChannel
        ) -> None:
            may_send = after.permissions_for(after.guild.me).send_messages
            heard.put_nowait(("may send" if may_send else "may not send", after.id))

    channel, _ = room(discord_server)
    async with Listener().running(discord_server) as bot, asyncio.timeout(PATIENCE):
        await bot.wait_until_ready()
        guild = discord_server.add_guild("Attic", upload_limit=50 * 2**20)
        assert await heard.get() == ("join", guild.id)
        assert [known.filesize_limit for known in bot.guilds] == [10 * 2**20, 50 * 2**20]
        guild.remove_bot()
        assert await heard.get() == ("remove", guild.id)
        channel.forbid("send_messages")
        assert await heard.get() == ("may not send", channel.id)
        channel.allow("send_messages")
        assert await heard.get() == ("may send", channel.id)
        channel.delete()
        assert await heard.get() == ("delete", channel.id)


async def test_messages_are_told_only_to_those_who_asked_for_them(
    discord_server: DiscordServer,
) -> None:
    channel, ada = room(discord_server)
    intents = discord.Intents(guilds=True, guild_messages=True)
    async with Bot(intents=intents).running(discord_server):
        session = await discord_server.gateway.online()
        interaction = await discord_server.command(ada, channel, "play")
        (await interaction.message()).delete()
    told = [event for event, _ in session.events]
    assert told[-2:] == ["MESSAGE_CREATE", "MESSAGE_DELETE"]
    async with Bot().running(discord_server):
        session = await discord_server.gateway.online()
        interaction = await discord_server.command(ada, channel, "play")
        await interaction.message()
    assert session.events[-1][0] == "INTERACTION_CREATE"
