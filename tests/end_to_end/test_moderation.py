"""Moderators stop jobs and people, and the bot says what it may not do before it starts."""

from pathlib import Path

import discord
import pytest

from tests.discord_server.commands import NotTypeable
from tests.discord_server.people import Member, everyone
from tests.discord_server.places import Guild
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, running_bot, text_of


def with_rights(guild: Guild, name: str, *rights: str) -> Member:
    more = discord.Permissions(**dict.fromkeys(rights, True))
    return guild.add_member(name, permissions=everyone() | more)


async def test_a_moderator_cancels_any_job_of_the_server_and_no_other(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild, other = discord_server.add_guild(), discord_server.add_guild("Elsewhere")
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    there, ben = other.add_channel("music"), other.add_member("ben")
    mia = with_rights(guild, "mia", "manage_messages")
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        messages = []
        for person, where in ((ada, channel), (ada, channel), (ben, there)):
            asked = await discord_server.command(
                person, where, "generate", prompt="tune", seconds=30.0
            )
            messages.append(await asked.message())

        async def cancel(clip: int | None = None) -> str:
            options = {} if clip is None else {"clip": clip}
            typed = await discord_server.command(mia, channel, "cancel", **options)
            return (await typed.message()).content

        offered = await discord_server.autocomplete(mia, channel, "cancel", "clip", clip="")
        assert [choice["value"] for choice in await offered.choices()] == [2, 1]
        assert "You have no clip" in await cancel()
        assert "You have no clip 3 waiting" in await cancel(3)
        for number in (2, 1):
            assert f"Clip {number} has been cancelled" in await cancel(number)
            await messages[number - 1].until(lambda m: "Cancelled by a moderator." in text_of(m))
        direct = discord_server.direct_channel(mia.user)
        typed = await discord_server.command(mia.user, direct, "cancel", clip=3)
        assert "You have no clip" in (await typed.message()).content
        typed = await discord_server.command(ben, there, "cancel")
        assert "Clip 3 has been cancelled" in (await typed.message()).content


async def test_a_blocked_member_is_refused_until_unblocked(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    mia = with_rights(guild, "mia", "moderate_members")
    grace = with_rights(guild, "grace", "manage_guild")

    async def typed(person: Member, name: str, member: Member) -> str:
        interaction = await discord_server.command(person, channel, name, member=member)
        message = await interaction.message()
        assert message.ephemeral
        assert not message.pinged
        return message.content

    async def generate() -> str:
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0
        )
        return text_of(await interaction.message())

    async with running_bot(discord_server, tmp_path):
        with pytest.raises(NotTypeable):
            await discord_server.command(ada, channel, "block", member=mia)
        assert "can no longer make music" in await typed(mia, "block", ada)
        assert "was already blocked" in await typed(mia, "block", ada)
        for moderator in (mia, grace):
            assert "moderates this server" in await typed(mia, "block", moderator)
    async with running_bot(discord_server, tmp_path):
        assert "have blocked you" in await generate()
        shown = await (await discord_server.command(grace, channel, "settings show")).message()
        assert f"Blocked: {ada.mention}" in text_of(shown)
        assert "can make music in this server again" in await typed(mia, "unblock", ada)
        assert "was not blocked" in await typed(mia, "unblock", ada)
        assert "clip 1" in await generate()
        for command in discord_server.commands.all():  # as an admin can, under Integrations
            command["default_member_permissions"] = None
        for name in ("block", "unblock"):
            assert "Timeout Members" in await typed(ada, name, grace)


async def test_what_the_bot_may_not_do_in_a_channel_is_named_before_a_job_is_taken(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    thread = guild.add_thread("tunes", channel)
    async with running_bot(discord_server, tmp_path):
        for where, permission, named in (
            (channel, "view_channel", "View Channel"),
            (channel, "send_messages", "Send Messages"),
            (channel, "attach_files", "Attach Files"),
            (channel, "embed_links", "Embed Links"),
            (thread, "send_messages_in_threads", "Send Messages in Threads"),
        ):
            where.forbid(permission)
            asked = await discord_server.command(
                ada, where, "generate", prompt="house", seconds=1.0
            )
            refused = await asked.message()
            assert refused.ephemeral
            assert refused.content.endswith(f"in this channel: {named}.")
            where.allow(permission)
        channel.forbid("embed_links", "attach_files")
        asked = await discord_server.command(ada, channel, "generate", prompt="house", seconds=1.0)
        assert "Embed Links, Attach Files." in (await asked.message()).content
        channel.allow("embed_links", "attach_files")
        channel.forbid("send_messages")
        asked = await discord_server.command(ada, thread, "generate", prompt="house", seconds=1.0)
        message = await asked.message()
        assert "clip 1" in text_of(message)
        await clip_in(message)


async def test_a_channel_that_is_allowed_allows_its_threads(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, talk = guild.add_channel("music"), guild.add_channel("talk")
    grace = with_rights(guild, "grace", "manage_guild")
    async with running_bot(discord_server, tmp_path):
        typed = await discord_server.command(grace, talk, "settings channels", add=channel)
        await typed.message()
        for where, expected in (
            (guild.add_thread("tunes", channel), "clip 1"),
            (guild.add_thread("chatter", talk), f"please try <#{channel.id}>"),
        ):
            asked = await discord_server.command(
                grace, where, "generate", prompt="house", seconds=1.0
            )
            assert expected in text_of(await asked.message())


async def test_what_stays_hidden_is_neither_told_nor_stopped_from_another_channel(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, secret = guild.add_channel("music"), guild.add_channel("secret")
    ada, mia = guild.add_member("ada"), with_rights(guild, "mia", "manage_messages")
    secret.hide_from(mia)
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        await discord_server.command(ada, secret, "generate", prompt="whisper", seconds=30.0)
        asked = await discord_server.command(
            ada, secret, "generate", prompt="whisper", seconds=30.0
        )
        await asked.message()
        for person, told in ((ada, True), (mia, False)):
            typed = await discord_server.command(person, channel, "queue")
            text = text_of(await typed.message())
            assert ("whisper" in text) is told
            assert ("in a channel you cannot see" in text) is not told
        offered = await discord_server.autocomplete(mia, channel, "cancel", "clip", clip="")
        assert await offered.choices() == []
        typed = await discord_server.command(mia, channel, "cancel", clip=1)
        assert "You have no clip" in (await typed.message()).content
