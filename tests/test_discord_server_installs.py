"""Places that the simulated bot is not in, and the accounts and guilds it is installed to."""

from __future__ import annotations

from typing import Any, Literal

import discord
import pytest
from discord.app_commands import AppCommandContext, AppInstallationType

from tests.discord_server import DiscordServer
from tests.discord_server.bot import Bot, Play, room, say_done
from tests.discord_server.commands import NotTypeable
from tests.discord_server.people import Member, User
from tests.discord_server.places import FORUM, VOICE, Channel


def everywhere(play: Play = say_done) -> Bot:
    """Return a bot whose command is offered by both installs, in all places."""
    bot = Bot(play)
    bot.play.allowed_installs = AppInstallationType(guild=True, user=True)
    bot.play.allowed_contexts = AppCommandContext(guild=True, dm_channel=True, private_channel=True)
    return bot


def abroad(server: DiscordServer, *, may_bring_apps: bool = True) -> tuple[Channel, Member]:
    """Return a channel of a guild without the bot, and somebody there who brings it along."""
    guild = server.add_guild("Attic", locale="fr", with_bot=False)
    ada = guild.add_member("ada")
    ada.user.has_app = True
    ada.permissions = discord.Permissions(ada.permissions.value, use_external_apps=may_bring_apps)
    return guild.add_channel("music"), ada


@pytest.mark.parametrize(
    ("installs", "contexts", "offered"),
    [
        ([0, 1], [0, 1, 2], {"own guild", "with bot", "among people", "abroad"}),
        ([0], [0, 1], {"own guild", "with bot"}),
        ([1], [0, 1, 2], {"own guild", "with bot", "among people", "abroad"}),
        ([0, 1], [2], {"among people"}),
        ([0], [0], {"own guild"}),
    ],
)
async def test_a_command_is_offered_by_its_installs_and_contexts(
    installs: list[Literal[0, 1]],
    contexts: list[Literal[0, 1, 2]],
    offered: set[str],
    discord_server: DiscordServer,
) -> None:
    channel, ada = abroad(discord_server)
    stranger = User(1, "ben")
    places = {
        "own guild": discord_server.add_guild().add_channel("music"),
        "with bot": discord_server.direct_channel(ada.user),
        "among people": discord_server.private_channel(ada.user, stranger),
        "abroad": channel,
    }
    bot = Bot()
    bot.play.allowed_installs = AppInstallationType._from_value(installs)
    bot.play.allowed_contexts = AppCommandContext._from_value(contexts)
    async with bot.running(discord_server):
        found = {
            name
            for name, place in places.items()
            if discord_server.commands.offered(ada.user, place)
        }
        assert found == offered
        by_guild = {
            name
            for name, place in places.items()
            if discord_server.commands.offered(stranger, place)
        }
    assert by_guild == (offered & {"own guild", "with bot"} if 0 in installs else set())


