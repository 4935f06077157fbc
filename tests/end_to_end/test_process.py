"""The bot as its host meets it: a process that starts, tells, stops, is killed, starts again."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest
import soundfile

from musicgen_bot.audio.launcher import NICENESS
from musicgen_bot.audio.pool import MOST_THREADS
from tests.discord_server.messages import Message
from tests.discord_server.people import Member
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import BotProcess, bot_process, clip_in, running_bot

EDIT = ("PATCH", "/webhooks/*/messages/*")
ANSWER = ("POST", "/interactions/*/callback")
LONG = 30.0
BROKEN_MACHINE = Path(__file__).with_name("broken_machine.py")


def room(server: DiscordServer) -> tuple[Channel, Member]:
    guild = server.add_guild()
    return guild.add_channel("music"), guild.add_member("ada")


def states(folder: Path) -> dict[int, str]:
    """Return what the database of a dead bot says of each job."""
    connection = sqlite3.connect(folder / "data" / "musicgen-bot.sqlite3")
    rows = connection.execute("SELECT id, state FROM jobs").fetchall()
    connection.close()
    return dict(rows)


async def type_prompt(
    server: DiscordServer, channel: Channel, ada: Member, prompt: str, seconds: float = 1.0
) -> Message:
    interaction = await server.command(ada, channel, "generate", prompt=prompt, seconds=seconds)
    return await interaction.message()


async def test_the_main_job_end_to_end(discord_server: DiscordServer, tmp_path: Path) -> None:
    channel, ada = room(discord_server)
    discord_server.add_guild("Second")
    async with bot_process(discord_server, tmp_path) as bot:
        message = await type_prompt(discord_server, channel, ada, "lofi beat", 2.0)
        samples, rate = await clip_in(message)
        await bot.until("Invite it with")
        status, output = await bot.stop()
    assert len(samples) == 2 * rate
    assert status == 0, output
    assert "Model: tiny, int8, on cpu" in output
    assert discord_server.token not in output
    assert "Traceback" not in output
    assert states(tmp_path) == {1: "delivered"}
    # It told what it found at its start, and how to invite it.
    assert "in 2 servers" in output
    link = next(line for line in output.splitlines() if "Invite it with" in line)
    view, send, embed, attach, threads = 1 << 10, 1 << 11, 1 << 14, 1 << 15, 1 << 38
    assert f"permissions={view | send | embed | attach | threads}" in link
    assert "applications.commands" in link


async def test_a_stopped_bot_keeps_its_queue_and_goes_on_with_it(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with bot_process(discord_server, tmp_path, MUSICGEN_MAX_BATCH="1") as bot:
        messages = [
            await type_prompt(discord_server, channel, ada, prompt, LONG)
            for prompt in ("house", "techno", "trap")
        ]
        status, output = await bot.stop()
    assert status == 0, output
    assert states(tmp_path) == {1: "running", 2: "waiting", 3: "waiting"}
    async with running_bot(discord_server, tmp_path / "data", musicgen_max_batch=1):
        for message in messages:
            await clip_in(message)
    assert discord_server.messages(channel) == messages
    assert [message.edited for message in messages] == sorted(
        message.edited for message in messages if message.edited
    )


async def test_killed_while_clips_are_running_and_waiting_both_arrive_once(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with bot_process(discord_server, tmp_path, MUSICGEN_MAX_BATCH="1") as bot:
        messages = [
            await type_prompt(discord_server, channel, ada, prompt, seconds)
            for prompt, seconds in (("house", LONG), ("techno", 2.0))
        ]
        await bot.kill()
    assert states(tmp_path) == {1: "running", 2: "waiting"}
    async with running_bot(discord_server, tmp_path / "data"):
        for message, seconds in zip(messages, (LONG, 2.0), strict=True):
            assert len((await clip_in(message))[0]) == 16000 * seconds
    assert discord_server.messages(channel) == messages


async def test_killed_before_the_person_was_answered(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    hold = discord_server.faults.hold(*ANSWER)
    async with bot_process(discord_server, tmp_path) as bot:
        await discord_server.command(ada, channel, "generate", prompt="house", seconds=1.0)
        await hold.reached()
        await bot.kill()
    discord_server.faults.clear()
    assert discord_server.messages(channel) == []
    async with running_bot(discord_server, tmp_path / "data"):
        await discord_server.until(lambda: discord_server.messages(channel))
        (message,) = discord_server.messages(channel)
        await clip_in(message)
    assert discord_server.messages(channel) == [message]


async def test_killed_before_the_answers_receipt_came(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    hold = discord_server.faults.hold(*ANSWER, after=True)
    async with bot_process(discord_server, tmp_path) as bot:
        message = await type_prompt(discord_server, channel, ada, "house")
        await hold.reached()
        await bot.kill()
    discord_server.faults.clear()
    async with running_bot(discord_server, tmp_path / "data"):
        await clip_in(message)
    assert discord_server.messages(channel) == [message]


@pytest.mark.parametrize("readable", [True, False])
async def test_killed_before_the_answers_receipt_came_and_started_again_when_the_token_was_dead(
    readable: bool, discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    hold = discord_server.faults.hold(*ANSWER, after=True)
    async with bot_process(discord_server, tmp_path) as bot:
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0
        )
        message = await interaction.message()
        await hold.reached()
        await bot.kill()
    discord_server.faults.clear()
    interaction.expire()
    if not readable:
        channel.forbid("read_message_history")
    async with running_bot(discord_server, tmp_path / "data"):
        if not readable:
            await discord_server.until(lambda: len(discord_server.messages(channel)) > 1)
            (_, message) = discord_server.messages(channel)
        await clip_in(message)
    assert len(discord_server.messages(channel)) == (1 if readable else 2)


async def test_killed_when_the_clip_was_made_but_not_posted(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    discord_server.faults.fail("PATCH", "*", status=503, times=1000)
    async with bot_process(discord_server, tmp_path) as bot:
        message = await type_prompt(discord_server, channel, ada, "house")
        await discord_server.until(
            lambda: [call for call in discord_server.requests if call.uploads and call.status]
        )
        await bot.kill()
    assert states(tmp_path) == {1: "made"}
    assert not message.attachments
    discord_server.faults.clear()
    async with running_bot(discord_server, tmp_path / "data"):
        await clip_in(message)
    assert discord_server.messages(channel) == [message]


async def test_killed_when_the_clip_was_posted_but_not_yet_written_down(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with bot_process(discord_server, tmp_path) as bot:
        # The receipts of all edits are lost: a progress bar's, and in the end the clip's.
        discord_server.faults.reset(*EDIT, after=True, times=1000)
        message = await type_prompt(discord_server, channel, ada, "house")
        before, _ = await clip_in(message)
        await bot.kill()
    assert states(tmp_path) == {1: "made"}
    discord_server.faults.clear()
    edits = len(message.history)
    async with running_bot(discord_server, tmp_path / "data"):
        await discord_server.until(lambda: len(message.history) > edits)
        after, _ = await clip_in(message)
    assert (before == after).all()
    assert discord_server.messages(channel) == [message]


async def test_a_second_bot_on_the_same_folder_is_told_of_the_first(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    async with running_bot(discord_server, tmp_path / "data"):
        second = await BotProcess.start(discord_server.environment, tmp_path)
        status, output = await second.ended()
    assert status == 1
    assert "Another program is using this database" in output
    assert "Traceback" not in output


async def test_a_start_without_a_token_is_told_in_a_sentence(tmp_path: Path) -> None:
    bot = await BotProcess.start({"DISCORD_TOKEN": ""}, tmp_path)
    status, output = await bot.ended()
    assert status == 1
    assert "DISCORD_TOKEN is not set" in output
    assert "Traceback" not in output


async def test_a_model_that_is_nowhere_is_told_in_a_sentence(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    environment = {**discord_server.environment, "MUSICGEN_MODEL": "facebook/musicgen-small"}
    bot = await BotProcess.start({**environment, "HF_HOME": str(tmp_path)}, tmp_path)
    status, output = await bot.ended()
    assert status == 1
    assert "facebook/musicgen-small" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("fault", ["fails", "hangs"])
async def test_on_a_broken_machine_it_ends_to_be_started_again_and_nothing_is_lost(
    fault: str, discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with bot_process(
        discord_server, tmp_path, BROKEN_MACHINE, fault, MUSICGEN_MAX_BATCH="1"
    ) as bot:
        messages = [
            await type_prompt(discord_server, channel, ada, prompt)
            for prompt in ("house", "techno", "trap")
        ]
        (tmp_path / "broken").touch()
        status, output = await bot.ended()
    assert status == 75, output
    why = "has not answered for 1 seconds" if fault == "hangs" else "failed, with RuntimeError"
    assert f"Error: The model {why}" in output
    assert states(tmp_path) == {1: "running", 2: "waiting", 3: "waiting"}
    async with running_bot(discord_server, tmp_path / "data"):
        for message in messages:
            await clip_in(message)
    assert discord_server.messages(channel) == messages


async def test_on_a_broken_machine_the_terminal_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    arguments = ("fails", "generate", "slow piano", "--model", "tiny")
    bot = await BotProcess.start({}, tmp_path, *arguments, program=BROKEN_MACHINE)
    status, output = await bot.ended()
    assert status == 1
    assert "Error: The model failed, with RuntimeError" in output
    assert not (tmp_path / "clip.mp3").exists()


async def test_a_clip_is_made_on_the_terminal(tmp_path: Path) -> None:
    arguments = ("--model", "tiny", "--seconds", "1.5", "--seed", "3", "--output", "clip.mp3")
    bot = await BotProcess.start({}, tmp_path, "generate", "slow piano", *arguments)
    status, output = await bot.ended()
    assert status == 0, output
    assert "clip.mp3: 1.5 s, seed 3" in output
    sound, rate = soundfile.read(tmp_path / "clip.mp3")
    assert len(sound) == 1.5 * rate


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("  ",), "The prompt is empty"),
        (("x", "--seconds", "nan"), "greater than 0"),
        (("x", "--seconds", "1e9"), "at most 300 seconds"),
        (("x", "--seed", "-1"), "The seed must be"),
        (("x", "--output", "clip.txt"), ".mp3, .wav, .flac or .ogg"),
        (("x", "--output", "no/such/clip.mp3"), "cannot be written"),
        (("x", "--device", "gpu"), "MUSICGEN_DEVICE"),
        (("x", "--model", "./no-such-folder"), "no-such-folder"),
    ],
)
async def test_what_the_terminal_cannot_do_is_told_in_a_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    bot = await BotProcess.start({"MUSICGEN_MODEL": "tiny"}, tmp_path, "generate", *arguments)
    status, output = await bot.ended()
    assert status == 1, output
    assert sentence in output
    assert "Traceback" not in output


def niceness_of_threads(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in tasks]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no niceness")
async def test_all_of_the_bot_steps_back_and_its_work_on_sound_a_little_more(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    async with bot_process(discord_server, tmp_path, NICE="3", OMP_NUM_THREADS="2") as bot:
        await clip_in(await type_prompt(discord_server, channel, ada, "lofi beat"))
        niceness = niceness_of_threads(bot.pid)
    assert set(niceness) == {own + 3, own + 3 + NICENESS}
    assert niceness.count(own + 3 + NICENESS) <= MOST_THREADS
