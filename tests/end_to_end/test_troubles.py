"""Discord refuses, stumbles, breaks off and forgets; the clip arrives all the same, once."""

import asyncio
import logging
from pathlib import Path

import pytest

from musicgen_bot.backends.local import LocalBackend
from musicgen_bot.errors import DiscordError, OutOfMemory
from musicgen_bot.generation import Clip
from tests.discord_server.messages import Message
from tests.discord_server.people import Member
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, running_bot, text_of

EDIT = ("PATCH", "/webhooks/*/messages/*")
ANSWER = ("POST", "/interactions/*/callback")


def room(server: DiscordServer, upload_limit: int = 10 * 2**20) -> tuple[Channel, Member]:
    guild = server.add_guild(upload_limit=upload_limit)
    return guild.add_channel("music"), guild.add_member("ada")


def clips_in(server: DiscordServer, channel: Channel) -> list[Message]:
    return [message for message in server.messages(channel) if message.attachments]


async def one_clip_arrives(server: DiscordServer, channel: Channel) -> Message:
    await server.until(lambda: clips_in(server, channel), "a clip in the channel")
    (message,) = clips_in(server, channel)
    await clip_in(message)
    return message


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_an_edit_that_is_refused_for_now_is_tried_again(
    status: int, discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    if status == 429:
        discord_server.faults.rate_limit(*EDIT, times=2)
    else:
        discord_server.faults.fail(*EDIT, status=status)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0
        )
        await clip_in(await interaction.message())
    assert len(clips_in(discord_server, channel)) == 1


@pytest.mark.parametrize("after", [False, True])
async def test_a_broken_connection_posts_neither_none_nor_two(
    after: bool, discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    discord_server.faults.reset(*EDIT, after=after)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0
        )
        message = await interaction.message()
        await discord_server.until(
            lambda: len([c for c in discord_server.requests if c.matches(*EDIT)]) >= 2
        )
        await clip_in(message)
    assert discord_server.messages(channel) == [message]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("trouble", ["reset", "502"])
async def test_an_answer_whose_receipt_is_lost_is_still_the_clips_message(
    trouble: str, after: bool, discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    if trouble == "reset":
        discord_server.faults.reset(*ANSWER, after=after)
    else:
        discord_server.faults.fail(*ANSWER, status=502, after=after)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0
        )
        message = await interaction.message()
        await clip_in(message)
    assert discord_server.messages(channel) == [message]


async def test_a_person_who_could_not_be_answered_gets_the_clip_all_the_same(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        hold = discord_server.faults.hold(*ANSWER)
        await discord_server.command(ada, channel, "generate", prompt="house", seconds=1.0)
        await hold.reached()
        discord_server.clock.advance(4)
        hold.release()
        message = await one_clip_arrives(discord_server, channel)
    assert not message.pinged


async def test_after_fifteen_minutes_the_bot_edits_as_itself(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=9.0
        )
        message = await interaction.message()
        interaction.expire()
        await clip_in(message)
    assert discord_server.messages(channel) == [message]


async def test_a_deleted_message_is_replaced_by_a_new_one_that_pings_nobody(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=9.0
        )
        message = await interaction.message()
        message.delete()
        new = await one_clip_arrives(discord_server, channel)
    assert new is not message
    assert not new.pinged
    assert ada.mention in text_of(new)


@pytest.mark.parametrize("reachable", [True, False])
async def test_a_clip_that_may_go_nowhere_is_kept_and_its_owner_told_where_that_may_be(
    reachable: bool,
    discord_server: DiscordServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel, ada = room(discord_server)
    caplog.set_level(logging.INFO)
    ada.user.takes_messages = reachable
    direct = discord_server.direct_channel(ada.user)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=9.0
        )
        await interaction.message()
        channel.delete()
        interaction.expire()
        refused = await discord_server.requested("POST", f"/channels/{channel.id}/messages")
        assert refused.status == 404
        told = await discord_server.requested("POST", f"/channels/{direct.id}/messages")
        assert told.status == (200 if reachable else 403)
        other = channel.guild.add_channel("other") if channel.guild else channel
        again = await discord_server.command(ada, other, "generate", prompt="techno", seconds=1.0)
        await clip_in(await again.message())
    assert "job 1 is kept" in caplog.text
    assert ("job 1: its owner could not be told" in caplog.text) is not reachable
    notes = [message.content for message in discord_server.messages(direct)]
    ready = "Your clip `house` is ready, but I cannot post it where you asked for it; `/clip 1`"
    assert notes == ([f"{ready} plays it."] if reachable else [])


async def test_what_could_not_be_made_is_told_directly_where_the_channel_is_gone(
    discord_server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = asyncio.Event()

    async def generate(*_: object) -> Clip:
        await gone.wait()
        raise OutOfMemory("The device ran out of memory; please ask for a shorter clip.")

    monkeypatch.setattr(LocalBackend, "generate", generate)
    channel, ada = room(discord_server)
    direct = discord_server.direct_channel(ada.user)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(ada, channel, "generate", prompt="house")
        await interaction.message()
        channel.delete()
        gone.set()
        await discord_server.until(lambda: discord_server.messages(direct), "a direct message")
    (note,) = discord_server.messages(direct)
    assert note.content == "`house`\nThe device ran out of memory; please ask for a shorter clip."


async def test_who_was_told_before_a_crash_is_not_told_again(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    direct = discord_server.direct_channel(ada.user)
    tell = ("POST", f"/channels/{direct.id}/messages")
    hold = discord_server.faults.hold(*tell, after=True)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=9.0
        )
        await interaction.message()
        channel.delete()
        await hold.reached()
        assert len(discord_server.messages(direct)) == 1
    discord_server.faults.clear()
    async with running_bot(discord_server, tmp_path):
        await discord_server.until(
            lambda: [
                call for call in discord_server.requests if call.matches(*tell) and call.status
            ]
        )
    assert len(discord_server.messages(direct)) == 1


async def test_a_file_that_is_too_large_goes_out_smaller(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server, upload_limit=40_000)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=5.0
        )
        message = await interaction.message()
        samples, rate = await clip_in(message)
    assert len(samples) == 5 * rate
    assert message.attachments[0].size <= 40_000
    assert any(call.status == 413 for call in discord_server.requests)


async def test_commands_typed_while_the_connection_was_down_are_not_missed(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        first = await discord_server.command(ada, channel, "generate", prompt="house", seconds=1.0)
        discord_server.gateway.drop()
        await clip_in(await first.message())
        second = await discord_server.command(
            ada, channel, "generate", prompt="techno", seconds=1.0
        )
        await clip_in(await second.message())
    assert discord_server.gateway.resumed


async def test_a_heartbeat_is_answered_while_a_clip_is_made(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=30.0
        )
        message = await interaction.message()
        await discord_server.gateway.heartbeat()
        assert not message.attachments
        await clip_in(message)


async def test_a_wrong_token_is_told_before_anything_is_loaded(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    with pytest.raises(DiscordError, match="does not accept DISCORD_TOKEN"):
        async with running_bot(discord_server, tmp_path, discord_token="wrong"):
            pass


async def test_a_token_withdrawn_while_the_bot_runs_is_told(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    async with running_bot(discord_server, tmp_path) as run:
        discord_server.revoke_token()
        with pytest.raises(DiscordError, match="withdrawn DISCORD_TOKEN"):
            await run.task
