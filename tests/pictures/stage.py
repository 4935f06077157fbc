"""A run of the bot against the Discord on loopback, where people type and press."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import discord
import yarl

from tests.discord_server.api import PREFIX
from tests.discord_server.commands import GROUP, SUBCOMMAND
from tests.discord_server.messages import Message
from tests.discord_server.people import Member, User
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import running_bot

CLIP_SECONDS = 600
"""How long a clip may take, on a machine that is busy with other things."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot answered to a command, by the name that the person knows it by."""

    person: User
    command: str
    message: Message


class Stage:
    """A server with a channel for music."""

    def __init__(self, server: DiscordServer, locale: str) -> None:
        self.server = server
        self.guild = server.add_guild("Cellar", locale=locale)
        self.guild.add_channel("general")
        self.channel = self.guild.add_channel("music")
        self._locale = locale

    def person(self, name: str, **options: Any) -> Member:
        """Let somebody join whose Discord speaks the language of the server."""
        member = self.guild.add_member(name, **options)
        member.user.locale = self._locale
        return member

    async def typed(
        self, person: Member | User, line: str, channel: Channel | None = None, **options: Any
    ) -> Answer:
        """Let a person type a command; return the answer as soon as there is one."""
        where = channel or self.channel
        interaction = await self.server.command(person, where, line, **options)
        message = await interaction.message()
        await message.until(lambda m: not m.loading)
        user = person.user if isinstance(person, Member) else person
        path = _path(self.server.commands.all(), line.split(), user.locale)
        return Answer(user, f"/{' '.join(path)}", message)

    async def clip(self, person: Member, **options: Any) -> Answer:
        """Let a person type `/generate`, and wait for the clip."""
        answer = await self.typed(person, "generate", **options)
        await answer.message.until(lambda m: m.attachments, CLIP_SECONDS)
        return answer


@asynccontextmanager
async def stage(locale: str = "en-US", **settings: Any) -> AsyncIterator[Stage]:
    """Run the bot beside the block."""
    async with DiscordServer() as server:
        gateway = yarl.URL(server.gateway.url)
        with (
            patch.object(discord.http.Route, "BASE", server.url + PREFIX),
            patch.object(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway),
            tempfile.TemporaryDirectory() as folder,
        ):
            async with running_bot(server, Path(folder), **settings):
                yield Stage(server, locale)


def _path(commands: list[dict[str, Any]], words: list[str], locale: str) -> Iterator[str]:
    """Yield a command's name, and those of the command in its group, in a language."""
    if not words:
        return
    command = next(each for each in commands if each["name"] == words[0])
    yield (command.get("name_localizations") or {}).get(locale, command["name"])
    inner = [each for each in command.get("options", []) if each["type"] in (SUBCOMMAND, GROUP)]
    yield from _path(inner, words[1:], locale)
