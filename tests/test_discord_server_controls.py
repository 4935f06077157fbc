"""Selects and modals of the simulated Discord, and how they reach the real discord.py."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest

from tests.discord_server import DiscordServer
from tests.discord_server.bot import Bot, room
from tests.discord_server.commands import NotTypeable
from tests.discord_server.signals import PATIENCE


class Form(discord.ui.Modal, title="Form"):
    name: discord.ui.Label[Any] = discord.ui.Label(
        text="Name",
        component=discord.ui.TextInput(custom_id="name", max_length=5, default="ada"),
    )
    who: discord.ui.Label[Any] = discord.ui.Label(
        text="Who",
        component=discord.ui.RoleSelect(custom_id="who", required=False, max_values=2),
    )

    def __init__(self, taken: asyncio.Queue[Any]) -> None:
        super().__init__()
        self._taken = taken

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.name.component, discord.ui.TextInput)
        assert isinstance(self.who.component, discord.ui.RoleSelect)
        roles = [role.id for role in self.who.component.values]
        self._taken.put_nowait((self.name.component.value, roles))
        await interaction.response.send_message("thanks", ephemeral=True)


class Panel(discord.ui.View):
    def __init__(self, taken: asyncio.Queue[Any]) -> None:
        super().__init__(timeout=None)
        self._taken = taken

    @discord.ui.select(
        cls=discord.ui.ChannelSelect,
        custom_id="places",
        channel_types=[discord.ChannelType.text],
        min_values=0,
        max_values=2,
    )
    async def places(
        self, interaction: discord.Interaction, select: discord.ui.ChannelSelect[Panel]
    ) -> None:
        self._taken.put_nowait([channel.id for channel in select.values])
        await interaction.response.edit_message(content="chosen")

    @discord.ui.select(
        custom_id="colours", options=[discord.SelectOption(label="Red", value="red")]
    )
    async def colours(
        self, interaction: discord.Interaction, select: discord.ui.Select[Panel]
    ) -> None:
        self._taken.put_nowait(select.values)
        await interaction.response.send_modal(Form(self._taken))


async def test_choices_and_forms_arrive_as_they_were_made(discord_server: DiscordServer) -> None:
    taken: asyncio.Queue[Any] = asyncio.Queue()

    async def play(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.send_message("panel", view=Panel(taken))

    async def next_taken() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await taken.get()

    channel, ada = room(discord_server)
    other, djs = ada.guild.add_channel("talk"), ada.guild.add_role("djs")
    thread = ada.guild.add_thread("tunes", channel)
    async with Bot(play).running(discord_server):
        panel = await (await discord_server.command(ada, channel, "play")).message()
        await discord_server.select(ada, panel, "places", other, channel)
        assert sorted(await next_taken()) == sorted([other.id, channel.id])
        await discord_server.select(ada, panel, "places")
        assert await next_taken() == []
        await panel.until(lambda message: message.content == "chosen")
        for custom_id, values in (
            ("places", [other, channel, other]),
            ("places", [other, other]),
            ("places", [djs]),
            ("places", [thread]),
            ("colours", []),
            ("colours", ["blue"]),
            ("shapes", ["round"]),
        ):
            with pytest.raises(NotTypeable):
                await discord_server.select(ada, panel, custom_id, *values)

        opened = await discord_server.select(ada, panel, "colours", "red")
        assert await next_taken() == ["red"]
        for fields in ({"name": ""}, {"name": "x" * 6}, {"who": [other]}, {"age": "5"}):
            with pytest.raises(NotTypeable):
                await discord_server.submit(ada, opened, **fields)
        sent = await discord_server.submit(ada, opened, name="ben", who=[djs])
        assert await next_taken() == ("ben", [djs.id])
        thanks = await sent.message()
        assert thanks.interaction is not None
        assert thanks.interaction["triggering_interaction_metadata"]["id"] == str(opened.id)
        opened = await discord_server.select(ada, panel, "colours", "red")
        assert await next_taken() == ["red"]
        await discord_server.submit(ada, opened)
        assert await next_taken() == ("ada", [])


async def test_a_command_in_a_thread_knows_the_channel_it_belongs_to(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        assert isinstance(interaction.channel, discord.Thread)
        return interaction.channel.parent_id, interaction.app_permissions

    channel, ada = room(discord_server)
    thread = ada.guild.add_thread("tunes", channel)
    channel.forbid("attach_files")
    thread.forbid("embed_links")
    async with Bot(play).running(discord_server) as bot:
        await discord_server.command(ada, thread, "play")
        parent, permissions = await bot.outcome()
    assert parent == channel.id
    assert permissions.send_messages_in_threads
    assert not permissions.attach_files
    assert not permissions.embed_links
