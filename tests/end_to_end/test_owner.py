"""The host looks after the bot, from one place, and nobody else can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest

from musicgen_bot.blocks import BlockKind, HostBlock
from musicgen_bot.snowflakes import LARGEST_ID
from musicgen_bot.store.blocks import HostBlockStore
from musicgen_bot.store.database import Database
from musicgen_bot.translations import LOCALES
from tests.discord_server.commands import NotTypeable
from tests.discord_server.messages import Message
from tests.discord_server.people import Member, Team, User
from tests.discord_server.places import Channel, Guild
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import answered
from tests.end_to_end.running import clip_in, running_bot, text_of

SUBCOMMANDS: dict[str, dict[str, Any]] = {
    "status": {},
    "pause": {},
    "resume": {},
    "drain": {},
    "block": {"what": "user", "id": "1"},
    "unblock": {"what": "user", "id": "1"},
    "blocks": {},
}


class Host:
    """A server with members, and the host of the bot in direct messages with it."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.guild: Guild = server.add_guild()
        self.channel: Channel = self.guild.add_channel("music")
        self.ada: Member = self.guild.add_member("ada")
        self.me: User = server.world.owner
        self.direct: Channel = server.direct_channel(self.me)

    async def owner(self, line: str, **options: Any) -> str:
        """Let the host type a command of theirs; return the answer, which only they see."""
        asked = await self.server.command(self.me, self.direct, f"owner {line}", **options)
        message = await answered(asked)
        assert message.ephemeral
        return text_of(message)

    async def generate(
        self, person: Member | None = None, prompt: str = "house", seconds: float = 1.0
    ) -> Message:
        """Let a member ask for a clip; return the answer."""
        who = person or self.ada
        asked = await self.server.command(
            who, self.channel, "generate", prompt=prompt, seconds=seconds
        )
        return await asked.message()


