"""Very many people at once, and answers that come too late for them."""

import logging
from pathlib import Path

import pytest

from musicgen_bot.network import MOST_CONNECTIONS
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import clip_in, running_bot

ANSWER = ("POST", "/interactions/*/callback")
CROWD = MOST_CONNECTIONS + 50


async def test_answers_that_hang_hold_few_connections_and_all_come_through_in_the_end(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        hold = discord_server.faults.hold(*ANSWER, times=CROWD)

        def hanging() -> int:
            calls = [call for call in discord_server.requests if call.matches(*ANSWER)]
            return sum(call.status is None for call in calls)

        asked = [
            await discord_server.command(room.ada, room.channel, "about") for _ in range(CROWD)
        ]
        # The gateway's own is one of them here, where everything is on one host.
        await discord_server.until(lambda: hanging() == MOST_CONNECTIONS - 1, hold)
        prompted = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0
        )
        assert discord_server.sockets <= MOST_CONNECTIONS
        hold.release()
        for interaction in asked:
            await interaction.message()
        await clip_in(await prompted.message())
        assert discord_server.sockets <= MOST_CONNECTIONS


@pytest.mark.parametrize("kind", ["command", "autocomplete", "button", "form"])
async def test_an_answer_that_comes_too_late_is_a_line_in_the_log(
    kind: str, discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await (
            await discord_server.command(
                room.ada, room.channel, "generate", prompt="house", seconds=1.0
            )
        ).message()
        await clip_in(message)
        form = await discord_server.press(room.ada, message, "Remix")
        await form.modal()
        caplog.clear()
        caplog.set_level(logging.INFO)
        hold = discord_server.faults.hold(*ANSWER)
        answered = len(discord_server.requests)
        if kind == "command":
            await discord_server.command(room.ada, room.channel, "help")
        elif kind == "autocomplete":
            await discord_server.autocomplete(room.ada, room.channel, "generate", "style", style="")
        elif kind == "button":
            await discord_server.press(room.ada, message, "Favourite")
        else:
            await discord_server.submit(room.ada, form, seconds="never")
        await hold.reached()
        discord_server.clock.advance(4)
        hold.release()
        await discord_server.until(
            lambda: [one for one in discord_server.requests[answered:] if one.status == 404]
        )
        # What comes after it is served after it.
        asked = await discord_server.command(room.ada, room.channel, "about")
        await asked.message()
    assert not [record for record in caplog.records if record.exc_info], caplog.text
    assert len(caplog.records) == 1, caplog.text
    assert "Unknown interaction" in caplog.text
