"""Whatever a press or a form claims to be, it does no more than who sent it may do there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import discord
import pytest

from tests.discord_server.attachments import Upload, keep
from tests.discord_server.commands import CHANNEL, FILE, GROUP, INTEGER, ROLE, STRING, USER
from tests.discord_server.messages import Message
from tests.discord_server.people import Json, Member, User, everyone
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room, answered
from tests.end_to_end.running import clip_in, running_bot, text_of

BUTTON, SECONDARY = 2, 2
ACTIONS = ("again", "remix", "extend", "wav", "favourite", "delete", "cancel")


class Forger:
    """Presses buttons that no message of the bot has."""

    def __init__(self, server: DiscordServer) -> None:
        self._server = server

    def message(self, person: Member | User, channel: Channel, *custom_ids: str) -> Message:
        """Return a message with such buttons, which a changed client would show."""
        message = self._server.post(person, channel, "forged")
        buttons = [
            {"type": BUTTON, "style": SECONDARY, "label": custom_id, "custom_id": custom_id}
            for custom_id in custom_ids
        ]
        message.components = [
            {"type": 1, "components": buttons[start : start + 5]}
            for start in range(0, len(buttons), 5)
        ]
        return message

    async def press(self, person: Member, channel: Channel, custom_id: str) -> Message:
        """Press one and return the answer, which only they see."""
        message = self.message(person, channel, custom_id)
        told = await answered(await self._server.click(person, message, custom_id))
        assert told.ephemeral
        assert not message.deleted
        return told


async def test_a_button_reaches_no_clip_of_another_place(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room, other = Room(discord_server), Room(discord_server, "Elsewhere")
    rights = everyone() | discord.Permissions(manage_messages=True)
    mod = other.guild.add_member("mod", permissions=rights)
    secret = room.guild.add_channel("secret")
    secret.hide_from(room.grace)
    forger = Forger(discord_server)
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, secret, "generate", prompt="house", seconds=1.0
        )
        message = await asked.message()
        await clip_in(message)
        for person, where in ((mod, other.channel), (room.grace, room.channel)):
            for action in ACTIONS:
                told = await forger.press(person, where, f"clip:{action}:1:0")
                assert "is from another server or conversation" in told.content
                assert not told.attachments
        told = await forger.press(room.ada, room.channel, "clip:wav:2:0")
        assert "This clip is gone" in told.content
        # A form that was opened for a clip of theirs, and claims to be about the other.
        asked = await discord_server.command(
            mod, other.channel, "generate", prompt="techno", seconds=1.0
        )
        theirs = await asked.message()
        await clip_in(theirs)
        opened = await discord_server.press(mod, theirs, "Remix")
        (await opened.modal())["custom_id"] = "remix:1"
        told = await (await discord_server.submit(mod, opened)).message()
        assert told.ephemeral
        assert "is from another server or conversation" in told.content
        assert not message.deleted


async def test_a_button_of_a_clip_that_is_not_like_that_does_nothing(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room, forger = Room(discord_server), Forger(discord_server)
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0
        )
        message = await asked.message()
        await clip_in(message)
        # Its message has no such button any more, but what was drawn before can still be pressed.
        told = await forger.press(room.ada, room.channel, "clip:cancel:1:0")
        assert "Clip 1 is already finished." in told.content
        for action in ("favourite", "wav", "extend"):
            told = await forger.press(room.ada, room.channel, f"clip:{action}:1:9")
            assert "does not have that variation" in told.content
        listed = await discord_server.command(room.ada, room.channel, "favourites")
        assert "There is nothing here yet" in text_of(await listed.message())


async def test_a_page_shows_what_the_one_who_turns_it_may_see(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room, other = Room(discord_server), Room(discord_server, "Elsewhere")
    direct = discord_server.direct_channel(room.grace.user)
    secret = room.guild.add_channel("secret")
    secret.hide_from(room.grace)
    forger = Forger(discord_server)

    async def turned(person: Member | User, where: Channel, custom_id: str) -> str:
        page = forger.message(person, where, custom_id)
        await (await discord_server.click(person, page, custom_id)).message()
        return text_of(page)

    async with running_bot(discord_server, tmp_path):
        for person, where, prompt in (
            (room.ada, room.channel, "house"),
            (room.ada, secret, "whisper"),
            (other.ada, other.channel, "techno"),
        ):
            asked = await discord_server.command(
                person, where, "generate", prompt=prompt, seconds=1.0
            )
            await clip_in(await asked.message())
        mine = await turned(room.ada, room.channel, "page:mine:0:")
        assert "`house`" in mine
        assert "`whisper`" in mine
        assert "There is nothing here yet" in await turned(room.grace, room.channel, "page:mine:0:")
        ours = await turned(room.grace, room.channel, "page:server:0:")
        assert "`house`" in ours
        for hidden in ("whisper", "techno"):
            assert hidden not in ours
        assert "There is nothing here yet" in await turned(
            room.grace.user, direct, "page:server:0:"
        )
        assert "There is nothing here yet" in await turned(
            room.grace, room.channel, "page:favourites:0:"
        )
        assert "There is nothing here yet" in await turned(
            room.ada, room.channel, "page:mine:99999999:"
        )
        search = await turned(room.ada, room.channel, "page:mine:0:%' OR 1=1 --")
        assert "No clip here has `%' OR 1=1 --` in its prompt" in search


async def test_texts_that_are_too_long_for_anything_get_one_private_sentence(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    text = "x`" * 3000
    async with running_bot(discord_server, tmp_path):
        for person, line, option, sentence in (
            (room.ada, "generate", "style", "pick one from the list"),
            (room.ada, "clip", "clip", "or type its number"),
            (room.grace, "settings timezone", "zone", "is not a time zone"),
            (room.grace, "settings language", "locale", "is not a language"),
            (room.grace, "settings words", "add", "at most 30 characters"),
        ):
            typed = await discord_server.command(person, room.channel, line, **{option: text})
            told = await typed.message()
            assert told.ephemeral
            assert sentence in told.content
        for line, option in (
            ("generate", "style"),
            ("clip", "clip"),
            ("settings timezone", "zone"),
            ("settings language", "locale"),
        ):
            asked = await discord_server.autocomplete(
                room.grace, room.channel, line, option, **{option: text}
            )
            assert await asked.choices() == []


def beyond(path: str, commands: list[Json]) -> Iterator[tuple[str, dict[str, int], str, Any]]:
    """Yield each command, the types of what it needs, an option and a value it does not offer."""
    for each in commands:
        line, options = f"{path} {each['name']}".strip(), each.get("options", [])
        yield from beyond(line, [one for one in options if one["type"] <= GROUP])
        needed = {one["name"]: one["type"] for one in options if one.get("required")}
        for option in options:
            values: list[Any] = []
            if "min_value" in option:
                values += [option["min_value"] - 1, -(10.0**30)]
            if "max_value" in option:
                values += [
                    option["max_value"] + 1,
                    10**400 if option["type"] == INTEGER else 10.0**30,
                ]
            if "max_length" in option:
                values += ["", "x" * (option["max_length"] + 1), 7]
            if option.get("choices"):
                values += ["no such choice", 7]
            yield from ((line, needed, option["name"], value) for value in values)


async def test_options_hold_to_what_their_command_offers_whoever_sends_them(
    discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(discord_server)
    file = keep(room.channel, Upload("x.wav", b"sound"), {})
    there = {STRING: "nothing", INTEGER: 1, USER: room.ada, CHANNEL: room.channel, FILE: file}
    there[ROLE] = room.guild.roles[0]
    async with running_bot(discord_server, tmp_path):
        await discord_server.gateway.online(room.guild)
        offered = discord_server.commands.offered(room.grace.user, room.channel)
        forged = list(beyond("", offered))
        assert len(forged) > 30
        for line, needed, option, value in forged:
            others = {name: there[kind] for name, kind in needed.items()}
            interaction = await discord_server.forged_command(
                room.grace, room.channel, line, **{**others, option: value}
            )
            told = await interaction.message()
            assert told.ephemeral
            assert f"`{option}` must be" in told.content, (line, option, value)
    assert not [record for record in caplog.records if record.exc_info], caplog.text


@pytest.mark.parametrize("field", ["seconds", "guidance"])
async def test_a_number_in_a_form_that_nobody_means_gets_a_sentence(
    field: str, discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(discord_server)
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0
        )
        message = await asked.message()
        await clip_in(message)
        opened = await discord_server.press(room.ada, message, "Remix")
        await opened.modal()
        for number in ("1e30", "1e400", "nan", "inf", "-inf", "-0", "９９９９"):
            sent = await discord_server.submit(room.ada, opened, **{field: number})
            told = await sent.message()
            assert told.ephemeral
            sentence = "The guidance " if field == "guidance" else "A clip can be|The length must"
            assert any(part in told.content for part in sentence.split("|")), told.content
    assert not [record for record in caplog.records if record.exc_info], caplog.text
