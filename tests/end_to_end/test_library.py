"""What was made is found again by those who may see it, and by nobody else."""

import time
from pathlib import Path

import numpy as np
import pytest

from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import Address, JobState, Order, Submission
from musicgen_bot.store.clip_lists import PAGE_LENGTH
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore, MadeClips
from tests.discord_server.components import buttons
from tests.discord_server.people import Member
from tests.discord_server.places import Channel
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, running_bot, text_of


async def fill(folder: Path, *clips: tuple[str, Member, Channel]) -> None:
    """Put clips into the database, as a former run would have left them."""
    database = await Database.open(folder / "musicgen-bot.sqlite3")
    jobs = JobStore(database)
    for prompt, person, channel in clips:
        guild_id = channel.guild.id if channel.guild else None
        address = Address(person.user.id, guild_id, channel.id, 77, "", time.time())
        request = GenerationRequest(prompt, 1.0, seed=1)
        job = await jobs.add(Submission(request, address, Order(seeds=(1,))))
        made = MadeClips([np.zeros((5, 50), np.int16)], "tiny", 2.0)
        await jobs.advance(job.id, JobState.MADE, made=made)
        await jobs.advance(job.id, JobState.DELIVERED, at=200.0)
    await database.close()


async def test_history_shows_what_the_one_who_asks_may_see(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild, other = discord_server.add_guild(), discord_server.add_guild("Elsewhere")
    ada, ben = guild.add_member("ada"), guild.add_member("ben")
    music, secret = guild.add_channel("music"), guild.add_channel("secret")
    there = other.add_channel("there")
    secret.hide_from(ada)
    direct = discord_server.direct_channel(ada.user)
    await fill(
        tmp_path,
        ("of ada `here`", ada, music),
        ("of ada there", ada, there),
        ("of ben here", ben, music),
        ("of ben in secret", ben, secret),
        ("of ben there", ben, there),
    )
    async with running_bot(discord_server, tmp_path):

        async def history(who: Member, **options: str) -> str:
            asked = await discord_server.command(who, music, "history", **options)
            message = await asked.message()
            assert message.ephemeral
            assert not message.pinged
            return text_of(message)

        mine = await history(ada)
        assert "`of ada ˋhereˋ`" in mine
        assert "of ada there" in mine
        assert "of ben" not in mine
        everybodys = await history(ada, whose="this server")
        assert "of ben here" in everybodys
        assert f"\n-# 1 s · {ben.mention} · <t:" in everybodys
        assert "there" not in everybodys
        assert "secret" not in everybodys
        assert "of ben in secret" in await history(ben, whose="this server")
        assert "of ben here" in await history(ada, whose="this server", search="BEN")
        found = await history(ada, search="`nothing`")
        assert "No clip here has `ˋnothingˋ` in its prompt" in found

        asked = await discord_server.command(ada.user, direct, "history")
        assert "of ada there" in text_of(await asked.message())
        asked = await discord_server.command(ada.user, direct, "history", whose="this server")
        assert "This is not a server" in (await asked.message()).content


async def test_pages_are_turned_and_go_on_turning_after_a_restart(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    search = "t: *" + "x" * 56
    await fill(tmp_path, *((f"{search} {n}.", ada, channel) for n in range(PAGE_LENGTH + 1)))
    async with running_bot(discord_server, tmp_path):
        asked = await discord_server.command(ada, channel, "history", search=search)
        message = await asked.message()
        assert f"**{PAGE_LENGTH + 1}**" in text_of(message)
        assert "**1**" not in text_of(message)
        assert [button["label"] for button in buttons(message.components)] == ["Older"]
        await (await discord_server.press(ada, message, "Older")).message()
        assert "**1**" in text_of(message)
        assert "page 2" in text_of(message)
    async with running_bot(discord_server, tmp_path):
        await (await discord_server.press(ada, message, "Newer")).message()
        assert f"**{PAGE_LENGTH + 1}**" in text_of(message)


async def test_clip_plays_one_again_with_its_buttons(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild, other = discord_server.add_guild(), discord_server.add_guild("Elsewhere")
    channel, ada, ben = guild.add_channel("music"), guild.add_member("ada"), guild.add_member("ben")
    there, ben_there = other.add_channel("there"), other.add_member(ben.user)
    async with running_bot(discord_server, tmp_path):
        made = await discord_server.command(
            ada, channel, "generate", prompt="slow rain", seconds=1.0, seed=7
        )
        before, _ = await clip_in(await made.message())

        offered = await discord_server.autocomplete(ben, channel, "clip", "clip", clip="RAIN")
        assert [choice["value"] for choice in await offered.choices()] == ["1"]
        found = await (await discord_server.command(ben, channel, "clip", clip="1")).message()
        after, _ = await clip_in(found)
        assert found.ephemeral
        assert np.array_equal(before, after)
        assert "`7`" in text_of(found)
        again = await (await discord_server.press(ben, found, "Again")).message()
        await clip_in(again)

        offered = await discord_server.autocomplete(ben_there, there, "clip", "clip", clip="slow")
        assert [choice["value"] for choice in await offered.choices()] == ["2"]
        refused = await (await discord_server.command(ben_there, there, "clip", clip="1")).message()
        assert refused.ephemeral
        assert "neither yours nor from this server" in refused.content


@pytest.mark.parametrize(
    ("clip", "sentence"), [("99", "This clip is gone"), ("rain", "or type its number")]
)
async def test_a_clip_that_is_not_there_is_told(
    clip: str, sentence: str, discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        told = await (await discord_server.command(ada, channel, "clip", clip=clip)).message()
    assert told.ephemeral
    assert sentence in told.content


async def test_help_tells_every_command_and_what_the_buttons_do(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        message = await (await discord_server.command(ada, channel, "help")).message()
    assert message.ephemeral
    text = text_of(message)
    for name in ("generate", "history", "favourites", "clip", "queue", "cancel", "about", "help"):
        assert f"`/{name}`" in text
    assert "**Remix**" in text
