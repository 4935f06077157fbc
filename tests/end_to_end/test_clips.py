"""The buttons below a clip do what they say, for whom they should, in this run and the next."""

import io
import sqlite3
from pathlib import Path
from typing import Any

import discord
import numpy as np
import pytest
import soundfile

from tests.discord_server.components import buttons
from tests.discord_server.interactions import Interaction
from tests.discord_server.messages import Message
from tests.discord_server.people import Member, everyone
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, clips_in, running_bot, text_of

LONG = 30.0
MODERATOR = everyone() | discord.Permissions(manage_messages=True)


def room(server: DiscordServer) -> tuple[Channel, Member, Member]:
    guild = server.add_guild()
    return guild.add_channel("music"), guild.add_member("ada"), guild.add_member("ben")


async def ordered(
    server: DiscordServer, person: Member, channel: Channel, **options: Any
) -> Message:
    """Return the message that promises a clip."""
    options = {"prompt": "slow rain", "seconds": 1.0} | options
    return await (await server.command(person, channel, "generate", **options)).message()


async def made(server: DiscordServer, person: Member, channel: Channel, **options: Any) -> Message:
    """Return a message with a finished clip."""
    message = await ordered(server, person, channel, **options)
    await clips_in(message)
    return message


async def answer(interaction: Interaction) -> Message:
    """Return the final answer, where there may first have been one that the bot is thinking."""
    return await (await interaction.message()).until(lambda m: not m.loading)


async def says(message: Message, text: str) -> None:
    """Wait until a message reads so."""
    await message.until(lambda m: text in text_of(m))


def field(message: Message, name: str) -> str:
    (embed,) = message.embeds
    return next(str(each["value"]) for each in embed["fields"] if each["name"] == name)


def labels(message: Message) -> list[str]:
    return [button["label"] for button in buttons(message.components)]


def codes_of(folder: Path, job_id: int) -> list[np.ndarray[Any, np.dtype[np.int16]]]:
    """Return what the database of a stopped bot has of a job's clips."""
    connection = sqlite3.connect(folder / "musicgen-bot.sqlite3")
    rows = connection.execute(
        "SELECT codes FROM clips WHERE job_id = ? ORDER BY variation", (job_id,)
    ).fetchall()
    connection.close()
    return [np.load(io.BytesIO(row[0])) for row in rows]


async def test_again_makes_another_for_the_one_who_pressed(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        first = await made(discord_server, ada, channel, seed=7, guidance=4.5)
        assert labels(first) == ["Again", "Remix", "Extend", "WAV", "Favourite", "Delete"]
        second = await (await discord_server.press(ben, first, "Again")).message()
        assert not second.ephemeral
        await clip_in(second)
    assert field(first, "For") == ada.mention
    assert field(second, "For") == ben.mention
    assert field(second, "Guidance") == field(first, "Guidance") == "4.5"
    assert field(second, "Seed") != field(first, "Seed") == "`7`"
    assert discord_server.messages(channel) == [first, second]
    assert not second.pinged


async def test_remix_opens_the_recipe_and_makes_what_was_changed(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        first = await made(discord_server, ada, channel, seed=7, style="Trap", temperature=0.9)
        opened = await discord_server.press(ben, first, "Remix")
        form = await opened.modal()
        fields = {each["component"]["custom_id"]: each["component"] for each in form["components"]}
        shown = {name: fields[name]["value"] for name in ("prompt", "seconds", "seed", "guidance")}
        assert shown == {"prompt": "slow rain", "seconds": "1", "seed": "7", "guidance": "3"}
        chosen = [each["value"] for each in fields["style"]["options"] if each.get("default")]
        assert chosen == ["Trap"]
        sent = await discord_server.submit(
            ben, opened, prompt="fast rain", style=[], seconds="1,5", seed="", guidance="5"
        )
        second = await sent.message()
        samples, rate = await clip_in(second)
    assert len(samples) == 1.5 * rate
    text = text_of(second)
    assert "`fast rain`" in text
    assert "Style" not in text
    assert field(second, "Guidance") == "5"
    assert field(second, "Temperature") == "0.9"
    assert field(second, "Seed") != "`7`"
    assert field(second, "For") == ben.mention


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("seconds", "a while", "The length must be a number"),
        ("seconds", "31", "at most 30 seconds"),
        ("seconds", "nan", "greater than 0"),
        ("seed", "-1", "whole number from 0"),
        ("seed", "99999999999", "whole number from 0"),
        ("guidance", "11", "at most 10"),
        ("prompt", "  ", "say what you would like to hear"),
    ],
)
async def test_a_form_filled_in_wrongly_gets_one_private_sentence(
    name: str, value: str, sentence: str, discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, _ = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel)
        opened = await discord_server.press(ada, message, "Remix")
        refused = await (await discord_server.submit(ada, opened, **{name: value})).message()
    assert sentence in refused.content
    assert refused.ephemeral


