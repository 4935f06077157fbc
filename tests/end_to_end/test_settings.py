"""Admins set what holds in their server, by clicking and by typing, and it holds at once."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.discord_server.attachments import Upload, keep
from tests.discord_server.commands import NotTypeable
from tests.discord_server.controls import controls_in
from tests.discord_server.interactions import Interaction
from tests.discord_server.places import CATEGORY
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import running_bot, text_of


async def chosen_in(opened: Interaction, name: str) -> list[int]:
    """Return the ids of the channels, or roles, that a form opens with."""
    modal = await opened.modal()
    (select,) = (c for c in controls_in(modal["components"]) if c["custom_id"] == name)
    return [int(value["id"]) for value in select.get("default_values", [])]


async def test_the_panel_shows_all_and_its_controls_change_it(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    djs, vips = room.guild.add_role("djs", mentionable=True), room.guild.add_role("vips")
    server, grace = discord_server, room.grace
    async with running_bot(server, tmp_path):
        panel = await room.settings("show")
        assert "Longest clip: **not set** (host: 30 s at most)" in text_of(panel)
        assert "everywhere" in text_of(panel)

        async def send(button: str, **fields: Any) -> None:
            await room.fill_in(panel, await server.click(grace, panel, button), **fields)

        await send("settings:places", channels=[room.other], roles=[djs], unlimited_roles=[vips])
        for shown in (
            f"Channels: <#{room.other.id}>",
            f"Roles that can use the bot: <@&{djs.id}>",
            f"Roles without limits: <@&{vips.id}>",
        ):
            assert shown in text_of(panel)
        opened = await server.click(grace, panel, "settings:places")
        assert await chosen_in(opened, "channels") == [room.other.id]
        assert await chosen_in(opened, "roles") == [djs.id]
        assert await chosen_in(opened, "unlimited_roles") == [vips.id]
        assert "other channels" in await room.generate()
        assert "you need a role that you do not have" in await room.generate(where=room.other)
        room.ada.roles.append(djs)
        assert "clip 1" in await room.generate(where=room.other)
        await send("settings:places", channels=[], roles=[])
        for shown in (
            "Channels: everywhere",
            "can use the bot: everybody",
            f"limits: <@&{vips.id}>",
        ):
            assert shown in text_of(panel)
        await send("settings:clips", longest_clip_seconds="5", waiting_per_user="2")
        await send("settings:day", seconds_a_day_per_user="7")
        await send("settings:tiers", roles=[vips, djs], seconds="60")
        await send("settings:words", words="kazoo\nslap bass, yodel\n")
        await send("settings:region", time_zone="europe/berlin", language=["de"])
        text = text_of(panel)
        for shown in (
            *("Longest clip: **5 s**", "Waiting clips per member: **2**", "per member: **7 s**"),
            *("`kazoo`, `slap bass`, `yodel`", "Europe/Berlin", "Language: Deutsch"),
            f"<@&{vips.id}> 60 s, <@&{djs.id}> 60 s",
        ):
            assert shown in text
        await send("settings:clips", waiting_per_user="")
        assert "Longest clip: **5 s**" in text_of(panel)
        assert "Waiting clips per member: **not set**" in text_of(panel)
        assert "at most 5 seconds" in await room.generate(seconds=6)
        assert "does not want “kazoo”" in await room.generate(prompt="Kazoo!")

        for button, fields, sentence in (
            (
                "settings:clips",
                {"longest_clip_seconds": "31"},
                "host of this bot allows at most 30",
            ),
            ("settings:clips", {"most_variations": "many"}, "a whole number from 1 to 4, or empty"),
            ("settings:day", {"cooldown_seconds": "-1"}, "Cooldown: this must be a whole number"),
            ("settings:words", {"words": "x" * 31}, "at most 30 characters"),
            ("settings:region", {"time_zone": "Mars"}, "“Mars” is not a time zone"),
        ):
            opened = await server.click(grace, panel, button)
            sent = await server.submit(grace, opened, **fields)
            refused = await sent.message()
            assert refused.ephemeral
            assert sentence in refused.content
        assert not panel.pinged


async def test_the_panel_outlives_a_restart_and_an_open_form_is_told_of_it(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        panel = await room.settings("show")
        opened = await discord_server.click(room.grace, panel, "settings:words")
        await opened.modal()
    async with running_bot(discord_server, tmp_path):
        sent = await discord_server.submit(room.grace, opened, words="kazoo")
        refused = await sent.message()
        assert refused.ephemeral
        assert "open it again with `/settings show`" in refused.content
        opened = await discord_server.click(room.grace, panel, "settings:places")
        await discord_server.submit(room.grace, opened, channels=[room.other])
        await panel.until(lambda m: f"<#{room.other.id}>" in text_of(m))
        opened = await discord_server.click(room.grace, panel, "settings:words")
        await discord_server.submit(room.grace, opened, words="kazoo")
        await panel.until(lambda m: "kazoo" in text_of(m))


async def test_all_of_it_can_be_typed_and_each_change_is_logged(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    djs = room.guild.add_role("djs", mentionable=True)
    async with running_bot(discord_server, tmp_path):
        assert "Nothing has been set yet" in text_of(await room.settings("log"))
        for line, options, answer in (
            ("limits", {"longest_clip_seconds": 5}, "Longest clip: not set → 5 s"),
            ("limits", {"longest_clip_seconds": 0}, "Longest clip: 5 s → not set"),
            (
                "limits",
                {"cooldown_seconds": 60, "most_variations": 2},
                "Most variations: not set → 2",
            ),
            ("limits", {"longest_clip_seconds": 31}, "allows at most 30"),
            ("limits", {"seconds_a_day_per_user": 5}, "member: not set → 5 s"),
            ("limits", {}, "That changes nothing"),
            ("channels", {"add": room.other}, f"Channels: everywhere → <#{room.other.id}>"),
            ("channels", {"add": room.other}, "That changes nothing"),
            ("channels", {"remove": room.other}, "→ everywhere"),
            ("channels", {"add": room.other, "everywhere": True}, f"→ <#{room.other.id}>"),
            ("channels", {"everywhere": True}, "→ everywhere"),
            ("roles", {"role": djs, "grant": "roles"}, f"everybody → <@&{djs.id}>"),
            ("roles", {"role": djs, "grant": "unlimited_roles"}, f"none → <@&{djs.id}>"),
            ("roles", {"role": djs, "grant": "role_seconds_a_day"}, "How many seconds"),
            (
                "roles",
                {"role": djs, "grant": "role_seconds_a_day", "seconds": 60},
                f"none → <@&{djs.id}> 60 s",
            ),
            ("roles", {"role": djs, "grant": "nothing"}, "→ everybody; "),
            ("words", {"add": "kazoo,  slap   bass ,kazoo"}, "none → `kazoo`, `slap bass`"),
            ("words", {"remove": "KAZOO"}, "→ `slap bass`"),
            ("words", {"add": "yodel", "clear": True}, "→ `yodel`"),
            ("timezone", {"zone": "europe/berlin"}, "UTC → Europe/Berlin"),
            ("timezone", {"zone": "Mars/Olympus"}, "not a time zone"),
            ("language", {"locale": "de"}, "the server's language → Deutsch"),
            ("language", {}, "Deutsch → the server's language"),
            ("language", {"locale": "@everyone"}, "not a language"),
        ):
            assert answer in text_of(await room.settings(line, **options)), (line, options)
        log = text_of(await room.settings("log"))
        first, *_, last = re.findall(r"<t:\d+:f> (<@\d+>: .*)", log)
        assert first == f"{room.grace.mention}: Language: Deutsch → the server's language"
        assert last == f"{room.grace.mention}: Longest clip: not set → 5 s"
        assert len(log.splitlines()) == 1 + 18

        for name, focus, typed, found in (
            ("timezone", "zone", "new yo", ["America/New_York"]),
            ("language", "locale", "pt", ["pt-BR"]),
        ):
            offered = await discord_server.autocomplete(
                room.grace, room.channel, f"settings {name}", focus, **{focus: typed}
            )
            assert [choice["value"] for choice in await offered.choices()] == found
        offered = await discord_server.autocomplete(
            room.grace, room.channel, "settings timezone", "zone", zone=""
        )
        assert len(await offered.choices()) == 25


async def test_settings_are_exported_reset_and_imported(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room, elsewhere = Room(discord_server), Room(discord_server, "Elsewhere")
    category = room.guild.add_channel("Rooms", CATEGORY)
    async with running_bot(discord_server, tmp_path):
        await room.settings("limits", longest_clip_seconds=5)
        await room.settings("channels", add=room.other)
        exported = (await room.settings("export")).attachments[0]
        assert json.loads(exported.data)["longest_clip_seconds"] == 5
        reset = await room.settings("reset")
        assert reset.attachments[0].data == exported.data
        assert "clip 1" in await room.generate()

        huge = b" " * (64 * 1024 + 1)
        for content, sentence in (
            (huge, "larger than 64 kB"),
            (b"\xff\xfe nonsense", "not JSON"),
            ({"longest_clip_seconds": 5, "colour": "red"}, "no setting “colour”"),
            ({"longest_clip_seconds": 31}, "allows at most 30"),
            ({"channels": [str(category.id)]}, "Music cannot be made in the channel"),
            ({"channels": [str(elsewhere.channel.id)]}, "Not imported"),
            ({"roles": ["5"]}, "Not imported"),
            ({"longest_clip_seconds": 4, "time_zone": "@everyone"}, "not a time zone"),
        ):
            assert sentence in await room.bring(content)
        assert "Longest clip: **not set**" in text_of(await room.settings("show"))

        assert "Longest clip: not set → 5 s" in await room.bring(exported.data)
        assert "other channels" in await room.generate()
        assert "That changes nothing" in await room.bring(exported.data)
        assert "Longest clip: **not set**" in text_of(await elsewhere.settings("show"))


async def test_others_cannot_change_anything_whatever_discord_lets_through(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        panel = await room.settings("show")
        opened = await discord_server.click(room.grace, panel, "settings:words")
        await opened.modal()
        with pytest.raises(NotTypeable, match="may not use settings"):
            await discord_server.command(room.ada, room.channel, "settings show")
        direct = discord_server.direct_channel(room.grace.user)
        with pytest.raises(NotTypeable, match="no command"):
            await discord_server.command(room.grace.user, direct, "settings show")

        for command in discord_server.commands.all():  # as an admin can, under Integrations
            command["default_member_permissions"] = None
        file = keep(room.channel, Upload("settings.json", b"{}"), {})
        for line, options in (
            ("show", {}),
            ("limits", {"longest_clip_seconds": 5}),
            ("channels", {"everywhere": True}),
            ("words", {"clear": True}),
            ("timezone", {"zone": "UTC"}),
            ("language", {}),
            ("reset", {}),
            ("export", {}),
            ("import", {"file": file}),
            ("log", {}),
        ):
            typed = await discord_server.command(
                room.ada, room.channel, f"settings {line}", **options
            )
            message = await typed.message()
            assert message.ephemeral
            assert "You need the permission Manage Server" in message.content
        for used in (
            await discord_server.click(room.ada, panel, "settings:places"),
            await discord_server.click(room.ada, panel, "settings:clips"),
            await discord_server.submit(room.ada, opened, words="kazoo"),
        ):
            assert "Manage Server" in (await used.message()).content
        assert "Nothing has been set yet" in text_of(await room.settings("log"))
