"""A server's settings hold for every way to ask for a clip, not only for `/generate`."""

import sqlite3
from pathlib import Path

from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import clips_in, running_bot, text_of


async def test_buttons_and_forms_obey_the_servers_settings(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    djs = room.guild.add_role("djs")
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="kazoo solo", seconds=1.0
        )
        message = await asked.message()
        await clips_in(message)
        opened = await discord_server.press(room.ada, message, "Remix")
        await opened.modal()

        async def refusals() -> list[str]:
            used = [
                await discord_server.press(room.ada, message, "Again"),
                await discord_server.press(room.ada, message, "Extend"),
                await discord_server.submit(room.ada, opened),
            ]
            answers = [await each.message() for each in used]
            assert all(each.ephemeral for each in answers)
            return [each.content for each in answers]

        room.channel.forbid("attach_files")
        assert all("Attach Files" in text for text in await refusals())
        room.channel.allow("attach_files")
        await room.settings("words", add="kazoo")
        assert all("does not want “kazoo”" in text for text in await refusals())
        await room.settings("words", clear=True)
        await room.settings("channels", add=room.other)
        assert all("other channels" in text for text in await refusals())
        await room.settings("channels", everywhere=True)
        await room.settings("roles", role=djs, grant="roles")
        assert all("you need a role" in text for text in await refusals())
        room.ada.roles.append(djs)
        again = await (await discord_server.press(room.ada, message, "Again")).message()
        assert "clip 2" in text_of(again)


async def test_extend_and_variations_stop_at_what_the_server_allows(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0, variations=2
        )
        message = await asked.message()
        assert len(await clips_in(message)) == 2
        await room.settings("limits", longest_clip_seconds=3, most_variations=1)
        refused = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0, variations=2
        )
        assert "at most 1 variation here; you asked for 2" in (await refused.message()).content
        again = await (await discord_server.press(room.ada, message, "Again")).message()
        assert len(await clips_in(again)) == 1
        longer = await (await discord_server.press(room.ada, again, "Extend")).message()
        await clips_in(longer)
        assert "Length: 3 s" in text_of(longer)
        full = await (await discord_server.press(room.ada, longer, "Extend")).message()
        assert "clips cannot be longer here" in full.content


async def test_settings_that_are_valid_no_more_lock_nobody_out(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        await room.settings("timezone", zone="Europe/Berlin")
        await room.settings("limits", seconds_a_day_per_user=60)
    # As if the system had lost that time zone since.
    with sqlite3.connect(tmp_path / "musicgen-bot.sqlite3") as connection:
        connection.execute(
            "UPDATE guild_settings SET settings = replace(settings, 'Europe/Berlin', 'Europe/Bonn')"
        )
    connection.close()
    async with running_bot(discord_server, tmp_path):
        assert "clip 1" in await room.generate()
        assert "UTC" in text_of(await room.settings("show"))
        assert "Everything is back to the host's values" in text_of(await room.settings("reset"))
        assert "clip 2" in await room.generate()
