"""Events that no Discord should send cost themselves and a line in the log; the bot stays."""

import inspect
import logging
from pathlib import Path
from typing import Any

import pytest
from discord.state import AutoShardedConnectionState

from tests.discord_server.people import Json
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import clip_in, running_bot

EVENTS = sorted(
    name.removeprefix("parse_").upper()
    for name, _ in inspect.getmembers(AutoShardedConnectionState)
    if name.startswith("parse_")
)
COMMAND, COMPONENT, AUTOCOMPLETE, FORM = 2, 3, 4, 5


def broken(whole: Json) -> list[Json]:
    """Return interactions that differ from a whole one in what is missing, or is something else."""
    commands: list[Any] = [None, {}, {"name": 7}, {"name": "no-such-command", "id": "1"}]
    options: list[Any] = [{}, None, 7]
    commands += [{"name": "generate", "id": "1", "options": [option]} for option in options]
    controls: list[Any] = [None, {}, {"custom_id": None}, {"component_type": 2}]
    controls += [
        {"custom_id": custom_id, "component_type": 2, "components": []}
        for custom_id in (None, 7, ["clip:again:1:0"], {"a": 1})
    ]
    forms: list[Any] = [
        {"custom_id": "remix:1", "components": components}
        for components in (None, 7, [None], [{"component": {"value": "x"}}])
    ]
    return [
        *(
            {**whole, "type": kind, "data": data}
            for kind in (COMMAND, AUTOCOMPLETE)
            for data in commands
        ),
        *({**whole, "type": kind, "data": data} for kind in (COMPONENT, FORM) for data in controls),
        *({**whole, "type": FORM, "data": data} for data in forms),
        *({key: whole[key] for key in whole if key != gone} for gone in ("data", "id", "token")),
        *({key: whole[key] for key in whole if key != gone} for gone in ("type", "member")),
    ]


async def test_events_that_are_not_as_they_should_be_cost_themselves_and_a_line_each(
    discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path) as run:
        session = await discord_server.gateway.online(room.guild)
        asked = await discord_server.command(room.ada, room.channel, "about")
        await asked.message()
        caplog.set_level(logging.INFO)
        caplog.clear()
        for event in EVENTS:
            if event != "READY":  # without it there is no session
                for data in ({}, {"guild_id": "x", "id": [], "user": 7}):
                    session.dispatch(event, data)
        whole = asked.to_json()
        sent = broken(whole)
        for data in sent:
            session.dispatch("INTERACTION_CREATE", data)
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0
        )
        await clip_in(await asked.message())
        assert not run.task.done()
    assert not [record for record in caplog.records if record.exc_info], caplog.text
    told = [record for record in caplog.records if "INTERACTION_CREATE" in record.getMessage()]
    assert len(sent) // 2 < len(told) <= len(sent) + 2, caplog.text
    assert asked.token not in caplog.text
    assert whole["token"] not in caplog.text
