"""In whatever place of a server somebody asks, the clip arrives there."""

from pathlib import Path

import pytest

from tests.discord_server.places import FORUM, VOICE, Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import clip_in, running_bot, text_of


def place_in(room: Room, kind: str) -> tuple[Channel, Channel]:
    """Return a place of this kind, and the channel that stands for it in a server's settings."""
    if kind == "thread":
        return room.guild.add_thread("tunes", room.channel), room.channel
    if kind == "post of a forum":
        forum = room.guild.add_channel("songs", FORUM)
        return room.guild.add_thread("my song", forum), forum
    voice = room.guild.add_channel("stage", VOICE)
    return voice, voice


@pytest.mark.parametrize("kind", ["thread", "post of a forum", "text of a voice channel"])
async def test_a_clip_arrives_in_time_and_late_and_is_found_from_elsewhere(
    kind: str, discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    place, stands_for_it = place_in(room, kind)
    async with running_bot(discord_server, tmp_path):
        await room.settings("channels", add=stands_for_it)
        assert "other channels of this server" in await room.generate(where=room.other)
        for seconds, late in ((1.0, False), (9.0, True)):
            asked = await discord_server.command(
                room.ada, place, "generate", prompt="slow rain", seconds=seconds
            )
            message = await asked.message()
            if late:
                asked.expire()
            await clip_in(message)
            assert message.channel is place
        again = await (await discord_server.press(room.ada, message, "Again")).message()
        await clip_in(again)
        found = await discord_server.command(
            room.grace, room.other, "history", whose="this server", search="rain"
        )
        link = f"https://discord.com/channels/{room.guild.id}/{place.id}/{message.id}"
        assert link in text_of(await found.message())
    assert not any(each.pinged for each in discord_server.messages(place))
