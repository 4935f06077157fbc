"""Several people upload at once: a slow file is only its owner's, and a few are in hand at most."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from musicgen_bot.ui.common.uploads import MOST_FILES
from tests.discord_server.faults import Hold
from tests.discord_server.interactions import Callback, Interaction
from tests.discord_server.people import Member
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, running_bot
from tests.end_to_end.test_continue import song
from tests.end_to_end.test_process import room


async def upload(server: DiscordServer, person: Member, channel: Channel) -> Interaction:
    return await server.command(
        person, channel, "continue", audio=song(channel), prompt="house", seconds=1.0
    )


async def slow_upload(
    server: DiscordServer, person: Member, channel: Channel
) -> tuple[Hold, Interaction]:
    """Let somebody upload a file that is on its way until it is released."""
    audio = song(channel)
    hold = server.faults.hold("GET", f"*/{audio.id}/*")
    interaction = await server.command(
        person, channel, "continue", audio=audio, prompt="techno", seconds=1.0
    )
    await hold.reached()
    return hold, interaction


async def test_a_file_that_is_slow_to_come_keeps_nobody_else_waiting(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    assert channel.guild is not None
    ben = channel.guild.add_member("ben")
    async with running_bot(discord_server, tmp_path):
        hold, slow = await slow_upload(discord_server, ada, channel)
        await clip_in(await (await upload(discord_server, ben, channel)).message())
        another = await upload(discord_server, ada, channel)
        refused = await another.message()
        assert another.callback is Callback.MESSAGE
        assert refused.ephemeral
        assert "last file is still being read" in refused.content
        hold.release()
        await clip_in(await slow.message())
    connection = sqlite3.connect(tmp_path / "musicgen-bot.sqlite3")
    came = dict(connection.execute("SELECT user_id, created_at FROM jobs"))
    connection.close()
    assert came[ada.user.id] < came[ben.user.id]  # how old a token is counts from then


async def test_who_comes_when_enough_files_are_in_hand_is_told_at_once(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    assert channel.guild is not None
    others = [channel.guild.add_member(f"member {number}") for number in range(MOST_FILES)]
    async with running_bot(discord_server, tmp_path):
        uploads = [await slow_upload(discord_server, each, channel) for each in others]
        asked = await upload(discord_server, ada, channel)
        refused = await asked.message()
        assert asked.callback is Callback.MESSAGE
        assert refused.ephemeral
        assert "try again in a minute" in refused.content
        for hold, _ in uploads:
            hold.release()
        for _, interaction in uploads:
            await clip_in(await interaction.message())
        await clip_in(await (await upload(discord_server, ada, channel)).message())
