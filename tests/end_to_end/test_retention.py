"""Old clips go, and their buttons say so; an idle model rests, and comes back for the next clip."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path

import numpy as np
import pytest

from musicgen_bot import app, engine
from musicgen_bot.backends.engine_thread import EngineThread
from musicgen_bot.errors import ModelError
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import Address, JobState, Order, Submission
from musicgen_bot.logs import JsonFormatter, Redactor
from musicgen_bot.store.clip_lists import ClipListStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore, MadeClips
from musicgen_bot.ui.job_message.buttons import Action
from tests.discord_server.server import DiscordServer
from tests.discord_server.signals import PATIENCE
from tests.end_to_end.room import Room, answered
from tests.end_to_end.running import clip_in, running_bot, text_of

DAY = 86_400.0


async def put(
    folder: Path, room: Room, ages: dict[str, float], favourites: tuple[int, ...] = ()
) -> None:
    """Put clips of so many days into the database, as former runs would have left them."""
    database = await Database.open(folder / "musicgen-bot.sqlite3")
    jobs = JobStore(database)
    for prompt, days in ages.items():
        at = time.time() - days * DAY
        address = Address(room.ada.user.id, room.guild.id, room.channel.id, 77, "", at)
        request = GenerationRequest(prompt, 1.0, seed=1)
        job = await jobs.add(Submission(request, address, Order(seeds=(1,))))
        made = MadeClips([np.zeros((5, 50), np.int16)], "tiny", 2.0)
        await jobs.advance(job.id, JobState.MADE, made=made)
        await jobs.advance(job.id, JobState.DELIVERED, at=at)
    for job_id in favourites:
        await ClipListStore(database).toggle_favourite(room.ada.user.id, job_id, 1, 0.0)
    await database.close()


async def history(room: Room) -> str:
    asked = await room.server.command(room.ada, room.channel, "history")
    return text_of(await asked.message())


async def test_what_is_too_old_goes_and_a_favourite_stays(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    ages = {"of last month": 40.0, "of last week": 7.0, "beloved": 40.0}
    await put(tmp_path, room, ages, favourites=(3,))
    async with running_bot(discord_server, tmp_path, keep_clips_days=30):
        shown = await history(room)
    assert "of last week" in shown
    assert "beloved" in shown
    assert "of last month" not in shown
    async with running_bot(discord_server, tmp_path, keep_clips_days=0):
        assert "of last week" in await history(room)


async def test_the_buttons_of_a_clip_that_went_say_so(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(room.ada, room.channel, "generate", prompt="house")
        message = await asked.message()
        await clip_in(message)
    database = await Database.open(tmp_path / "musicgen-bot.sqlite3")
    await database.execute(
        "UPDATE jobs SET state = 'delivered', accepted_at = accepted_at - ?", (400 * DAY,)
    )
    await database.close()
    async with running_bot(discord_server, tmp_path):
        for action in Action:
            if action is not Action.CANCEL:
                label = "WAV" if action is Action.WAV else action.title()
                told = await answered(await discord_server.press(room.ada, message, label))
                assert told.ephemeral
                assert "older than what the host of this bot keeps" in told.content
        told = await answered(
            await discord_server.command(room.ada, room.channel, "clip", clip="1")
        )
        assert "older than what the host of this bot keeps" in told.content


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let the bot look at its model all the time; the event is set when it lets go of it."""
    asleep, let_go = asyncio.Event(), EngineThread.let_go

    async def noted(thread: EngineThread) -> None:
        await let_go(thread)
        asleep.set()

    monkeypatch.setattr(app, "IDLE_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(EngineThread, "let_go", noted)
    return asleep


async def happened(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()


async def test_an_idle_model_rests_and_is_loaded_for_the_next_clip(
    discord_server: DiscordServer, tmp_path: Path, asleep: asyncio.Event
) -> None:
    room, host = Room(discord_server), discord_server.world.owner
    direct = discord_server.direct_channel(host)
    async with running_bot(discord_server, tmp_path, idle_unload_minutes=1e-6):
        await happened(asleep)
        status = await (await discord_server.command(host, direct, "owner status")).message()
        assert "unloaded; the next clip loads it" in text_of(status)
        asleep.clear()
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0
        )
        message = await asked.message()
        assert "the model was asleep and is loading" in text_of(message)
        await clip_in(message)
        await happened(asleep)
        played = await discord_server.command(room.ada, room.channel, "clip", clip="1")
        await clip_in(await answered(played))


async def test_without_the_setting_the_model_stays(
    discord_server: DiscordServer, tmp_path: Path, asleep: asyncio.Event
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        for _ in range(2):
            asked = await discord_server.command(
                room.ada, room.channel, "generate", prompt="house", seconds=1.0
            )
            message = await asked.message()
            assert "loading" not in text_of(message)
            await clip_in(message)
    assert not asleep.is_set()


async def test_a_job_waits_for_a_model_that_does_not_load_again_and_all_are_told(
    discord_server: DiscordServer,
    tmp_path: Path,
    asleep: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise ModelError("The model does not fit into the memory of cuda:0.")

    monkeypatch.setattr(app, "RELOAD_PAUSES", [0.1] * 10_000)
    room, load = Room(discord_server), engine.load_engine
    host = discord_server.world.owner
    direct = discord_server.direct_channel(host)
    async with running_bot(discord_server, tmp_path, idle_unload_minutes=1e-6):
        await happened(asleep)
        asleep.clear()
        first = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0
        )
        await clip_in(await first.message())
        await happened(asleep)
        monkeypatch.setattr(engine, "load_engine", fail)
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0
        )
        message = await asked.message()
        await message.until(lambda m: "the model has stopped working" in text_of(m))
        assert "cuda" not in text_of(message)
        status = await (await discord_server.command(host, direct, "owner status")).message()
        assert "out of order: The model could not be loaded: The model does not" in text_of(status)
        played = await discord_server.command(room.ada, room.channel, "clip", clip="1")
        assert "try again in a few minutes" in text_of(await answered(played))
        monkeypatch.setattr(engine, "load_engine", load)
        await clip_in(message)


class Ear(logging.Handler):
    """Waits for an event in the log."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.heard = asyncio.Event()
        self._wanted = wanted

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == self._wanted:
            self.heard.set()


async def test_events_are_told_in_lines_and_prompts_only_if_wanted(
    discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room, log, formatter = (
        Room(discord_server),
        logging.getLogger("musicgen_bot"),
        JsonFormatter(Redactor()),
    )
    caplog.set_level(logging.DEBUG, "musicgen_bot")
    for wanted in (False, True):
        caplog.clear()
        log.addHandler(ear := Ear("job delivered"))
        async with running_bot(discord_server, tmp_path, log_prompts=wanted, musicgen_max_batch=1):
            made, cancelled = [
                await discord_server.command(
                    room.ada, room.channel, "generate", prompt="secret house", seconds=seconds
                )
                for seconds in (10.0, 1.0)
            ]
            for asked in (made, cancelled):
                await asked.message()
            await (await discord_server.command(room.ada, room.channel, "cancel")).message()
            await happened(ear.heard)
        log.removeHandler(ear)
        lines = [json.loads(formatter.format(record)) for record in caplog.records]
        events = [line for line in lines if line["logger"] == "musicgen_bot.jobs.events"]
        assert {line["guild"] for line in events} == {room.guild.id}
        first = min(line["job"] for line in events)
        assert [line["message"] for line in events if line["job"] == first] == [
            "job accepted",
            "job started",
            "job finished",
            "job delivered",
        ]
        assert [line["message"] for line in events if line["job"] == first + 1] == [
            "job accepted",
            "job cancelled",
        ]
        assert all("seconds" in line for line in events if line["message"] != "job accepted")
        assert ("secret house" in json.dumps(lines)) is wanted
