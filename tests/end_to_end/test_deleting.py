"""Deleting and cancelling: for whom, and what is left."""

from pathlib import Path

import discord
import pytest

from musicgen_bot.errors import StoreError
from musicgen_bot.store.jobs import JobStore
from tests.discord_server.people import everyone
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clips_in, running_bot
from tests.end_to_end.test_clips import answer, codes_of, labels, made, ordered, room, says

LONG = 30.0
MODERATOR = everyone() | discord.Permissions(manage_messages=True)


async def test_delete_is_for_the_owner_and_moderators_and_leaves_nothing(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    mod = ada.guild.add_member("mod", permissions=MODERATOR)
    async with running_bot(discord_server, tmp_path):
        first = await made(discord_server, ada, channel)
        second = await made(discord_server, ada, channel)
        looked_up = await discord_server.command(ben, channel, "clip", clip="1")
        private = await answer(looked_up)
        refused = await answer(await discord_server.press(ben, first, "Delete"))
        assert "Only the person who asked for this clip" in refused.content
        assert not first.deleted
        done = await (await discord_server.press(ada, first, "Delete")).followup()
        assert "Clip 1 has been deleted" in done.content
        assert done.ephemeral
        assert first.deleted
        await (await discord_server.press(mod, second, "Delete")).followup()
        assert second.deleted
        for label in ("Again", "Remix", "Extend", "WAV", "Favourite", "Delete"):
            told = await answer(await discord_server.press(ben, private, label))
            assert "it was deleted" in told.content
            assert told.ephemeral
    assert codes_of(tmp_path, 1) == codes_of(tmp_path, 2) == []


async def test_a_clip_that_was_looked_up_is_deleted_where_it_stands(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, _ = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel)
        private = await answer(await discord_server.command(ada, channel, "clip", clip="1"))
        await (await discord_server.press(ada, private, "Delete")).followup()
        assert message.deleted
        assert private.deleted


async def test_cancel_is_for_the_owner_and_moderators(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    mod = ada.guild.add_member("mod", permissions=MODERATOR)
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        running = await ordered(discord_server, ada, channel, seconds=LONG)
        waiting = await ordered(discord_server, ada, channel, seconds=LONG)
        assert labels(running) == labels(waiting) == ["Cancel"]
        refused = await (await discord_server.press(ben, waiting, "Cancel")).message()
        assert "Only the person who asked for this clip" in refused.content
        assert refused.ephemeral
        for person, message, said in (
            (mod, waiting, "Cancelled by a moderator."),
            (ada, running, "Cancelled."),
        ):
            told = await (await discord_server.press(person, message, "Cancel")).followup()
            assert told.ephemeral
            assert "has been cancelled" in told.content
            await says(message, said)
            assert labels(message) == []


async def test_a_clip_deleted_before_it_could_be_posted_is_posted_nowhere(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, _ = room(discord_server)
    hold = discord_server.faults.hold("PATCH", "/webhooks/*/messages/*")
    async with running_bot(discord_server, tmp_path):
        message = await ordered(discord_server, ada, channel)
        await hold.reached()
        private = await answer(await discord_server.command(ada, channel, "clip", clip="1"))
        while not private.attachments:  # it may still be in the making
            assert "never finished" in private.content
            private = await answer(await discord_server.command(ada, channel, "clip", clip="1"))
        done = await (await discord_server.press(ada, private, "Delete")).followup()
        assert "Clip 1 has been deleted" in done.content
        hold.release()
        second = await made(discord_server, ada, channel)
    assert message.deleted
    public = [each for each in discord_server.messages(channel) if not each.ephemeral]
    assert public == [second]


async def test_a_clip_that_could_not_be_deleted_is_delivered_all_the_same(
    discord_server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget(*_: object) -> None:
        raise StoreError("The disk is full; please free some space for the bot's database.")

    monkeypatch.setattr(JobStore, "forget", forget)
    channel, ada, _ = room(discord_server)
    hold = discord_server.faults.hold("PATCH", "/webhooks/*/messages/*")
    async with running_bot(discord_server, tmp_path):
        message = await ordered(discord_server, ada, channel)
        await hold.reached()
        private = await answer(await discord_server.command(ada, channel, "clip", clip="1"))
        while not private.attachments:  # it may still be in the making
            private = await answer(await discord_server.command(ada, channel, "clip", clip="1"))
        told = await (await discord_server.press(ada, private, "Delete")).followup()
        assert "The disk is full" in told.content
        hold.release()
        await clips_in(message)
