"""Discord refuses for good, or a message is not known any more: people learn of it all the same."""

from pathlib import Path

import pytest

from tests.discord_server.errors import Problem
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, running_bot, text_of
from tests.end_to_end.test_troubles import ANSWER, room


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