async def test_extend_goes_on_from_the_clips_own_codes_up_to_the_longest(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    async with running_bot(discord_server, tmp_path, limit_clip_seconds=12.5):
        first = await made(discord_server, ada, channel, seconds=2.0)
        second = await (await discord_server.press(ben, first, "Extend")).message()
        await clip_in(second)
        third = await (await discord_server.press(ben, second, "Extend")).message()
        samples, rate = await clip_in(third)
        full = await (await discord_server.press(ben, third, "Extend")).message()
        assert full.ephemeral
        assert "clips cannot be longer here" in full.content
    assert len(samples) == 12.5 * rate
    assert field(second, "Length") == "12 s"
    assert field(third, "Length") == "12.5 s"
    assert field(second, "Continues")
    (start,), (longer,), (longest,) = (codes_of(tmp_path, n) for n in (1, 2, 3))
    assert (longer[:, : start.shape[1]] == start).all()
    assert (longest[:, : longer.shape[1]] == longer).all()


async def test_wav_is_sent_to_the_one_who_pressed_if_it_is_small_enough(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel)
        sent = await answer(await discord_server.press(ben, message, "WAV"))
        (wav,) = sent.attachments
        assert sent.ephemeral
        assert wav.filename == "slow-rain.wav"
        samples, rate = soundfile.read(io.BytesIO(wav.data))
        assert len(samples) == rate
        ada.guild.upload_limit = 30_000
        refused = await answer(await discord_server.press(ben, message, "WAV"))
        assert refused.ephemeral
        assert not refused.attachments
        assert "please use the MP3" in refused.content


async def test_favourite_is_switched_on_and_off_in_private(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel)

        async def pressed(label: str = "Favourite") -> str:
            told = await (await discord_server.press(ben, message, label)).message()
            assert told.ephemeral
            return told.content

        async def favourites(person: Member) -> str:
            listed = await discord_server.command(person, channel, "favourites")
            return text_of(await listed.message())

        assert "is now in your" in await pressed()
        assert "`slow rain`" in await favourites(ben)
        assert "slow rain" not in await favourites(ada)
        assert "no longer one of your favourites" in await pressed()
        assert "slow rain" not in await favourites(ben)


async def test_variations_come_in_one_message_and_one_picks_among_them(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel, variations=3, seed=2**32 - 2)
        clips = await clips_in(message)
        assert [len(samples) for samples, _ in clips] == [16000] * 3
        assert not np.array_equal(clips[0][0], clips[1][0])
        names = [attachment.filename for attachment in message.attachments[:3]]
        assert names == [f"slow-rain-{n}.mp3" for n in (1, 2, 3)]
        assert field(message, "Seeds") == "`4294967294` `4294967295` `0`"

        asked = await (await discord_server.press(ben, message, "WAV")).message()
        assert asked.ephemeral
        assert labels(asked) == ["Variation 1", "Variation 2", "Variation 3"]
        sent = await answer(await discord_server.press(ben, asked, "Variation 2"))
        assert sent.attachments[0].filename == "slow-rain-2.wav"

        asked = await (await discord_server.press(ben, message, "Extend")).message()
        longer = await (await discord_server.press(ben, asked, "Variation 3")).message()
        await clip_in(longer)
        again = await (await discord_server.press(ben, message, "Again")).message()
        assert len(await clips_in(again)) == 3
    third, extended = codes_of(tmp_path, 1)[2], codes_of(tmp_path, 2)[0]
    assert (extended[:, : third.shape[1]] == third).all()


async def test_several_clips_share_the_room_that_uploads_have(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild(upload_limit=90_000)
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel, variations=2, seconds=5.0)
    assert sum(attachment.size for attachment in message.attachments) <= 2 * 90_000


async def test_buttons_and_forms_of_a_former_run_still_work(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel, style="Trap", variations=2)
        opened = await discord_server.press(ben, message, "Remix")
        asked = await (await discord_server.press(ben, message, "WAV")).message()
        await opened.modal()
    async with running_bot(discord_server, tmp_path):
        sent = await discord_server.submit(ben, opened, prompt="from before")
        remixed = await sent.message()
        assert len(await clips_in(remixed)) == 2
        assert "`from before`" in text_of(remixed)
        assert "`Trap`" in text_of(remixed)
        again = await (await discord_server.press(ben, message, "Again")).message()
        await clips_in(again)
        wav = await answer(await discord_server.press(ben, asked, "Variation 1"))
        assert wav.attachments
        done = await (await discord_server.press(ada, message, "Delete")).followup()
        assert "deleted" in done.content
    assert message.deleted


async def test_buttons_obey_the_same_limits_as_the_command(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, _ = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel)
        opened = await discord_server.press(ada, message, "Remix")
        await opened.modal()
    async with running_bot(discord_server, tmp_path, limit_cooldown_seconds=3600):
        for label in ("Again", "Extend"):
            told = await (await discord_server.press(ada, message, label)).message()
            assert told.ephemeral
            assert "one clip every" in told.content
        told = await (await discord_server.submit(ada, opened)).message()
        assert "one clip every" in told.content


async def test_what_another_model_made_can_be_made_anew_but_not_gone_on_from(
    discord_server: DiscordServer, tmp_path: Path, random_checkpoint: Path
) -> None:
    channel, ada, _ = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel)
    other = str(random_checkpoint)
    async with running_bot(discord_server, tmp_path, musicgen_model=other):
        for label in ("Extend", "WAV"):
            told = await answer(await discord_server.press(ada, message, label))
            assert "by a different model" in told.content
            assert told.ephemeral


async def test_who_is_blocked_has_no_sound_made_again(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    rights = everyone() | discord.Permissions(moderate_members=True)
    mia = ada.guild.add_member("mia", permissions=rights)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel)
        await (await discord_server.command(mia, channel, "block", member=ben)).message()
        for person, blocked in ((ben, True), (ada, False)):
            wav = await answer(await discord_server.press(person, message, "WAV"))
            found = await answer(await discord_server.command(person, channel, "clip", clip="1"))
            for told in (wav, found):
                assert told.ephemeral
                assert ("have blocked you" in told.content) is blocked
                assert bool(told.attachments) is not blocked


async def test_presses_at_once_have_one_clip_made_again(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada, ben = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await made(discord_server, ada, channel)
        hold = discord_server.faults.hold("POST", "/interactions/*/callback")
        first = await discord_server.press(ben, message, "WAV")
        await hold.reached()
        told = await answer(await discord_server.press(ben, message, "WAV"))
        assert "still on its way" in told.content
        assert (await answer(await discord_server.press(ada, message, "WAV"))).attachments
        hold.release()
        assert (await answer(first)).attachments
        assert (await answer(await discord_server.press(ben, message, "WAV"))).attachments
