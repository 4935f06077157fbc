"""Each reads their own language, everybody the server's, and Discord the names in all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from musicgen_bot import translations
from musicgen_bot.translations import ENGLISH, LOCALES
from tests.discord_server.commands import GROUP, SUBCOMMAND
from tests.discord_server.controls import controls_in
from tests.discord_server.messages import Message
from tests.discord_server.people import Json
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room, answered
from tests.end_to_end.running import clip_in, running_bot, text_of
from tests.sentences import in_code, in_commands
from tests.test_translations import OTHERS, entries, missing

NAME = re.compile(r"[-_\w]{1,32}")
"""https://docs.discord.com/developers/interactions/application-commands#application-command-object"""
SLASH = re.compile(r"(?:^|(?<=[\s`「]))/([^`\s.,;]+)(?: ([^`\s.,;]+))?")


def labels(message: Message) -> list[str]:
    return [control.get("label", "") for control in controls_in(message.components)]


async def test_a_german_in_a_french_server(discord_server: DiscordServer, tmp_path: Path) -> None:
    room = Room(discord_server, locale="fr")
    room.ada.user.locale = "de"
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=1.0
        )
        message = await asked.message()
        promise = message.history[0]
        assert [each["label"] for each in controls_in(promise.components)] == ["Annuler"]
        assert promise.embeds[0]["footer"]["text"] == "morceau 1"
        await clip_in(message)
        assert "Durée: 1 s" in text_of(message)
        assert labels(message)[0] == "Encore"

        # What only they see is theirs.
        assert "höchstens 30 Sekunden lang" in await room.generate(seconds=31)
        queue = await discord_server.command(room.ada, room.channel, "queue")
        assert "Die Warteschlange ist leer; `/generieren`" in text_of(await queue.message())
        liked = await (await discord_server.press(room.ada, message, "Favori")).message()
        assert liked.content == "Clip 1 gehört jetzt zu deinen `/favoriten`."
        form = await (await discord_server.press(room.ada, message, "Remix")).modal()
        assert [label["label"] for label in form["components"]][2] == "Sekunden"
        shown = await discord_server.command(room.ada, room.channel, "clip", clip="1")
        private = await answered(shown)
        assert "Länge: 1 s" in text_of(private)
        assert "Die Gewichte stehen unter der MIT-Lizenz." in text_of(private)
        assert labels(private)[0] == "Noch mal"
        helped = await (await discord_server.command(room.ada, room.channel, "help")).message()
        assert "`/generieren` Macht einen Musikclip" in text_of(helped)
        assert "**Diese Musik fortsetzen** macht mit der Audiodatei" in text_of(helped)

        # And the other members have their own as well.
        room.grace.user.locale = "ja"
        assert "このサーバーの設定" in text_of(await room.settings("show"))


async def test_what_ends_a_job_is_told_in_both_languages(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server, locale="fr")
    room.ada.user.locale = "es-419"
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=30.0
        )
        message = await asked.message()
        stopped = await discord_server.press(room.ada, message, "Annuler")
        assert (await stopped.followup()).content == "El clip 1 se ha cancelado."
        await message.until(lambda m: "Annulé." in text_of(m))


async def test_the_language_is_set_in_effect_at_once_and_kept(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server, locale="fr")
    async with running_bot(discord_server, tmp_path):
        assert "morceau 1" in await room.generate()
        assert "the server's language → 日本語" in text_of(
            await room.settings("language", locale="ja")
        )
        assert "クリップ2" in await room.generate()
        waiting = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=5.0
        )
        promised = await waiting.message()
    async with running_bot(discord_server, tmp_path):
        assert "クリップ4" in await room.generate()
        await room.settings("language")
        assert "morceau 5" in await room.generate()
        await clip_in(promised)  # what was promised before keeps its language
        assert "長さ: 5秒" in text_of(promised)
        assert labels(promised)[0] == "もう一度"


async def test_a_direct_message_is_in_the_language_of_the_person(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    ada = Room(discord_server, locale="fr").ada.user
    ada.locale = "pt-BR"
    channel = discord_server.direct_channel(ada)
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(ada, channel, "generate", prompt="house", seconds=1.0)
        message = await asked.message()
        await clip_in(message)
        assert "Duração: 1 s" in text_of(message)


async def test_the_names_of_all_commands_are_told_in_all_languages(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    async with running_bot(discord_server, tmp_path):
        commands = discord_server.commands.all()
    wanted = list(in_commands(commands))
    for locale in OTHERS:
        if lacking := missing(wanted, locale):
            pytest.fail(f"please add to musicgen_bot/locales/{locale}.po:\n\n{lacking}")
        unused = {message for message, _ in entries(locale) if message.context} - set(wanted)
        assert not unused, "nothing is called that any more"
    for locale in (*OTHERS, "es-419"):
        check_siblings(commands, locale)
        for command in walk(commands):
            check_siblings(command.get("options") or [], locale)
            for choice in command.get("choices") or []:
                assert 1 <= len(choice["name_localizations"][locale]) <= 100
    assert "en-GB" not in commands[0]["name_localizations"]
    for locale in LOCALES:
        check_mentions(commands, locale)


async def test_discord_is_told_again_when_a_name_is_another(
    discord_server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        async with running_bot(discord_server, tmp_path):
            assert len(discord_server.commands.syncs) == 1
    monkeypatch.setattr(translations, "LOCALES", {ENGLISH: "English", "de": "Deutsch"})
    async with running_bot(discord_server, tmp_path):
        assert len(discord_server.commands.syncs) == 2


def walk(entries: list[Json]) -> Iterator[Json]:
    for entry in entries:
        yield entry
        yield from walk(entry.get("options") or [])


def name_in(entry: Json, locale: str) -> str:
    names = entry.get("name_localizations") or {}
    return str(entry["name"] if locale == ENGLISH else names[locale])


def check_siblings(siblings: list[Json], locale: str) -> None:
    """Hold the names of what stands side by side to Discord's rules."""
    names = [name_in(each, locale) for each in siblings]
    assert len(set(names)) == len(names), f"two of {names} are the same"
    for each, name in zip(siblings, names, strict=True):
        assert 1 <= len(name) <= 32, name
        if each.get("description"):  # one in the menu of a message has none, and any name
            assert NAME.fullmatch(name), name
            assert name == name.lower(), name
            assert 1 <= len(each["description_localizations"][locale]) <= 100, name


def check_mentions(commands: list[Json], locale: str) -> None:
    """Hold the commands that sentences name to those there are in that language."""
    known = {}
    for command in commands:
        parts = command.get("options") or []
        inner = [name_in(part, locale) for part in parts if part["type"] in (SUBCOMMAND, GROUP)]
        known[name_in(command, locale)] = inner
    sentences = [message.english for message in in_code()]
    if locale != ENGLISH:
        sentences = [form for _, said in entries(locale) for form in said]
    named = [match.groups() for sentence in sentences for match in SLASH.finditer(sentence)]
    assert len(named) > 10
    for name, subcommand in named:
        assert name in known, f"/{name} is no command in {locale}"
        if known[name]:
            assert subcommand in known[name], f"/{name} {subcommand} is no command in {locale}"
