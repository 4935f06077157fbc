"""A sound file in a channel becomes a clip that goes on from its end."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.audio.judge import wav
from tests.audio.signals import stereo_band
from tests.discord_server.attachments import Attachment, Upload, keep
from tests.discord_server.interactions import Callback
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import bot_process, clip_in, running_bot, text_of
from tests.end_to_end.test_process import room, states

MENU = "Continue this audio"
GOES_ON = "Continues: the end of an uploaded file"


def song(channel: Channel, seconds: float = 3.0, name: str = "song.wav") -> Attachment:
    return keep(channel, Upload(name, wav(stereo_band(seconds))), {})


@pytest.mark.parametrize(
    ("file_seconds", "whole_seconds"), [(3.0, 5.0), (15.0, 12.0)], ids=["short", "long"]
)
async def test_a_file_becomes_a_clip_that_starts_with_its_last_ten_seconds(
    file_seconds: float, whole_seconds: float, discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada,
            channel,
            "continue",
            audio=song(channel, file_seconds),
            prompt="lofi beat",
            seconds=2.0,
        )
        message = await interaction.message()
        assert interaction.callback is Callback.DEFERRED_MESSAGE
        samples, rate = await clip_in(message)
    assert len(samples) == whole_seconds * rate
    assert not message.ephemeral
    assert message.attachments[0].filename == "lofi-beat.mp3"
    for part in ("lofi beat", GOES_ON, f"{whole_seconds:g} s"):
        assert part in text_of(message)
    assert discord_server.messages(channel) == [message]


async def test_a_clip_goes_on_from_the_menu_of_its_message_and_needs_no_prompt(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="slow piano", seconds=2.0
        )
        first = await interaction.message()
        await clip_in(first)
        interaction = await discord_server.message_command(ada, first, MENU)
        message = await interaction.message()
        samples, rate = await clip_in(message)
    assert message is not first
    assert len(samples) == 12 * rate
    text = text_of(message)
    assert "(no prompt)" in text
    assert GOES_ON in text
    assert "English" not in text


async def test_the_menu_takes_the_first_sound_that_somebody_posted(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    sound = wav(stereo_band(2.0))
    uploads = (Upload("notes.txt", b"words"), Upload("a.wav", sound), Upload("b.wav", b"no sound"))
    post = discord_server.post(ada, channel, "listen", *uploads)
    words = discord_server.post(ada, channel, "no files")
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.message_command(ada, post, MENU)
        samples, rate = await clip_in(await interaction.message())
        assert len(samples) == 12 * rate
        refused = await (await discord_server.message_command(ada, words, MENU)).message()
    assert refused.ephemeral
    assert "There is no audio file in this message" in refused.content


async def test_the_menu_takes_what_somebody_forwarded(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    song = Upload("song", wav(stereo_band(2.0)), "application/octet-stream")
    post = discord_server.post(ada, channel, "listen", Upload("cover.png", b"a picture"), song)
    forward = discord_server.forward(ada, channel, post)
    async with running_bot(discord_server, tmp_path, limit_clip_seconds=3):
        interaction = await discord_server.message_command(ada, forward, MENU)
        await clip_in(await interaction.message())


async def test_a_name_that_looks_like_an_option_is_only_a_name(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    audio = song(channel, 2.0, "-i.mp3")
    assert audio.filename == "-i.mp3"
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "continue", audio=audio, seconds=1.0
        )
        samples, rate = await clip_in(await interaction.message())
    assert len(samples) == 3 * rate


async def test_a_file_that_is_no_sound_is_told_in_private_and_the_next_is_served(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    bad = keep(channel, Upload("song.mp3", b"#EXTM3U\n/etc/passwd\n"), {})
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(ada, channel, "continue", audio=bad)
        told = await interaction.followup()
        assert told.ephemeral
        assert "cannot read this as an audio file" in told.content
        assert discord_server.messages(channel) == [told]
        interaction = await discord_server.command(
            ada, channel, "continue", audio=song(channel), seconds=1.0
        )
        await clip_in(await interaction.message())


async def test_a_file_that_is_gone_or_too_large_is_told_in_private(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    gone, large = song(channel), keep(channel, Upload("x.wav", bytes(25 * 2**20 + 1)), {})
    del discord_server.world.files[gone.id]
    async with running_bot(discord_server, tmp_path):
        for audio, sentence in ((gone, "no longer there"), (large, "larger than 25 MiB")):
            interaction = await discord_server.command(ada, channel, "continue", audio=audio)
            told = await interaction.followup()
            assert told.ephemeral
            assert sentence in told.content


async def test_an_impossible_length_is_told_at_once(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path):
        for seconds, sentence in (
            *((short, "`seconds` must be at least 1") for short in (0.5, -1.0, math.nan)),
            *((long, "You can add 1 to 29 seconds") for long in (29.5, 1e9, 1e30, math.inf)),
        ):
            interaction = await discord_server.forged_command(
                ada, channel, "continue", audio=song(channel), seconds=seconds
            )
            message = await interaction.message()
            assert interaction.callback is Callback.MESSAGE
            assert message.ephemeral
            assert sentence in message.content


async def test_the_limits_are_those_of_all_clips(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path, limit_cooldown_seconds=60):
        await discord_server.command(ada, channel, "generate", prompt="x", seconds=1.0)
        await discord_server.until(lambda: discord_server.messages(channel))
        interaction = await discord_server.command(ada, channel, "continue", audio=song(channel))
        message = await interaction.message()
    assert interaction.callback is Callback.MESSAGE
    assert message.ephemeral
    assert "one clip every" in message.content


async def test_the_longest_clip_has_as_much_of_the_file_as_fits(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    async with running_bot(discord_server, tmp_path, limit_clip_seconds=5):
        for seconds in (None, 3.3):
            options = {} if seconds is None else {"seconds": seconds}
            interaction = await discord_server.command(
                ada, channel, "continue", audio=song(channel, 8.0), **options
            )
            samples, rate = await clip_in(await interaction.message())
            assert len(samples) == 5 * rate


async def test_an_accepted_one_survives_a_kill(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    more = {"MUSICGEN_MAX_BATCH": "1", "LIMIT_CLIP_SECONDS": "300"}
    async with bot_process(discord_server, tmp_path, **more) as bot:
        await discord_server.command(ada, channel, "generate", prompt="x", seconds=300.0)
        interaction = await discord_server.command(
            ada, channel, "continue", audio=song(channel, 2.0), seconds=1.0
        )
        message = await (await interaction.message()).until(lambda message: message.embeds)
        await bot.kill()
    assert states(tmp_path) == {1: "running", 2: "waiting"}
    async with running_bot(discord_server, tmp_path / "data", limit_clip_seconds=300):
        samples, rate = await clip_in(message)
    assert len(samples) == 3 * rate
    assert GOES_ON in text_of(message)
    assert len(discord_server.messages(channel)) == 2


async def test_who_uploads_what_is_no_sound_again_and_again_has_to_wait(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    channel, ada = room(discord_server)
    assert channel.guild is not None
    ben = channel.guild.add_member("ben")
    bad = keep(channel, Upload("song.mp3", b"no sound"), {})
    async with running_bot(discord_server, tmp_path):
        for _ in range(2):
            interaction = await discord_server.command(ada, channel, "continue", audio=bad)
            assert "cannot read this" in (await interaction.followup()).content
        for audio in (bad, song(channel)):
            interaction = await discord_server.command(ada, channel, "continue", audio=audio)
            told = await interaction.message()
            assert interaction.callback is Callback.MESSAGE
            assert told.ephemeral
            assert "I could not use your last files; you can try another one in" in told.content
        interaction = await discord_server.command(
            ben, channel, "continue", audio=song(channel), seconds=1.0
        )
        await clip_in(await interaction.message())