async def test_the_host_sees_how_the_bot_is_doing(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    host = Host(discord_server)
    async with running_bot(discord_server, tmp_path):
        before = await host.owner("status")
        await clip_in(await host.generate())
        after = await host.owner("status")
    for text in (
        "Mode: running",
        "Queue: 0 being made, 0 waiting",
        "Speed: not measured yet",
        "Model: tiny, int8, cpu",
        "GPU memory: no GPU in use",
        "Clips kept: 0, 0 MiB",
        "Servers: 1",
        "Running for: ",
    ):
        assert text in before
    assert "Memory: 0." in before or "Memory: 1." in before
    assert "s of music per second" in after
    assert "Clips kept: 1, 0 MiB" in after


async def test_paused_the_bot_lets_jobs_wait_and_says_so_also_after_a_restart(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    host = Host(discord_server)
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        running = await host.generate(prompt="techno", seconds=30.0)
        waiting = await host.generate(prompt="trap")
        assert "the host has paused" not in text_of(waiting)
        assert "Clips being made are finished" in await host.owner("pause")
        await waiting.until(lambda m: "the host has paused the bot" in text_of(m))
        await clip_in(running)
        late = await host.generate(prompt="ambient")
        assert "#2 in line · the host has paused" in text_of(late)
        assert "Mode: paused" in await host.owner("status")
    async with running_bot(discord_server, tmp_path) as run:
        assert "The bot is paused; /owner resume lets it go on" in run.lines
        assert "0 being made, 2 waiting" in await host.owner("status")
        typed = await discord_server.command(host.ada, host.channel, "queue")
        assert "the host has paused the bot" in text_of(await typed.message())
        assert await host.owner("resume") == "Running."
        for message in (waiting, late):
            await clip_in(message)


async def test_draining_the_bot_finishes_what_it_has_and_takes_on_nothing(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    host = Host(discord_server)
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        first = await host.generate(prompt="techno", seconds=10.0)
        second = await host.generate(prompt="trap")
        assert "Draining." in await host.owner("drain")
        refused = await host.generate()
        assert refused.ephemeral
        assert "about to shut me down" in refused.content
        for message in (first, second):
            await clip_in(message)
        again = await (await discord_server.press(host.ada, second, "Again")).message()
        assert "about to shut me down" in again.content
    async with running_bot(discord_server, tmp_path):
        assert "about to shut me down" in (await host.generate()).content
        await host.owner("resume")
        await clip_in(await host.generate())


async def test_who_the_host_blocks_makes_no_music_anywhere(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    host = Host(discord_server)
    ben = host.guild.add_member("ben")
    user, guild = str(host.ada.user.id), str(host.guild.id)
    direct = discord_server.direct_channel(host.ada.user)
    async with running_bot(discord_server, tmp_path):
        assert await host.owner("blocks") == "Nobody is blocked."
        assert "is now blocked" in await host.owner("block", what="user", id=user)
        assert "was already blocked" in await host.owner("block", what="user", id=user)
        assert "blocked you from using me" in (await host.generate()).content
        typed = await discord_server.command(host.ada.user, direct, "generate", prompt="house")
        assert "blocked you from using me" in (await typed.message()).content
        assert "clip 1" in text_of(await host.generate(ben))
        await host.owner("block", what="server", id=guild)
    async with running_bot(discord_server, tmp_path):
        assert "blocked this server" in (await host.generate(ben)).content
        listed = await host.owner("blocks")
        assert f"User `{user}`" in listed
        assert f"Server `{guild}`" in listed
        assert "can make music again" in await host.owner("unblock", what="server", id=guild)
        assert "was not blocked" in await host.owner("unblock", what="server", id=guild)
        assert "clip 2" in text_of(await host.generate(ben))
        await host.owner("unblock", what="user", id=user)
        assert "clip 3" in text_of(await host.generate())
        for wrong in ("@ada", "0", "9" * 19, "1" * 40):
            assert "give an ID" in await host.owner("block", what="user", id=wrong)
        assert await host.owner("blocks") == "Nobody is blocked."


async def test_however_many_are_blocked_the_latest_are_listed_in_every_language(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    host = Host(discord_server)
    database = await Database.open(tmp_path / "musicgen-bot.sqlite3")
    blocks = HostBlockStore(database)
    ids = range(LARGEST_ID - 60, LARGEST_ID)
    for at, snowflake in enumerate(ids, start=2_000_000_000):
        await blocks.block(HostBlock(BlockKind.GUILD, snowflake, host.me.id, at))
    await database.close()
    async with running_bot(discord_server, tmp_path):
        for locale in LOCALES:
            host.me.locale = locale
            *lines, rest = (await host.owner("blocks")).splitlines()
            for snowflake, line in zip(ids[:9:-1], lines, strict=True):
                assert str(snowflake) in line
            assert "10" in rest


async def test_nobody_else_can_do_any_of_it(discord_server: DiscordServer, tmp_path: Path) -> None:
    host = Host(discord_server)
    admin = host.guild.add_member("admin", permissions=discord.Permissions.all())
    direct = discord_server.direct_channel(host.ada.user)
    async with running_bot(discord_server, tmp_path):
        for name, options in SUBCOMMANDS.items():
            asked = await discord_server.command(host.ada.user, direct, f"owner {name}", **options)
            message = await asked.message()
            assert message.ephemeral
            assert message.content == "Only the host of this bot can do that."
            with pytest.raises(NotTypeable):
                await discord_server.command(admin, host.channel, f"owner {name}", **options)
        assert "Mode: running" in await host.owner("status")
        assert await host.owner("blocks") == "Nobody is blocked."
        help_text = text_of(
            await (await discord_server.command(admin, host.channel, "help")).message()
        )
        assert "/owner" not in help_text
        assert "`/privacy`" in help_text
        shown = await (await discord_server.command(host.ada.user, direct, "help")).message()
        assert "/owner" not in text_of(shown)


async def test_of_a_team_those_count_who_run_the_bot(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    world = discord_server.world
    people = {
        name: User(world.snowflakes.next(), name)
        for name in ("head", "admin", "developer", "read_only", "invited")
    }
    world.users |= {user.id: user for user in people.values()}
    world.team = Team(world.snowflakes.next(), people["head"])
    world.team.members = [
        (user, "admin" if name == "invited" else name, name != "invited")
        for name, user in people.items()
        if name != "head"
    ]

    async def status(user: User) -> str:
        direct = discord_server.direct_channel(user)
        asked = await discord_server.command(user, direct, "owner status")
        return text_of(await asked.message())

    async with running_bot(discord_server, tmp_path):
        for name, may in (
            ("head", True),
            ("admin", True),
            ("developer", True),
            ("read_only", False),
            ("invited", False),
        ):
            assert ("Mode: running" in await status(people[name])) is may
        assert "Only the host" in await status(world.owner)
        world.team.members = []  # whoever leaves the team is out at once
        assert "Only the host" in await status(people["admin"])


async def test_the_commands_are_in_the_server_the_host_names_and_only_there(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    host = Host(discord_server)
    den = discord_server.add_guild("Den")
    room = den.add_channel("desk")
    me = den.add_member(host.me, permissions=discord.Permissions.all())
    eve = den.add_member("eve", permissions=discord.Permissions.all())
    ben = den.add_member("ben")
    syncs = discord_server.commands.syncs
    for _ in range(2):
        async with running_bot(discord_server, tmp_path, owner_guild=den.id):
            asked = await discord_server.command(me, room, "owner status")
            assert "Mode: running" in text_of(await asked.message())
            asked = await discord_server.command(eve, room, "owner pause")
            assert "Only the host" in (await asked.message()).content
            with pytest.raises(NotTypeable):
                await discord_server.command(ben, room, "owner status")
            with pytest.raises(NotTypeable):
                await discord_server.command(host.me, host.direct, "owner status")
        assert syncs == [None, den.id]
    async with running_bot(discord_server, tmp_path):
        assert "Mode: running" in await host.owner("status")
        with pytest.raises(NotTypeable):
            await discord_server.command(me, room, "owner status")
    async with running_bot(discord_server, tmp_path, owner_guild=den.id):
        asked = await discord_server.command(me, room, "owner status")
        assert "Mode: running" in text_of(await asked.message())


async def test_a_server_that_does_not_have_the_bot_stops_nothing(
    discord_server: DiscordServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = Host(discord_server)
    discord_server.faults.fail("PUT", "/applications/*/guilds/*/commands", status=403, times=1)
    async with running_bot(discord_server, tmp_path, owner_guild=77):
        await clip_in(await host.generate())
    assert "is the bot in that server?" in caplog.text
