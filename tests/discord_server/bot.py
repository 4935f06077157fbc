"""A small bot on the real discord.py, to try the server with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import discord
from discord import app_commands

from tests.discord_server.people import Member
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.discord_server.signals import PATIENCE

Play = Callable[[discord.Interaction, str], Awaitable[Any]]


async def say_done(interaction: discord.Interaction, prompt: str) -> None:
    await interaction.response.send_message(f"done: {prompt}")


class Bot(discord.AutoShardedClient):
    """Has one command, /play, that does what a test hands it."""

    def __init__(self, play: Play = say_done, **options: Any) -> None:
        options.setdefault("intents", discord.Intents(guilds=True))
        options.setdefault("allowed_mentions", discord.AllowedMentions.none())
        super().__init__(guild_ready_timeout=0.01, **options)
        self.tree = app_commands.CommandTree(self)
        self._outcomes: asyncio.Queue[Any] = asyncio.Queue()
        self.play = self._command(play)
        self.tree.add_command(self.play)

    @asynccontextmanager
    async def running(self, server: DiscordServer) -> AsyncIterator[Self]:
        """Log in, sync and connect; close at the end."""
        running = asyncio.create_task(self.start(server.token))
        try:
            await server.gateway.online()
            yield self
        finally:
            await self.close()
            await running

    async def outcome(self) -> Any:
        """Return what the next /play came to, or raise what it raised."""
        async with asyncio.timeout(PATIENCE):
            outcome = await self._outcomes.get()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Leave out the five seconds that Discord wants between two IDENTIFY."""

    def _command(self, play: Play) -> app_commands.Command[Any, Any, Any]:
        @app_commands.command(name="play", description="Plays")
        async def command(
            interaction: discord.Interaction,
            prompt: str = "",
            seconds: app_commands.Range[float, 1, 30] = 10.0,
            listener: discord.Member | None = None,
        ) -> None:
            interaction.extras.update(seconds=seconds, listener=listener)
            try:
                outcome = await play(interaction, prompt)
            except Exception as error:  # for the test, which asks what came of it
                outcome = error
            self._outcomes.put_nowait(outcome)

        @command.autocomplete("prompt")
        async def complete(
            interaction: discord.Interaction, current: str
        ) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=current + "!", value=current)]

        return command


def room(server: DiscordServer, **options: Any) -> tuple[Channel, Member]:
    """Return a channel of a new guild, and somebody in it."""
    guild = server.add_guild(**options)
    return guild.add_channel("music"), guild.add_member("ada")
