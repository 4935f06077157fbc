"""Discord refuses, stumbles, breaks off and forgets; the clip arrives all the same, once."""

import asyncio
import logging
from pathlib import Path

import pytest

from musicgen_bot.backends.local import LocalBackend
from musicgen_bot.errors import DiscordError, OutOfMemory
from musicgen_bot.generation import Clip
from tests.discord_server.errors import Problem
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


@pytest.mark.parametrize("problem", [Problem.INVALID_BODY, Problem.MISSING_PERMISSIONS])
@pytest.mark.parametrize("by_token", [True, False])
async def test_a_clip_that_discord_does_not_take_is_kept_and_its_message_says_so(
    by_token: bool,
    problem: Problem,
    discord_server: DiscordServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=3.0
        )
        message = await interaction.message()
        if not by_token:
            interaction.expire()
        discord_server.faults.refuse(
            "PATCH", "*", problem, times=1000, where=lambda body: body["attachments"]
        )
        await message.until(lambda m: not m.components)
        assert message.content == (
            "Your clip is ready, but Discord did not take it; `/clip 1` plays it."
        )
        assert not message.embeds
        discord_server.faults.clear()
        found = await discord_server.command(ada, channel, "clip", clip="1")
        await clip_in(await found.message())
        assert discord_server.messages(channel) == [message, await found.message()]
    assert "job 1 is kept" in caplog.text


async def test_a_clip_that_is_too_large_however_small_it_is_made_is_told_so(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    discord_server.faults.refuse(
        "PATCH", "*", Problem.TOO_LARGE, times=1000, where=lambda body: body["attachments"]
    )
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0
        )
        message = await interaction.message()
        await message.until(lambda m: not m.components)
    assert "can be uploaded here; please make a shorter one." in text_of(message)
    assert discord_server.messages(channel) == [message]
    assert 1 < len([call for call in discord_server.requests if call.status == 413]) < 10


async def test_what_no_edit_may_show_is_told_in_a_new_message(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=3.0
        )
        await interaction.message()
        discord_server.faults.refuse("PATCH", "*", Problem.INVALID_BODY, times=1000)
        await discord_server.until(lambda: len(discord_server.messages(channel)) > 1, "a new one")
        new = discord_server.messages(channel)[1]
        assert "did not take it; `/clip 1` plays it." in new.content
        assert not new.pinged


async def test_what_neither_an_edit_nor_a_message_may_show_is_told_directly(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    direct = discord_server.direct_channel(ada.user)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=3.0
        )
        await interaction.message()
        discord_server.faults.refuse("PATCH", "*", Problem.INVALID_BODY, times=1000)
        post = ("POST", f"/channels/{channel.id}/messages")
        discord_server.faults.refuse(*post, Problem.INVALID_BODY, times=1000)
        await discord_server.until(lambda: discord_server.messages(direct), "a direct message")
    (note,) = discord_server.messages(direct)
    assert "Your clip `house` is ready, but I cannot post it" in note.content
    assert len([call for call in discord_server.requests if call.matches(*post)]) == 1


async def test_a_cancelled_clip_whose_message_takes_no_embed_says_so_without(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=30.0
        )
        message = await interaction.message()
        discord_server.faults.refuse(
            "PATCH", "*", Problem.INVALID_BODY, times=1000, where=lambda body: body["embeds"]
        )
        await (await discord_server.command(ada, channel, "cancel")).message()
        await message.until(lambda m: m.content == "Cancelled.")
    assert not message.components
    assert [each for each in discord_server.messages(channel) if not each.ephemeral] == [message]


async def test_an_answer_that_was_never_written_down_is_found_where_the_token_is_too_old(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    discord_server.faults.reset(*ANSWER, after=True, times=3)
    # That the answer got through is asked for in vain as well.
    discord_server.faults.reset("GET", "/webhooks/*", times=3)
    async with running_bot(discord_server, tmp_path):
        for _ in range(3):
            discord_server.post(ada, channel, "chatter")
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=3.0
        )
        message = await interaction.message()
        interaction.expire()
        await clip_in(message)
    assert [each for each in discord_server.messages(channel) if each.embeds] == [message]


async def test_an_answer_that_cannot_be_found_again_is_ended_by_its_own_button(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    channel.forbid("read_message_history")
    discord_server.faults.reset(*ANSWER, after=True, times=3)
    discord_server.faults.reset("GET", "/webhooks/*", times=3)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=30.0
        )
        message = await interaction.message()
        interaction.expire()
        await discord_server.press(ada, message, "Cancel")
        await message.until(lambda m: "Cancelled." in text_of(m))
    assert not message.components


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
