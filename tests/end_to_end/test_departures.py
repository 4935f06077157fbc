"""People leave, threads are put away, the bot is thrown out: no clip is lost, and others go on."""

from pathlib import Path

import pytest

from tests.discord_server.interactions import Interaction
from tests.discord_server.people import Member, User
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import clip_in, running_bot, text_of


async def test_what_was_asked_for_in_a_place_that_closed_is_kept_and_found(
    discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room, other = Room(discord_server), Room(discord_server, "Elsewhere")
    ada = room.ada.user
    there = other.guild.add_member(ada)
    direct = discord_server.direct_channel(ada)
    thread = other.guild.add_thread("tunes", other.channel)
    async with running_bot(
        discord_server, tmp_path, musicgen_max_batch=1, limit_waiting_per_user=4
    ):

        async def ask(who: Member | User, where: Channel, prompt: str) -> Interaction:
            seconds = 3.0 if prompt == "house" else 1.0
            asked = await discord_server.command(
                who, where, "generate", prompt=prompt, seconds=seconds
            )
            await asked.message()
            return asked

        places = ((room.ada, room.channel, "house"), (room.ada, room.channel, "techno"))
        closed = [await ask(*each) for each in (*places, (there, thread, "trap"))]
        last = await ask(ada, direct, "ambient")
        for interaction in closed:
            interaction.expire()
        room.guild.remove_bot()
        thread.archive(lock=True)
        await clip_in(await last.message())

        async def listed() -> str:
            asked = await discord_server.command(ada, direct, "history")
            return text_of(await asked.message())

        kept = ("`house`", "`techno`", "`trap`")
        text = await listed()
        while any(prompt not in text for prompt in kept):  # the last may still be about to be
            text = await listed()
        found = await discord_server.command(ada, direct, "clip", clip="3")
        await clip_in(await found.message())
    assert "failed" not in caplog.text
    assert discord_server.messages(thread)[0].history[-1].attachments == []


async def test_a_member_who_left_has_their_clip_posted_all_the_same(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=3.0
        )
        message = await asked.message()
        room.guild.members.remove(room.ada)
        asked.expire()
        await clip_in(message)
        assert room.ada.mention in text_of(message)
        again = await (await discord_server.press(room.grace, message, "Again")).message()
        await clip_in(again)
    assert not message.pinged


async def test_a_thread_that_was_put_away_is_taken_out_again_for_its_clip(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    ben = room.guild.add_member("ben")
    thread = room.guild.add_thread("tunes", room.channel)
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, thread, "generate", prompt="house", seconds=9.0
        )
        message = await asked.message()
        thread.archive()
        await discord_server.until(lambda: len(discord_server.messages(thread)) > 1, "a new one")
        new = discord_server.messages(thread)[1]
        await clip_in(new)
        assert not thread.archived
        assert not message.attachments
        assert not new.pinged
        # Once it is put away for good, the clip is still found, and can be deleted.
        thread.archive(lock=True)
        text = ""
        while "house" not in text:  # that it is posted may still be about to be written down
            found = await discord_server.command(ben, room.channel, "history", whose="this server")
            text = text_of(await found.message())
        found = await discord_server.command(ben, room.channel, "clip", clip="1")
        await clip_in(await found.message())
        found = await discord_server.command(room.ada, room.channel, "clip", clip="1")
        shown = await found.message()
        await clip_in(shown)
        done = await (await discord_server.press(room.ada, shown, "Delete")).followup()
        assert "has been deleted" in done.content
        found = await discord_server.command(room.ada, room.channel, "clip", clip="1")
        assert "This clip is gone" in text_of(await found.message())
