"""A server's limits hold for its members at once, and after a restart."""

import re
from pathlib import Path

from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import clip_in, running_bot, text_of


async def test_a_quota_is_told_kept_and_outlives_a_restart(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)

    async def quota(where: Channel | None = None) -> str:
        person = room.ada if where is None else room.ada.user
        message = await (
            await discord_server.command(person, where or room.channel, "quota")
        ).message()
        assert message.ephemeral
        return text_of(message)

    async with running_bot(discord_server, tmp_path):
        assert "no daily limit for you here" in await quota()
        await room.settings("limits", seconds_a_day_per_user=3, seconds_a_day_per_server=10)
        assert "clip 1" in await room.generate(seconds=2)
        assert "You have 1 of your 3 seconds of music left" in await room.generate(seconds=2)
    async with running_bot(discord_server, tmp_path):
        text = await quota()
        assert "You have 1 of 3 seconds of music left today" in text
        assert "This server has 8 of 10 seconds" in text
        assert re.search(r"back <t:\d+:R> \(<t:\d+:t>\)", text)
        assert "no daily limit here" in await quota(discord_server.direct_channel(room.ada.user))
        direct = discord_server.direct_channel(room.ada.user)
        interaction = await discord_server.command(
            room.ada.user, direct, "generate", prompt="house", seconds=2.0
        )
        assert "clip 2" in text_of(await interaction.message())
        assert "clip 3" in await room.generate(seconds=1)
        assert "used up your 3 seconds" in await room.generate(seconds=1)


async def test_in_direct_messages_the_hosts_limits_hold_and_no_servers(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    direct = discord_server.direct_channel(room.ada.user)

    async def generate(seconds: float) -> str:
        asked = await discord_server.command(
            room.ada.user, direct, "generate", prompt="polka", seconds=seconds
        )
        return text_of(await asked.message())

    async with running_bot(discord_server, tmp_path, limit_clip_seconds=3):
        await room.settings("limits", longest_clip_seconds=1, seconds_a_day_per_user=1)
        await room.settings("words", add="polka")
        assert "clip 1" in await generate(2)
        assert "at most 3 seconds long here" in await generate(4)
        assert "clip 2" in await room.generate(seconds=1)
        assert "at most 1 second long here" in await room.generate(seconds=2)


async def test_a_clip_is_as_long_as_the_server_says(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        await room.settings("limits", default_clip_seconds=2)
        interaction = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house"
        )
        message = await interaction.message()
        await message.until(lambda m: "Length: 2 s" in text_of(m))


async def test_an_extension_costs_what_it_adds(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        await room.settings("limits", seconds_a_day_per_user=13)
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=2.0
        )
        message = await asked.message()
        await clip_in(message)
        longer = await (await discord_server.press(room.ada, message, "Extend")).message()
        await clip_in(longer)
        quota = await (await discord_server.command(room.ada, room.channel, "quota")).message()
        assert "You have 1 of 13 seconds" in text_of(quota)
        refused = await (await discord_server.press(room.ada, longer, "Extend")).message()
        assert "ask for an extension of at most 1 second" in refused.content
