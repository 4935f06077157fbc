"""A person sees what is kept about them and has it deleted; nobody else can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.discord_server.messages import Message
from tests.discord_server.people import Member
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room, answered
from tests.end_to_end.running import clip_in, running_bot, text_of


class Desk:
    """Where people ask what is kept about them."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.room = Room(server)
        self.ben: Member = self.room.guild.add_member("ben")

    async def generate(self, who: Member, prompt: str, seconds: float = 1.0) -> Message:
        asked = await self.server.command(
            who, self.room.channel, "generate", prompt=prompt, seconds=seconds
        )
        return await asked.message()

    async def privacy(self, who: Member) -> Message:
        asked = await self.server.command(who, self.room.channel, "privacy")
        message = await asked.message()
        assert message.ephemeral
        return message

    async def press(self, who: Member, message: Message, label: str) -> Message:
        told = await answered(await self.server.press(who, message, label))
        assert told.ephemeral
        return told

    async def shown(self, who: Member) -> dict[str, Any]:
        message = await self.press(who, await self.privacy(who), "Show me everything")
        (file,) = message.attachments
        data: dict[str, Any] = json.loads(file.data)
        return data

    async def delete(self, who: Member) -> str:
        asked = await self.press(who, await self.privacy(who), "Delete everything …")
        assert "for good" in asked.content
        done = await self.press(who, asked, "Yes, delete everything")
        return done.content


async def test_everything_is_shown_to_the_person_it_is_about(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    desk = Desk(discord_server)
    ada = desk.room.ada
    async with running_bot(discord_server, tmp_path):
        mine = await desk.generate(ada, "techno")
        theirs = await desk.generate(desk.ben, "house")
        for message in (mine, theirs):
            await clip_in(message)
        await (await discord_server.press(ada, theirs, "Favourite")).message()
        data = await desk.shown(ada)
    assert data["user_id"] == str(ada.user.id)
    (clip,) = data["clips"]
    assert (clip["prompt"], clip["channel_id"]) == ("techno", str(desk.room.channel.id))
    assert clip["kept"][0]["bytes"] > 100
    assert [favourite["clip"] for favourite in data["favourites"]] == [2]
    assert "house" not in json.dumps(data)
    assert "token" not in json.dumps(data)


async def test_everything_is_deleted_and_what_counts_goes_on_counting(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    desk = Desk(discord_server)
    ada = desk.room.ada
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        await desk.room.settings("limits", seconds_a_day_per_user=33)
        done, theirs = await desk.generate(ada, "techno"), await desk.generate(desk.ben, "house")
        for message in (done, theirs):
            await clip_in(message)
        await (await discord_server.press(ada, theirs, "Favourite")).message()
        running = await desk.generate(ada, "trap", seconds=30.0)
        waiting = await desk.generate(ada, "ambient", seconds=1.0)
        assert "3 clips have been deleted" in await desk.delete(ada)
        for message in (running, waiting):
            await message.until(lambda m: "Cancelled and deleted." in text_of(m))
        data = await desk.shown(ada)
        assert data["favourites"] == []
        assert {clip["prompt"] for clip in data["clips"]} == {""}
        assert "techno" not in json.dumps(data)
        pressed = await answered(await discord_server.press(ada, done, "Again"))
        assert "This clip is gone" in pressed.content
        listed = await (await discord_server.command(ada, desk.room.channel, "history")).message()
        assert "There is nothing here yet" in text_of(listed)
        refused = await desk.generate(ada, "dub", seconds=3.0)
        assert "You have 2 of your 33 seconds" in refused.content
        assert (await desk.shown(desk.ben))["clips"][0]["prompt"] == "house"
    database = (tmp_path / "musicgen-bot.sqlite3").read_bytes()
    assert b"house" in database
    for gone in (b"techno", b"ambient"):
        assert gone not in database


async def test_a_button_is_one_persons_alone_also_after_a_restart(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    desk = Desk(discord_server)
    ada = desk.room.ada
    async with running_bot(discord_server, tmp_path):
        await clip_in(await desk.generate(ada, "techno"))
        panel = await desk.privacy(ada)
        asked = await desk.press(ada, panel, "Delete everything …")
    async with running_bot(discord_server, tmp_path):
        for message, label in (
            (panel, "Show me everything"),
            (panel, "Delete everything …"),
            (asked, "Yes, delete everything"),
        ):
            told = await desk.press(desk.ben, message, label)
            assert "for somebody else" in told.content
            assert not told.attachments
        assert len((await desk.shown(ada))["clips"]) == 1
        told = await desk.press(ada, asked, "Yes, delete everything")
        assert "1 clip has been deleted" in told.content
