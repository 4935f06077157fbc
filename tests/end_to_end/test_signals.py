"""Told to stop, the process ends cleanly, whatever it has come to."""

import signal
from pathlib import Path

import pytest

from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import BotProcess, bot_process
from tests.end_to_end.test_process import room, states, type_prompt

LONG = 30.0
STATUS = {signal.SIGTERM: 0, signal.SIGINT: 130}
any_signal = pytest.mark.parametrize("number", STATUS)


@any_signal
@pytest.mark.parametrize(
    "said",
    [
        *("click", "typer", "discord.http", "pydantic", "musicgen_bot.app"),
        *("Loading tiny", "torch.nn", "Model: tiny", "Ready as"),
    ],
)
async def test_told_to_stop_it_ends_cleanly_whatever_it_has_come_to(
    said: str, number: signal.Signals, discord_server: DiscordServer, tmp_path: Path
) -> None:
    room(discord_server)
    environment = {
        **discord_server.environment,
        "MUSICGEN_MODEL": "tiny",
        "PYTHONPROFILEIMPORTTIME": "1",  # each import is written to standard error when it is done
    }
    bot = await BotProcess.start(environment, tmp_path)
    await bot.until(said)
    status, output = await bot.stop(number)
    assert status == STATUS[number], output
    assert "Traceback" not in output
    assert "Error" not in output.replace("Errors", "")


@any_signal
async def test_told_to_stop_while_it_logs_in_it_ends_cleanly(
    number: signal.Signals, discord_server: DiscordServer, tmp_path: Path
) -> None:
    hold = discord_server.faults.hold("GET", "/users/@me")
    bot = await BotProcess.start({**discord_server.environment, "MUSICGEN_MODEL": "tiny"}, tmp_path)
    await hold.reached()
    assert await bot.stop(number) == (STATUS[number], "")


async def test_told_to_stop_more_than_once_it_still_ends_cleanly(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with bot_process(discord_server, tmp_path) as bot:
        await type_prompt(discord_server, channel, ada, "house", LONG)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            bot.signal(number)
        status, output = await bot.stop()
    assert status in (0, 130), output  # two that come at once may be heard in either order
    assert "Traceback" not in output
    assert states(tmp_path) == {1: "running"}


@any_signal
@pytest.mark.parametrize("said", ["| rich.progress", "torch.nn"])
async def test_told_to_stop_a_clip_on_the_terminal_ends_cleanly(
    said: str, number: signal.Signals, tmp_path: Path
) -> None:
    environment = {"MUSICGEN_MODEL": "tiny", "PYTHONPROFILEIMPORTTIME": "1"}
    bot = await BotProcess.start(environment, tmp_path, "generate", "piano", "--seconds", "300")
    await bot.until(said)
    status, output = await bot.stop(number)
    assert status == STATUS[number], output
    assert "Traceback" not in output
    assert not (tmp_path / "clip.mp3").exists()
