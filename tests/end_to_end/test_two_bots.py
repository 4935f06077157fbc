"""Two bots on one token: people get each clip once, and the host is told."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.discord_server.errors import Problem
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import clip_in, running_bot
from tests.end_to_end.test_continue import song

ANSWER = ("POST", "/interactions/*/callback")
TOLD = "it seems to be connected with the same DISCORD_TOKEN"


def counted(folder: Path) -> int:
    """Return how many of a dead bot's jobs were made, are to be made, or cost anybody anything."""
    connection = sqlite3.connect(folder / "musicgen-bot.sqlite3")
    ((count,),) = connection.execute(
        "SELECT count(*) FROM jobs WHERE state != 'deleted' OR NOT given_back"
    )
    connection.close()
    return int(count)


def refused(server: DiscordServer) -> int:
    """Return how many answers came second."""
    return len([call for call in server.requests if call.matches(*ANSWER) and call.status == 400])


async def test_each_clip_is_made_by_the_bot_that_answered(
    discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room, folders = Room(discord_server), (tmp_path / "one", tmp_path / "two")
    for folder in folders:
        folder.mkdir()
    async with running_bot(discord_server, folders[0]), running_bot(discord_server, folders[1]):
        await discord_server.until(lambda: len(discord_server.gateway.connections) == 2)
        messages = []
        for number in range(4):
            asked = await discord_server.command(
                room.ada, room.channel, "generate", prompt=f"house {number}", seconds=1.0
            )
            messages.append(await asked.message())
            await clip_in(messages[-1])
        await discord_server.until(lambda: refused(discord_server) == 4)
    assert discord_server.messages(room.channel) == messages
    for message in messages:
        shown = [revision.attachments for revision in message.history if revision.attachments]
        assert len(shown) == 1
    assert sum(counted(folder) for folder in folders) == 4
    assert 1 <= caplog.text.count(TOLD) <= 2  # once for each bot that was late


@pytest.mark.parametrize("command", ["generate", "continue"])
async def test_what_another_bot_has_answered_is_left_to_it(
    command: str, discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(discord_server)
    discord_server.faults.rate_limit(*ANSWER)  # which is no try
    discord_server.faults.refuse(*ANSWER, Problem.ACKNOWLEDGED, times=2)
    options: dict[str, Any] = {"prompt": "house"}
    if command == "continue":
        options = {"audio": song(room.channel)}
    async with running_bot(discord_server, tmp_path):
        for person in (room.ada, room.grace):
            await discord_server.command(person, room.channel, command, seconds=1.0, **options)
        await discord_server.until(lambda: refused(discord_server) == 2)
        # Once it is withdrawn, the next one has the slot to itself.
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="techno", seconds=1.0
        )
        message = await asked.message()
        await clip_in(message)
    assert discord_server.messages(room.channel) == [message]
    assert counted(tmp_path) == 1
    assert caplog.text.count(TOLD) == 1
    assert "Traceback" not in caplog.text
