"""Brought along by somebody's account to where the bot is not, and only tokens speak."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path
from typing import Any

import discord
import pytest
import soundfile

from musicgen_bot.cogs.client import Client
from musicgen_bot.translations import Translations
from tests.discord_server.controls import controls_in
from tests.discord_server.interactions import Interaction
from tests.discord_server.messages import Message
from tests.discord_server.people import Member, User, everyone
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room, answered
from tests.end_to_end.running import clip_in, running_bot, text_of

LONG = 30.0
FOR_MEMBERS = {
    *("generate", "continue", "Continue this audio", "history", "favourites", "clip"),
    *("queue", "cancel", "quota", "help", "about", "privacy"),
}
FOR_ADMINS = {"settings", "block", "unblock"}


class Abroad:
    """A server without the bot, where somebody has it by their account and somebody has not."""

    def __init__(self, server: DiscordServer, locale: str = "en-US") -> None:
        self.server = server
        self.guild = server.add_guild("Attic", locale=locale, with_bot=False)
        self.channel: Channel = self.guild.add_channel("music")
        self.other: Channel = self.guild.add_channel("talk")
        self.ada: Member = self.guild.add_member("ada")
        self.ben: Member = self.guild.add_member("ben")
        self.ada.user.has_app = True

    async def generate(self, seconds: float = 1.0, **options: Any) -> Interaction:
        options = {"prompt": "house", "seconds": seconds} | options
        return await self.server.command(self.ada, self.channel, "generate", **options)

    async def made(self, **options: Any) -> Message:
        message = await (await self.generate(**options)).message()
        await clip_in(message)
        return message

    async def ask(self, who: Member | User, where: Channel, line: str, **options: Any) -> Message:
        """Let somebody type a command whose answer only they see."""
        message = await answered(await self.server.command(who, where, line, **options))
        assert message.ephemeral
        return message


def states(folder: Path) -> dict[int, str]:
    """Return what the database of a stopped bot says of each job."""
    connection = sqlite3.connect(folder / "musicgen-bot.sqlite3")
    rows = connection.execute("SELECT id, state FROM jobs").fetchall()
    connection.close()
    return dict(rows)


def spoken_as_the_bot(server: DiscordServer) -> list[str]:
    """Return the requests about messages that needed more than a token."""
    return [f"{call.method} {call.path}" for call in server.requests if "channels/" in call.path]


async def test_each_command_is_offered_where_it_makes_sense(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server)
    ada, cy = abroad.ada.user, User(7, "cy")
    at_home = discord_server.add_guild().add_channel("music")
    with_bot = discord_server.direct_channel(ada)
    private = discord_server.private_channel(ada, cy)

    def offered(who: User, where: Channel) -> set[str]:
        return {each["name"] for each in discord_server.commands.offered(who, where)}

    for ticked, where_brought in (((0,), set()), ((0, 1), FOR_MEMBERS)):
        discord_server.world.integration_types = ticked
        async with running_bot(discord_server, tmp_path):
            for who in (ada, cy):
                assert offered(who, at_home) == FOR_MEMBERS | FOR_ADMINS
                assert offered(who, with_bot) == FOR_MEMBERS | {"owner"}
            assert offered(ada, abroad.channel) == offered(ada, private) == where_brought
            assert offered(cy, abroad.channel) == offered(cy, private) == set()
    assert len(discord_server.commands.syncs) == 2


async def test_the_link_for_accounts_is_told_where_there_can_be_one(
    discord_server: DiscordServer,
) -> None:
    address = f"https://discord.com/oauth2/authorize?client_id={discord_server.bot.id}"
    for ticked, link in (
        ((0,), None),
        ((0, 1), f"{address}&scope=applications.commands&integration_type=1"),
    ):
        discord_server.world.integration_types = ticked
        async with Client(Translations()) as client:
            await client.login(discord_server.token)
            assert client.account_link() == link


async def test_in_a_server_without_the_bot_all_is_done_by_tokens(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server, locale="fr")
    async with running_bot(discord_server, tmp_path):
        first = await abroad.made(seed=7)
        assert not first.ephemeral
        assert not first.pinged
        assert "morceau 1" in text_of(first)
        again = await (await discord_server.press(abroad.ben, first, "Encore")).message()
        await clip_in(again)
        assert f"Pour: {abroad.ben.mention}" in text_of(again)
        form = await discord_server.press(abroad.ben, first, "Remix")
        remixed = await (await discord_server.submit(abroad.ben, form, seed="8")).message()
        await clip_in(remixed)
        longer = await (await discord_server.press(abroad.ben, first, "Prolonger")).message()
        assert len((await clip_in(longer))[0]) == 11 * 16000
        wav = await answered(await discord_server.press(abroad.ben, first, "WAV"))
        assert wav.ephemeral
        assert len(soundfile.read(io.BytesIO(wav.attachments[0].data))[0]) == 16000
        liked = await (await discord_server.press(abroad.ben, first, "Favori")).message()
        assert "is now in your `/favourites`" in liked.content
        refused = await (await discord_server.press(abroad.ben, first, "Supprimer")).message()
        assert "Only the person who asked" in refused.content
        assert not first.deleted
        done = await (await discord_server.press(abroad.ada, first, "Supprimer")).followup()
        assert done.ephemeral
        assert "Clip 1 has been deleted" in done.content
        assert first.deleted
        menu = await discord_server.message_command(abroad.ada, again, "Continue this audio")
        await clip_in(await menu.message())
    public = [each for each in discord_server.messages(abroad.channel) if not each.ephemeral]
    assert len(public) == 4
    assert spoken_as_the_bot(discord_server) == []


async def test_a_clip_is_cancelled_by_its_owner_and_by_moderators_there(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server)
    rights = everyone() | discord.Permissions(manage_messages=True)
    mod = abroad.guild.add_member("mod", permissions=rights)
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        first = await (await abroad.generate(LONG)).message()
        second = await (await abroad.generate(LONG)).message()
        refused = await (await discord_server.press(abroad.ben, first, "Cancel")).message()
        assert "Only the person who asked" in refused.content
        await (await discord_server.press(mod, first, "Cancel")).followup()
        assert "Cancelled by a moderator." in text_of(first)
        told = await abroad.ask(abroad.ada, abroad.channel, "cancel")
        assert "Clip 2 has been cancelled" in told.content
        await second.until(lambda m: "Cancelled." in text_of(m))
    assert states(tmp_path) == {1: "cancelled", 2: "cancelled"}


@pytest.mark.parametrize("number", [2, 3], ids=["two people", "a group"])
async def test_people_among_themselves_hear_it_and_press_what_is_theirs_to_press(
    number: int, discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server)
    ada, ben = abroad.ada.user, abroad.ben.user
    ben.has_app = True
    private = discord_server.private_channel(ada, ben, *[User(7, "cy")][: number - 2])
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(
            ada, private, "generate", prompt="slow rain", seconds=1.0
        )
        first = await asked.message()
        await clip_in(first)
        again = await (await discord_server.press(ben, first, "Again")).message()
        await clip_in(again)
        assert (await answered(await discord_server.press(ben, first, "WAV"))).attachments
        liked = await (await discord_server.press(ben, first, "Favourite")).message()
        assert "is now in your" in liked.content
        assert (await abroad.ask(ben, private, "clip", clip="1")).attachments
        assert "slow rain" in text_of(await abroad.ask(ben, private, "favourites"))
        refused = await (await discord_server.press(ben, first, "Delete")).message()
        assert "Only the person who asked" in refused.content

        # From elsewhere nobody else finds it, be it with the bot or where it is brought along.
        for elsewhere in (discord_server.direct_channel(ben), abroad.channel):
            who = abroad.ben if elsewhere.guild else ben
            refused = await abroad.ask(who, elsewhere, "clip", clip="1")
            assert "Clip 1 is neither yours" in refused.content
            listed = text_of(await abroad.ask(who, elsewhere, "favourites"))
            assert "slow rain" not in listed
        await (await discord_server.press(ada, first, "Delete")).followup()
        assert first.deleted

        waiting = await discord_server.command(
            ada, private, "generate", prompt="slow snow", seconds=LONG
        )
        message = await waiting.message()
        assert "slow snow" in text_of(await abroad.ask(ben, private, "queue"))
        there = await abroad.ask(ben, discord_server.direct_channel(ben), "queue")
        assert "Nothing is waiting" in text_of(there)
        told = await abroad.ask(ben, private, "cancel", clip=3)
        assert "You have no clips waiting" in told.content
        refused = await (await discord_server.press(ben, message, "Cancel")).message()
        assert "Only the person who asked" in refused.content
        await (await discord_server.press(ada, message, "Cancel")).followup()
        assert "Cancelled." in text_of(message)
    assert spoken_as_the_bot(discord_server) == []


async def test_of_a_server_without_the_bot_only_this_channel_is_known(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server)
    abroad.ben.user.has_app = True
    async with running_bot(discord_server, tmp_path):
        message = await abroad.made(prompt="slow rain")
        await (await abroad.generate(LONG, prompt="slow snow")).message()
        here = text_of(await abroad.ask(abroad.ben, abroad.channel, "history", whose="this server"))
        assert "slow rain" in here
        link = f"https://discord.com/channels/{abroad.guild.id}/{abroad.channel.id}/{message.id}"
        assert link in here
        there = text_of(await abroad.ask(abroad.ben, abroad.other, "history", whose="this server"))
        assert "slow rain" not in there
        assert "slow snow" in text_of(await abroad.ask(abroad.ben, abroad.channel, "queue"))
        queue = text_of(await abroad.ask(abroad.ben, abroad.other, "queue"))
        assert "in a channel you cannot see" in queue
        assert "slow snow" not in queue
        refused = await abroad.ask(abroad.ben, abroad.other, "clip", clip="1")
        assert "Clip 1 is neither yours" in refused.content
        assert (await abroad.ask(abroad.ada, abroad.other, "clip", clip="1")).attachments


async def test_a_run_goes_on_with_the_token_of_the_one_before(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server)
    async with running_bot(discord_server, tmp_path):
        message = await (await abroad.generate(LONG)).message()
    assert states(tmp_path) == {1: "running"}
    async with running_bot(discord_server, tmp_path):
        await clip_in(message)
    assert discord_server.messages(abroad.channel) == [message]
    assert spoken_as_the_bot(discord_server) == []


async def test_after_fifteen_minutes_the_clip_waits_and_its_owner_is_told(
    discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    abroad = Abroad(discord_server, locale="de")
    ada = abroad.ada.user
    direct = discord_server.direct_channel(ada)
    async with running_bot(discord_server, tmp_path):
        asked = await abroad.generate(9.0, prompt="house @everyone")
        promised = await asked.message()
        asked.expire()
        await discord_server.until(lambda: discord_server.messages(direct), "a direct message")
        (note,) = discord_server.messages(direct)
        assert note.content == (
            "Dein Clip `house @everyone` ist fertig, aber ich kann ihn nicht dort posten, "
            "wo du ihn angefordert hast; mit `/clip 1` hörst du ihn an."
        )
        assert not note.pinged
        assert (await abroad.ask(ada, direct, "clip", clip="1")).attachments
        assert "house" in text_of(await abroad.ask(ada, direct, "history"))
        refused = await (await discord_server.press(abroad.ada, promised, "Abbrechen")).message()
        assert "already finished" in refused.content
    assert not promised.attachments
    assert "job 1 is kept" in caplog.text
    assert states(tmp_path) == {1: "kept"}


async def test_after_fifteen_minutes_a_press_of_cancel_still_changes_the_message(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server)
    rights = everyone() | discord.Permissions(manage_messages=True)
    mod = abroad.guild.add_member("mod", permissions=rights)
    direct = discord_server.direct_channel(abroad.ada.user)
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        for who, said in ((abroad.ada, "Cancelled."), (mod, "Cancelled by a moderator.")):
            asked = await abroad.generate(LONG)
            message = await asked.message()
            asked.expire()
            told = await (await discord_server.press(who, message, "Cancel")).followup()
            assert "has been cancelled" in told.content
            assert said in text_of(message)
            assert list(controls_in(message.components)) == []
        await discord_server.until(lambda: discord_server.messages(direct), "a direct message")
    # Nobody is written to about what they did themselves.
    notes = [each.content for each in discord_server.messages(direct)]
    assert notes == ["`house`\nCancelled by a moderator."]


async def test_whoever_may_not_bring_apps_hears_it_alone(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server)
    abroad.ada.permissions = everyone() & ~discord.Permissions(use_external_apps=True)
    async with running_bot(discord_server, tmp_path):
        message = await abroad.made()
        assert message.ephemeral
        await (await discord_server.press(abroad.ada, message, "Delete")).followup()
        assert message.deleted


async def test_there_the_hosts_limits_hold_and_help_tells_no_admins_commands(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    abroad = Abroad(discord_server)
    abroad.ada.permissions = discord.Permissions.all()
    async with running_bot(discord_server, tmp_path, limit_clip_seconds=5):
        refused = await (await abroad.generate(6.0)).message()
        assert "at most 5 seconds long" in refused.content
        await abroad.made()
        quota = await abroad.ask(abroad.ada, abroad.channel, "quota")
        assert quota.content == "There is no daily limit here."
        helped = text_of(await abroad.ask(abroad.ada, abroad.channel, "help"))
    assert "`/generate`" in helped
    assert "`/settings" not in helped


async def test_what_a_server_set_ends_with_the_bot_there_but_not_whom_it_blocked(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server, locale="fr")
    room.grace.permissions = discord.Permissions.all()
    ben = room.guild.add_member("ben")
    room.ada.user.has_app = ben.user.has_app = True
    async with running_bot(discord_server, tmp_path):
        await room.settings("limits", longest_clip_seconds=2, seconds_a_day_per_user=2)
        await room.settings("channels", add=room.other)
        blocked = await discord_server.command(room.grace, room.channel, "block", member=ben)
        assert "can no longer make music" in (await blocked.message()).content
        assert "other channels of this server" in await room.generate()
        room.guild.remove_bot()
        asked = await discord_server.command(
            room.ada, room.channel, "generate", prompt="house", seconds=3.0
        )
        message = await asked.message()
        assert len((await clip_in(message))[0]) == 3 * 16000
        refused = await discord_server.command(ben, room.channel, "generate", prompt="house")
        assert "have blocked you" in (await refused.message()).content
