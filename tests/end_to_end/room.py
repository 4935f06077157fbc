"""A server to set things in, with somebody who may and somebody who may not."""

from __future__ import annotations

import json
from typing import Any

import discord

from tests.discord_server.attachments import Upload, keep
from tests.discord_server.interactions import Interaction
from tests.discord_server.messages import Message
from tests.discord_server.people import Member, everyone
from tests.discord_server.places import Channel, Guild
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import text_of


class Room:
    """A server with an admin, a member, and two channels."""

    def __init__(self, server: DiscordServer, name: str = "Cellar", locale: str = "en-US") -> None:
        self.server = server
        self.guild: Guild = server.add_guild(name, locale=locale)
        self.channel: Channel = self.guild.add_channel("music")
        self.other: Channel = self.guild.add_channel("talk")
        rights = everyone() | discord.Permissions(manage_guild=True)
        self.grace: Member = self.guild.add_member("grace", permissions=rights)
        self.ada: Member = self.guild.add_member("ada")

    async def fill_in(self, panel: Message, form: Interaction, **fields: Any) -> None:
        """Let the admin send a form of the panel, and wait until the panel shows it."""
        edits = len(panel.history)
        await self.server.submit(self.grace, form, **fields)
        await panel.until(lambda m: len(m.history) > edits)

    async def settings(self, line: str, **options: Any) -> Message:
        """Let the admin type a settings command; return the answer, which only they see."""
        interaction = await self.server.command(
            self.grace, self.channel, f"settings {line}", **options
        )
        message = await answered(interaction)
        assert message.ephemeral
        assert not message.pinged
        return message

    async def generate(
        self, seconds: float = 1.0, prompt: str = "house", where: Channel | None = None
    ) -> str:
        """Let the member ask for a clip; return what they read."""
        interaction = await self.server.command(
            self.ada, where or self.channel, "generate", prompt=prompt, seconds=seconds
        )
        return text_of(await interaction.message())

    async def bring(self, content: Any) -> str:
        """Let the admin import a file; return what they read."""
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        file = keep(self.channel, Upload("settings.json", text), {})
        return text_of(await self.settings("import", file=file))


async def answered(interaction: Interaction) -> Message:
    message = await interaction.message()
    return await message.until(lambda m: not m.loading)
