"""What goes on from a file obeys the server, keeps what it goes on from, and may be in stereo."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.engine.random_model import RandomModelSizes, build_random_model
from musicgen_bot.errors import AudioError
from tests.audio.judge import wav
from tests.audio.signals import stereo_band
from tests.audio.stand_in import install_ffmpeg, needs_a_shell
from tests.discord_server.attachments import Upload
from tests.discord_server.people import everyone
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room, answered
from tests.end_to_end.running import clip_in, clips_in, running_bot, text_of
from tests.end_to_end.test_clips import codes_of, field, labels
from tests.end_to_end.test_continue import GOES_ON, MENU, song


async def test_the_servers_settings_hold_before_a_file_is_fetched(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    djs = room.guild.add_role("djs")
    rights = everyone() | discord.Permissions(moderate_members=True)
    mia = room.guild.add_member("mia", permissions=rights)
    post = discord_server.post(room.ada, room.channel, "", Upload("a.wav", wav(stereo_band(2.0))))
    (audio,) = post.attachments
    discord_server.world.files.clear()

    async def refusals() -> str:
        typed = await discord_server.command(room.ada, room.channel, "continue", audio=audio)
        first = await typed.message()
        chosen = await discord_server.message_command(room.ada, post, MENU)
        second = await chosen.message()
        assert first.ephemeral
        assert second.ephemeral
        assert first.content == second.content
        return first.content

    async def block(name: str) -> None:
        await (await discord_server.command(mia, room.channel, name, member=room.ada)).message()

    async with running_bot(discord_server, tmp_path):
        room.channel.forbid("attach_files")
        assert "Attach Files" in await refusals()
        room.channel.allow("attach_files")
        await room.settings("channels", add=room.other)
        assert "other channels" in await refusals()
        await room.settings("channels", everywhere=True)
        await room.settings("roles", role=djs, grant="roles")
        assert "you need a role" in await refusals()
        room.ada.roles.append(djs)
        await block("block")
        assert "have blocked you" in await refusals()
        await block("unblock")
        await room.settings("words", add="kazoo")
        typed = await discord_server.command(
            room.ada, room.channel, "continue", audio=audio, prompt="kazoo solo"
        )
        assert "does not want “kazoo”" in (await typed.message()).content
        chosen = await discord_server.message_command(room.ada, post, MENU)
        assert "no longer there" in (await chosen.followup()).content


async def test_a_file_is_gone_on_from_for_as_long_as_the_server_allows(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)

    async def go_on(seconds: float | None = None) -> str:
        options = {} if seconds is None else {"seconds": seconds}
        interaction = await discord_server.command(
            room.ada, room.channel, "continue", audio=song(room.channel, 3.0), **options
        )
        return text_of(await answered(interaction))

    async with running_bot(discord_server, tmp_path):
        await room.settings("limits", longest_clip_seconds=1)
        assert "too short to continue a file" in await go_on()
        await room.settings("limits", longest_clip_seconds=5, seconds_a_day_per_user=3)
        assert "You can add 1 to 4 seconds" in await go_on(4.5)
        interaction = await discord_server.command(
            room.ada, room.channel, "continue", audio=song(room.channel, 3.0), seconds=2.0
        )
        samples, rate = await clip_in(await interaction.message())
        assert len(samples) == 5 * rate
        # Only what is added is spent, so it is known before the file is read.
        assert "You have 1 of your 3 seconds of music left" in await go_on(2.0)
        assert "clip 2" in await go_on(1.0)
        assert "used up your 3 seconds of music" in await go_on(1.0)


async def test_its_buttons_keep_what_it_goes_on_from(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            room.ada, room.channel, "continue", audio=song(room.channel, 2.0), seconds=1.0
        )
        first = await interaction.message()
        await clips_in(first)
        assert labels(first) == ["Again", "Remix", "Extend", "WAV", "Favourite", "Delete"]
    async with running_bot(discord_server, tmp_path):
        again = await (await discord_server.press(room.ada, first, "Again")).message()
        await clips_in(again)
        opened = await discord_server.press(room.ada, again, "Remix")
        await opened.modal()
        unprompted = await (await discord_server.submit(room.ada, opened)).message()
        await clips_in(unprompted)
        remixed = await (
            await discord_server.submit(room.ada, opened, prompt="house", seconds="4")
        ).message()
        await clips_in(remixed)
        extended = await (await discord_server.press(room.ada, first, "Extend")).message()
        await clips_in(extended)
    assert "`(no prompt)`" in text_of(unprompted)
    assert "`house`" in text_of(remixed)
    for message in (first, again, unprompted, remixed):
        assert GOES_ON in text_of(message)
    assert field(extended, "Continues") == "an earlier clip"
    start = codes_of(tmp_path, 1)[0][:, :100]
    for job_id in (2, 3, 4, 5):
        assert (codes_of(tmp_path, job_id)[0][:, :100] == start).all()


async def test_a_stereo_model_goes_on_in_stereo(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    model = tmp_path / "stereo"
    with quiet_transformers():
        build_random_model(model, RandomModelSizes(codebooks=8, channels=2))
    async with running_bot(discord_server, tmp_path, musicgen_model=str(model)):
        interaction = await discord_server.command(
            room.ada, room.channel, "continue", audio=song(room.channel, 2.0), seconds=1.0
        )
        samples, rate = await clip_in(await interaction.message())
    assert samples.shape == (3 * rate, 2)
    assert (codes_of(tmp_path, 1)[0]).shape == (8, 150)


@needs_a_shell
async def test_a_host_without_ffmpeg_is_told_in_one_sentence(
    discord_server: DiscordServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = Room(discord_server)
    bundled = find_ffmpeg().path
    programs = tmp_path / "bin"
    programs.mkdir()
    installed = install_ffmpeg(programs, monkeypatch, f'exec {bundled} "$@"')
    async with running_bot(discord_server, tmp_path):
        installed.unlink()
        monkeypatch.setenv("PATH", str(programs))
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(programs / "missing"))
        interaction = await discord_server.command(
            room.ada, room.channel, "continue", audio=song(room.channel, 2.0), seconds=1.0
        )
        told = await interaction.followup()
    assert told.ephemeral
    assert told.content.startswith("There is no ffmpeg")
    assert "ask the host to install ffmpeg" in told.content
    assert "What a person asked for could not be done: There is no ffmpeg" in caplog.text
    assert discord_server.messages(room.channel) == [told]


async def test_a_bot_without_ffmpeg_does_not_start(
    discord_server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "missing"))
    with pytest.raises(AudioError, match="There is no ffmpeg here"):
        async with running_bot(discord_server, tmp_path):
            pass