async def test_an_interaction_from_a_guild_without_the_bot_tells_who_brought_it(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        await interaction.response.send_message("here")
        return interaction

    channel, ada = abroad(discord_server)
    ada.guild.upload_limit = 5000
    async with everywhere(play).running(discord_server) as bot:
        await discord_server.command(ada, channel, "play")
        seen = await bot.outcome()
        assert bot.get_guild(ada.guild.id) is None
    assert (seen.guild_id, seen.channel_id) == (ada.guild.id, channel.id)
    assert (seen.is_user_integration(), seen.is_guild_integration()) == (True, False)
    assert seen.context.guild
    assert isinstance(seen.user, discord.Member)
    assert seen.permissions.send_messages
    assert seen.filesize_limit == 5000
    assert str(seen.guild_locale) == "fr"
    assert not seen.app_permissions.view_channel


async def test_only_the_token_speaks_where_the_bot_is_not(discord_server: DiscordServer) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        await interaction.response.send_message("first")
        for number in range(5):
            await interaction.followup.send(str(number))
        with pytest.raises(discord.HTTPException) as refused:
            await interaction.followup.send("one more")
        return interaction, refused.value.code

    channel, ada = abroad(discord_server)
    async with everywhere(play).running(discord_server) as bot:
        sent = await discord_server.command(ada, channel, "play")
        seen, code = await bot.outcome()
        assert code == 40094
        place = bot.get_partial_messageable(channel.id)
        message = await sent.message()
        for speak in (place.send("x"), place.get_partial_message(message.id).edit(content="x")):
            with pytest.raises(discord.Forbidden) as closed:
                await speak
            assert closed.value.code == 50001
        discord_server.clock.advance(15 * 60 - 1)
        await seen.edit_original_response(content="second")
        discord_server.clock.advance(1)
        with pytest.raises(discord.HTTPException) as late:
            await seen.edit_original_response(content="third")
    assert late.value.code == 50027
    assert message.content == "second"
    assert len(discord_server.messages(channel)) == 6


async def test_in_a_guild_with_the_bot_there_may_be_more_follow_ups(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        await interaction.response.send_message("first")
        for number in range(6):
            await interaction.followup.send(str(number))
        return interaction

    channel, ada = room(discord_server)
    ada.user.has_app = True
    async with everywhere(play).running(discord_server) as bot:
        await discord_server.command(ada, channel, "play")
        seen = await bot.outcome()
    assert (seen.is_user_integration(), seen.is_guild_integration()) == (True, True)


@pytest.mark.parametrize(("number", "kind"), [(2, "private"), (3, "group")])
async def test_people_among_themselves_can_bring_the_bot(
    number: int, kind: str, discord_server: DiscordServer
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        await interaction.response.send_message(f"for {interaction.user.mention}")
        return interaction

    ada, *others = people = [User(n + 1, f"person{n}") for n in range(number)]
    ada.has_app = True
    channel = discord_server.private_channel(*people)
    async with everywhere(play).running(discord_server) as bot:
        sent = await discord_server.command(ada, channel, "play")
        seen = await bot.outcome()
        for other in others:
            with pytest.raises(NotTypeable):
                await discord_server.command(other, channel, "play")
        with pytest.raises(discord.Forbidden):
            await bot.get_partial_messageable(channel.id).send("x")
    assert seen.guild_id is None
    assert seen.context.private_channel
    assert seen.channel.type.name == kind
    assert (await sent.message()).content == f"for {ada.mention}"


async def test_what_others_press_belongs_to_the_command_that_was_brought(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label="Bin", custom_id="bin"))
        await interaction.response.send_message("button", view=view)

    class Bin(Bot):
        async def on_interaction(self, interaction: discord.Interaction) -> None:
            if interaction.type is discord.InteractionType.component:
                await interaction.response.defer()
                await interaction.delete_original_response()
                self._outcomes.put_nowait(interaction)

    channel, ada = abroad(discord_server)
    ben = ada.guild.add_member("ben")
    bot = Bin(play)
    bot.play.allowed_installs = AppInstallationType(user=True)
    async with bot.running(discord_server):
        message = await (await discord_server.command(ada, channel, "play")).message()
        assert await bot.outcome() is None
        await discord_server.press(ben, message, "Bin")
        seen = await bot.outcome()
    assert seen._integration_owners == {1: ada.user.id}
    assert not seen.is_user_integration()
    assert message.deleted


async def test_whoever_may_not_bring_apps_is_answered_alone(discord_server: DiscordServer) -> None:
    channel, ada = abroad(discord_server, may_bring_apps=False)
    async with everywhere().running(discord_server) as bot:
        sent = await discord_server.command(ada, channel, "play")
        await bot.outcome()
    assert (await sent.message()).ephemeral


async def test_commands_for_accounts_take_an_application_that_is_made_for_them(
    discord_server: DiscordServer,
) -> None:
    discord_server.world.integration_types = (0,)
    async with everywhere() as bot:
        with pytest.raises(discord.HTTPException) as refused:
            await bot.login(discord_server.token)
    assert refused.value.code == 50035
    assert discord_server.commands.all() == []
    async with Bot() as other:
        await other.login(discord_server.token)
        application = await other.application_info()
        assert application.guild_integration_config is not None
        assert application.user_integration_config is None


async def test_whoever_cannot_be_written_to_refuses(discord_server: DiscordServer) -> None:
    _, ada = room(discord_server)
    async with Bot() as bot:
        await bot.login(discord_server.token)
        direct = await bot.create_dm(discord.Object(ada.user.id))
        await direct.send("hello")
        ada.user.takes_messages = False
        with pytest.raises(discord.Forbidden) as refused:
            await direct.send("again")
    assert refused.value.code == 50007
    assert len(discord_server.messages(discord_server.direct_channel(ada.user))) == 1


async def test_a_post_of_a_forum_and_the_text_of_a_voice_channel(
    discord_server: DiscordServer,
) -> None:
    async def play(interaction: discord.Interaction, prompt: str) -> Any:
        await interaction.response.send_message("here")
        channel = interaction.channel
        parent = channel.parent if isinstance(channel, discord.Thread) else None
        return type(channel), type(parent)

    _, ada = room(discord_server)
    forum, voice = ada.guild.add_channel("songs", FORUM), ada.guild.add_channel("stage", VOICE)
    post = ada.guild.add_thread("my song", forum)
    async with everywhere(play).running(discord_server) as bot:
        await discord_server.command(ada, post, "play")
        assert await bot.outcome() == (discord.Thread, discord.ForumChannel)
        await discord_server.command(ada, voice, "play")
        assert await bot.outcome() == (discord.VoiceChannel, type(None))
        with pytest.raises(NotTypeable, match="only in its posts"):
            await discord_server.command(ada, forum, "play")
