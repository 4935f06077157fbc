"""What waits can be seen and stopped, and the limits are kept, with words that tell them."""

from pathlib import Path

import pytest

from musicgen_bot.cogs.queue import ROWS_SHOWN
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, running_bot, text_of

LONG = 30.0


async def paused(server: DiscordServer) -> None:
    """Let the host pause the bot, so that what waits goes on waiting."""
    host = server.world.owner
    typed = await server.command(host, server.direct_channel(host), "owner pause")
    await typed.message()


async def test_queue_shows_this_servers_jobs_to_the_one_who_asks(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild, other = discord_server.add_guild(), discord_server.add_guild("Elsewhere")
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    there, ben = other.add_channel("music"), other.add_member("ben")
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        for person, where, prompt in (
            (ada, channel, "first `tune`"),
            (ada, channel, "second tune"),
            (ben, there, "secret"),
        ):
            interaction = await discord_server.command(
                person, where, "generate", prompt=prompt, seconds=LONG
            )
            await interaction.message()
        shown = await (await discord_server.command(ada, channel, "queue")).message()
        text = text_of(shown)
        assert shown.ephemeral
        assert "firstˋ" not in text
        assert "`first ˋtuneˋ`" in text
        assert "second tune" in text
        assert "next in line" in text
        assert "secret" not in text


async def test_a_long_queue_is_cut_and_says_how_much_more_there_is(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path, limit_waiting_per_user=ROWS_SHOWN + 1):
        await paused(discord_server)

        async def ask() -> None:
            typed = await discord_server.command(ada, channel, "generate", prompt="house")
            await typed.message()

        async def rows() -> list[str]:
            shown = await (await discord_server.command(ada, channel, "queue")).message()
            return [line for line in text_of(shown).splitlines() if line[:1] in "*…"]

        for _ in range(ROWS_SHOWN):
            await ask()
        assert len(await rows()) == ROWS_SHOWN
        await ask()
        assert (await rows())[ROWS_SHOWN:] == ["… and 1 more"]


async def test_an_empty_queue_says_so(discord_server: DiscordServer, tmp_path: Path) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        shown = await (await discord_server.command(ada, channel, "queue")).message()
        assert "Nothing is waiting" in text_of(shown)


async def test_cancel_stops_the_newest_or_the_chosen_one(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path, musicgen_max_batch=1):
        messages = []
        for prompt in ("running", "waiting", "newest"):
            interaction = await discord_server.command(
                ada, channel, "generate", prompt=prompt, seconds=LONG
            )
            messages.append(await interaction.message())
        running, waiting, newest = messages

        answer = await (await discord_server.command(ada, channel, "cancel")).message()
        assert "Clip 3 has been cancelled" in answer.content
        await newest.until(lambda m: "Cancelled." in text_of(m))

        offered = await discord_server.autocomplete(ada, channel, "cancel", "clip", clip="")
        assert [choice["value"] for choice in await offered.choices()] == [2, 1]
        answer = await (await discord_server.command(ada, channel, "cancel", clip=1)).message()
        assert answer.ephemeral
        await running.until(lambda m: "Cancelled." in text_of(m))
        await clip_in(waiting)
    assert not running.attachments
    assert not newest.attachments


async def test_nobody_cancels_what_is_not_theirs(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada, ben = guild.add_channel("music"), guild.add_member("ada"), guild.add_member("ben")
    async with running_bot(discord_server, tmp_path):
        await paused(discord_server)
        interaction = await discord_server.command(ada, channel, "generate", prompt="house")
        message = await interaction.message()
        answer = await (await discord_server.command(ben, channel, "cancel")).message()
        assert "You have no clip" in answer.content
        mine = await discord_server.command(ben, channel, "generate", prompt="techno")
        await mine.message()
        answer = await (await discord_server.command(ben, channel, "cancel", clip=1)).message()
        assert "You have no clip 1 waiting" in answer.content
        answer = await (await discord_server.command(ada, channel, "cancel", clip=1)).message()
        assert "Clip 1 has been cancelled" in answer.content
        await message.until(lambda m: "Cancelled." in text_of(m))


async def test_each_limit_is_kept_and_told(discord_server: DiscordServer, tmp_path: Path) -> None:
    guild = discord_server.add_guild()
    channel = guild.add_channel("music")
    people = [guild.add_member(name) for name in ("ada", "ben", "cy")]

    async def asked(number: int, seconds: float = LONG) -> str:
        interaction = await discord_server.command(
            people[number], channel, "generate", prompt="house", seconds=seconds
        )
        return text_of(await interaction.message())

    async with running_bot(
        discord_server,
        tmp_path,
        musicgen_max_batch=1,
        limit_waiting_per_user=1,
        limit_waiting_per_guild=2,
        limit_clip_seconds=30,
    ):
        assert "clip 1" in await asked(0)
        assert "next in line" in await asked(0)
        assert "You already have 1 clip waiting" in await asked(0)
        assert "#2 in line" in await asked(1)
        assert "This server already has 2 clips waiting" in await asked(2)
        assert "at most 30 seconds long" in await asked(2, 31)


async def test_the_cooldown_outlives_a_restart(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    for expected in ("clip 1", "try again in"):
        async with running_bot(discord_server, tmp_path, limit_cooldown_seconds=3600):
            interaction = await discord_server.command(
                ada, channel, "generate", prompt="house", seconds=1.0
            )
            message = await interaction.message()
            assert expected in text_of(message)
            if not message.ephemeral:
                await clip_in(message)


@pytest.mark.parametrize("ahead", [-2000.0, 2000.0])
async def test_a_cooldown_does_not_mind_that_discords_clock_is_another(
    ahead: float, discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path, limit_cooldown_seconds=1000):
        discord_server.world.snowflakes.shift(ahead)
        for expected in ("clip 1", "try again in"):
            interaction = await discord_server.command(
                ada, channel, "generate", prompt="house", seconds=1.0
            )
            assert expected in text_of(await interaction.message())


async def test_about_tells_model_device_and_licence(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        text = text_of(await (await discord_server.command(ada, channel, "about")).message())
    assert "tiny" in text
    assert "cpu, int8" in text
    assert "licence" in text


async def test_commands_are_synced_when_they_have_changed_and_only_then(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    for _ in range(2):
        async with running_bot(discord_server, tmp_path):
            pass
    assert len(discord_server.commands.syncs) == 1
    names = {command["name"] for command in discord_server.commands.all()}
    assert names == {
        *("generate", "continue", "Continue this audio", "queue", "cancel", "about"),
        *("history", "favourites", "clip", "help"),
        *("quota", "settings", "block", "unblock", "privacy", "owner"),
    }
