"""What people do in the simulated Discord, and how it reaches the real discord.py."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest

from tests.discord_server import DiscordServer
from tests.discord_server.attachments import Upload, keep
from tests.discord_server.bot import Bot, room
from tests.discord_server.commands import NotTypeable
from tests.discord_server.signals import PATIENCE


async def test_options_arrive_with_the_types_they_were_registered_with(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        await interaction.response.send_message("yes")
        return prompt, interaction.extras["seconds"], interaction.extras["listener"].id

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server) as bot:
        options = {"prompt": "lofi", "seconds": 3, "listener": ada}
        interaction = await discord_server.command(ada, channel, "play", **options)
        assert await bot.outcome() == ("lofi", 3.0, ada.user.id)
    assert interaction.answered_after is not None


async def test_a_subcommand_of_one_guild_takes_channels_roles_and_files(
    discord_server: DiscordServer,
) -> None:
    settings = discord.app_commands.Group(name="settings", description="Settings")
    taken: asyncio.Queue[tuple[int, int, bytes]] = asyncio.Queue()

    @settings.command(description="Sets")
    async def put(
        interaction: discord.Interaction,
        place: discord.TextChannel,
        role: discord.Role,
        file: discord.Attachment,
    ) -> None:
        taken.put_nowait((place.id, role.id, await file.read()))

    channel, ada = room(discord_server)
    role = ada.guild.add_role("listeners")
    file = keep(channel, Upload("voice.ogg", b"sound"), {})
    async with Bot().running(discord_server) as bot:
        here = discord.Object(ada.guild.id)
        bot.tree.add_command(settings, guild=here)
        await bot.tree.sync(guild=here)
        with pytest.raises(NotTypeable, match="needs a subcommand"):
            await discord_server.command(ada, channel, "settings")
        with pytest.raises(NotTypeable, match="requires the option 'role'"):
            await discord_server.command(ada, channel, "settings put", place=channel)
        options = {"place": channel, "role": role, "file": file}
        await discord_server.command(ada, channel, "settings put", **options)
        async with asyncio.timeout(PATIENCE):
            assert await taken.get() == (channel.id, role.id, b"sound")
    assert discord_server.commands.syncs == [None, ada.guild.id]


async def test_a_command_that_is_synced_again_keeps_its_id(discord_server: DiscordServer) -> None:
    async with Bot().running(discord_server) as bot:
        before = await bot.tree.fetch_commands()
        after = await bot.tree.sync()
        assert [command.id for command in after] == [command.id for command in before]
        bot.tree.clear_commands(guild=None)
        assert await bot.tree.sync() == []
    assert discord_server.commands.all() == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pause", {}),
        ("play", {"tempo": 90}),
        ("play", {"prompt": 5}),
        ("play", {"seconds": "3"}),
        ("play", {"seconds": True}),
        ("play", {"seconds": float("nan")}),
        ("play", {"seconds": 31}),
        ("play", {"listener": "ada"}),
        ("play again", {}),
        ("play", {"again": 1}),
    ],
)
async def test_what_discord_would_not_let_a_person_send_is_an_error_of_the_test(
    discord_server: DiscordServer, name: str, options: dict[str, Any]
) -> None:
    channel, ada = room(discord_server)
    async with Bot().running(discord_server):
        with pytest.raises(NotTypeable):
            await discord_server.command(ada, channel, name, **options)


async def test_a_forged_command_arrives_as_it_is(discord_server: DiscordServer) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        return interaction.namespace.seconds

    channel, ada = room(discord_server)
    async with Bot(play).running(discord_server):
        interaction = await discord_server.forged_command(ada, channel, "play", seconds=-1)
    assert interaction.data["options"] == [{"name": "seconds", "type": 10, "value": -1}]


async def test_a_command_for_admins_cannot_be_typed_by_others(
    discord_server: DiscordServer,
) -> None:
    channel, ada = room(discord_server)
    grace = ada.guild.add_member("grace", permissions=discord.Permissions.all())
    bot = Bot()
    bot.play.default_permissions = discord.Permissions(manage_guild=True)
    async with bot.running(discord_server):
        await discord_server.command(grace, channel, "play")
        with pytest.raises(NotTypeable, match="ada may not"):
            await discord_server.command(ada, channel, "play")


async def test_a_command_of_a_messages_menu_brings_the_message(
    discord_server: DiscordServer,
) -> None:
    taken: asyncio.Queue[discord.Message] = asyncio.Queue()

    async def listen(interaction: discord.Interaction, message: discord.Message) -> None:
        taken.put_nowait(message)
        await interaction.response.send_message("heard")

    channel, ada = room(discord_server)
    post = discord_server.post(ada, channel, "my song", Upload("song.mp3", b"sound"))
    bot = Bot()
    bot.tree.add_command(discord.app_commands.ContextMenu(name="Listen", callback=listen))
    async with bot.running(discord_server):
        with pytest.raises(NotTypeable, match="no command 'listen'"):
            await discord_server.command(ada, channel, "listen")
        interaction = await discord_server.message_command(ada, post, "Listen")
        assert (await interaction.message()).content == "heard"
        message = await taken.get()
    assert (message.id, message.content, message.author.id) == (post.id, "my song", ada.user.id)
    assert [each.filename for each in message.attachments] == ["song.mp3"]


async def test_choices_are_offered_while_a_person_types(discord_server: DiscordServer) -> None:
    channel, ada = room(discord_server)
    async with Bot().running(discord_server):
        interaction = await discord_server.autocomplete(
            ada, channel, "play", focus="prompt", prompt="lo"
        )
        choices = await interaction.choices()
    assert [(choice["name"], choice["value"]) for choice in choices] == [("lo!", "lo")]


async def test_a_button_updates_its_message_and_opens_a_modal(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> None:
        view = discord.ui.View()
        for name in ("Defer", "Update", "Ask"):
            view.add_item(discord.ui.Button(label=name, custom_id=name.lower()))
        await interaction.response.send_message("buttons", view=view)

    class Buttons(Bot):
        async def on_interaction(self, interaction: discord.Interaction) -> None:
            if interaction.type is not discord.InteractionType.component:
                return
            pressed = interaction.data["custom_id"]  # type: ignore[index, typeddict-item]
            if pressed == "defer":
                await interaction.response.defer()
                await interaction.edit_original_response(content="edited")
            elif pressed == "update":
                await interaction.response.edit_message(content="updated")
            else:
                modal = discord.ui.Modal(title="Title?")
                modal.add_item(discord.ui.Label(text="Title", component=discord.ui.TextInput()))
                await interaction.response.send_modal(modal)

    channel, ada = room(discord_server)
    async with Buttons(play).running(discord_server):
        message = await (await discord_server.command(ada, channel, "play")).message()
        (row,) = message.components
        assert [row["id"], *(button["id"] for button in row["components"])] == [1, 2, 3, 4]
        await discord_server.click(ada, message, "defer")
        await message.until(lambda message: message.content == "edited")
        pressed = await discord_server.click(ada, message, "update")
        assert await pressed.message() is message
        assert message.content == "updated"
        pressed = await discord_server.click(ada, message, "ask")
        assert (await pressed.modal())["title"] == "Title?"
        with pytest.raises(NotTypeable):
            await discord_server.click(ada, message, "other")


async def test_a_command_works_in_direct_messages(discord_server: DiscordServer) -> None:
    _, ada = room(discord_server)
    async with Bot().running(discord_server) as bot:
        channel = discord_server.direct_channel(ada.user)
        interaction = await discord_server.command(ada.user, channel, "play", prompt="lofi")
        assert (await interaction.message()).content == "done: lofi"
        opened = await bot.create_dm(discord.Object(ada.user.id))
        assert opened.id == channel.id
        bot.play.guild_only = True
        await bot.tree.sync()
        with pytest.raises(NotTypeable):
            await discord_server.command(ada.user, channel, "play")
