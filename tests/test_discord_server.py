"""The simulated Discord, tried with the real discord.py: login, answers, files, deadlines."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from typing import Any

import discord
import pytest

from tests.discord_server import DiscordServer
from tests.discord_server.bot import Bot, room

SOUND = bytes(range(256)) * 64


def sound(filename: str = "clip.mp3", data: bytes = SOUND) -> discord.File:
    return discord.File(io.BytesIO(data), filename)


async def test_a_bot_logs_in_and_syncs_its_commands(discord_server: DiscordServer) -> None:
    room(discord_server)
    async with Bot().running(discord_server) as bot:
        session = await discord_server.gateway.online()
        await bot.wait_until_ready()
        synced = await bot.tree.fetch_commands()
    assert [command.name for command in synced] == ["play"]
    assert discord_server.commands.syncs == [None]
    assert session.intents == discord.Intents(guilds=True)


async def test_an_answer_is_edited_and_followed_up(discord_server: DiscordServer) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.send_message(f"queued: {prompt}")
        await interaction.edit_original_response(content="done", embed=discord.Embed(title="A"))
        followup = await interaction.followup.send("more", wait=True)
        await followup.edit(content="even more")
        await interaction.delete_original_response()

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        interaction = await discord_server.command(ada, channel, "play", prompt="lofi")
        message = await (await interaction.message()).until(lambda message: message.deleted)
        await bot.outcome()
    followup = await interaction.followup()
    assert [revision.content for revision in message.history] == ["queued: lofi", "done"]
    assert message.embeds[0]["title"] == "A"
    assert [revision.content for revision in followup.history] == ["more", "even more"]
    assert discord_server.messages(channel) == [followup]


async def test_a_deferred_answer_is_loading_until_its_followup(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.defer(ephemeral=True)
        await interaction.followup.send("first")
        await interaction.followup.send("second")

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        interaction = await discord_server.command(ada, channel, "play")
        message = await interaction.message()
        await bot.outcome()
    assert message.history[0].content == ""
    assert message.content == "first"
    assert message.ephemeral
    assert not message.loading
    assert (await interaction.followup()).content == "second"


async def test_files_come_back_byte_for_byte(discord_server: DiscordServer) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> list[discord.Attachment]:
        await interaction.response.defer()
        embed = discord.Embed().set_image(url="attachment://wave.png")
        message = await interaction.edit_original_response(
            attachments=[sound("my clip.mp3"), sound("wave.png", b"picture")], embed=embed
        )
        return message.attachments

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        interaction = await discord_server.command(ada, channel, "play")
        clip, picture = await bot.outcome()
        assert await clip.read() == SOUND
        assert await picture.read() == b"picture"
    message = await interaction.message()
    kept = message.attachments[0]
    assert (kept.filename, kept.content_type, kept.size) == ("my_clip.mp3", "audio/mpeg", 16384)
    assert discord_server.download(kept) == SOUND
    assert message.embeds[0]["image"]["url"] == picture.url


async def test_an_edit_keeps_and_drops_files_as_it_says(discord_server: DiscordServer) -> None:
    channel, _ = room(discord_server)
    async with Bot() as bot:
        await bot.login(discord_server.token)
        place = bot.get_partial_messageable(channel.id)
        message = await place.send(files=[sound("a.mp3"), sound("b.mp3")])
        posted = discord_server.messages(channel)[0]
        message = await message.edit(content="text")
        assert [file.filename for file in posted.attachments] == ["a.mp3", "b.mp3"]
        message = await message.edit(attachments=[message.attachments[1], sound("c.mp3")])
        assert [file.filename for file in posted.attachments] == ["b.mp3", "c.mp3"]
        await message.edit(attachments=[])
        assert posted.attachments == []
    assert posted.content == "text"


async def test_an_ephemeral_answer_is_out_of_reach_for_the_channel(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.send_message("only you", ephemeral=True)
        message = await interaction.original_response()
        await bot.get_partial_messageable(message.channel.id).fetch_message(message.id)

    channel, ada = room(discord_server)
    intents = discord.Intents(guilds=True, guild_messages=True)
    async with Bot(play, intents=intents).running(discord_server) as bot:
        interaction = await discord_server.command(ada, channel, "play")
        assert (await interaction.message()).ephemeral
        with pytest.raises(discord.NotFound) as refused:
            await bot.outcome()
    assert refused.value.code == 10008
    (session,) = discord_server.gateway.sessions
    assert "MESSAGE_CREATE" not in [event for event, _ in session.events]


async def test_a_wrong_token_is_refused(discord_server: DiscordServer) -> None:
    async with Bot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("wrong")


async def test_a_late_first_answer_finds_no_interaction(discord_server: DiscordServer) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> None:
        discord_server.clock.advance(3.1)
        await interaction.response.send_message("late")

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        await discord_server.command(ada, channel, "play")
        with pytest.raises(discord.NotFound) as refused:
            await bot.outcome()
    assert refused.value.code == 10062
    assert discord_server.messages(channel) == []


async def test_a_second_first_answer_is_refused(discord_server: DiscordServer) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.send_message("once")
        again: discord.InteractionResponse[Any] = discord.InteractionResponse(interaction)
        await again.send_message("twice")

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        await discord_server.command(ada, channel, "play")
        with pytest.raises(discord.HTTPException) as refused:
            await bot.outcome()
    assert refused.value.code == 40060
    assert [message.content for message in discord_server.messages(channel)] == ["once"]


@pytest.mark.parametrize("by_the_clock", [True, False])
async def test_after_fifteen_minutes_only_the_channel_can_be_written_to(
    discord_server: DiscordServer, by_the_clock: bool
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        queued = await interaction.response.send_message("queued")
        await go_on.wait()
        try:
            await interaction.edit_original_response(content="done")
        except discord.HTTPException as refused:
            place = bot.get_partial_messageable(channel.id)
            assert queued.message_id is not None
            await place.get_partial_message(queued.message_id).edit(content="done all the same")
            return refused.code

    go_on = asyncio.Event()
    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        interaction = await discord_server.command(ada, channel, "play")
        message = await interaction.message()
        if by_the_clock:
            discord_server.clock.advance(15 * 60)
        else:
            interaction.expire()
        go_on.set()
        assert await bot.outcome() == 50027
    assert message.content == "done all the same"


async def test_another_process_is_pointed_at_the_server_once_it_imports_discord(
    discord_server: DiscordServer,
) -> None:
    script = (
        "import sys; assert 'discord' not in sys.modules and 'yarl' not in sys.modules\n"
        "import os, discord, discord.http\n"
        "class Client(discord.Client):\n"
        "    async def on_connect(self):\n"
        "        print(self.user.name, discord.http.Route.BASE)\n"
        "        await self.close()\n"
        "Client(intents=discord.Intents(guilds=True)).run(os.environ['DISCORD_TOKEN'])\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script,
        env={**os.environ, **discord_server.environment}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert output.decode().split() == ["musicgen", discord_server.url + "/api/v10"]
    assert process.returncode == 0
