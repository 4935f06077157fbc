"""A prompt in a channel becomes an MP3 in that channel."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from musicgen_bot.errors import StoreError
from musicgen_bot.generation import MAX_PROMPT_CHARACTERS, READS_ENGLISH, is_foreign, one_line
from musicgen_bot.store.jobs import JobStore
from tests.discord_server.messages import Message
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, running_bot, text_of


async def test_a_prompt_becomes_a_clip_in_the_message_that_promised_it(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild("Cellar")
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path) as run:
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="lofi beat with warm piano", seconds=3.0, seed=7
        )
        message = await interaction.message()
        assert "lofi beat with warm piano" in text_of(message)
        assert not message.ephemeral
        samples, rate = await clip_in(message)
    assert rate == 16000
    assert len(samples) == 3 * rate
    assert np.abs(samples).max() <= 10 ** (-1 / 20) + 1e-4
    assert message.attachments[0].filename == "lofi-beat-with-warm-piano.mp3"
    text = text_of(message)
    assert "lofi beat with warm piano" in text
    assert "3 s" in text
    assert "`7`" in text
    assert discord_server.messages(channel) == [message]
    assert any("tiny" in line for line in run.lines)


async def test_the_same_seed_gives_the_same_clip_and_another_does_not(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    clips = []
    async with running_bot(discord_server, tmp_path):
        for seed in (1, 1, 2):
            interaction = await discord_server.command(
                ada, channel, "generate", prompt="house", seconds=1.0, seed=seed
            )
            clips.append((await clip_in(await interaction.message()))[0])
    assert np.array_equal(clips[0], clips[1])
    assert not np.array_equal(clips[0], clips[2])


async def test_a_direct_message_gets_its_clip_too(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    ada = discord_server.add_guild().add_member("ada").user
    channel = discord_server.direct_channel(ada)
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0
        )
        samples, rate = await clip_in(await interaction.message())
    assert len(samples) == rate


async def test_a_message_follows_the_work_and_is_edited_at_most_every_two_seconds(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        for prompt in ("one", "two", "three"):
            interaction = await discord_server.command(
                ada, channel, "generate", prompt=prompt, seconds=30.0
            )
            message = await interaction.message()
        await clip_in(message)
    promise, *updates, clip = message.history
    assert clip.attachments
    assert all("🎶" in update.embeds[0]["description"] for update in updates)
    # What was sent two seconds apart may arrive closer on a busy machine, but never more of it.
    for count, update in enumerate(updates, start=1):
        assert count <= (update.time - promise.time) / 2 + 1


async def test_a_full_disk_is_told_and_nothing_is_taken_on(
    discord_server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def add(*_: object) -> None:
        raise StoreError("The disk is full; please free some space for the bot's database.")

    monkeypatch.setattr(JobStore, "add", add)
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(ada, channel, "generate", prompt="house")
        message = await interaction.message()
    assert message.ephemeral
    assert "The disk is full" in message.content
    assert "tell the host" in message.content


NASTY = [
    "@everyone come here",
    "<@{ada}> <@&{role}> <#1> </generate:1>",
    "**bold** __under__ ~~strike~~ ||spoiler|| [link](https://example.org) https://example.org",
    "`code` ```block``` > quote # title",
    "ピアノと雨の音 🎹🌧️ مرحبا",
    "{0} {clip} {job.id} %s ${HOME} $(reboot) '; DROP TABLE jobs; --",
    "../../etc/passwd CON -metadata title=x",
    "line one\nline two\ttab\x00null\x1b[31mred",
    "right \u202eot tfel\u202c and \u200binvisible\ufeff",
    "z\u0300\u0301\u0302\u0303\u0304\u0305a\u0306\u0307\u0308\u0309l\u030a\u030bgo",
    "100% of_it \\ 'quoted' \"twice\"",
    "x" * MAX_PROMPT_CHARACTERS,
]


def numbers_in(listed: str) -> list[int]:
    """Return the clips that a list shows, in its order."""
    return [int(number) for number in re.findall(r"^\*\*(\d+)\*\* `", listed, re.MULTILINE)]


def shown_in_code(text: str) -> str:
    """Return what stands between the only two backticks of a text, where nothing is markdown."""
    before, code, after = text.split("`")
    assert before + after == text.replace(f"`{code}`", "")
    return code


async def test_whatever_is_typed_is_shown_and_does_nothing(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    role = guild.add_role("djs", mentionable=True)
    ids = {"{ada}": str(ada.user.id), "{role}": str(role.id)}
    async with running_bot(discord_server, tmp_path):

        async def typed(name: str, **options: object) -> Message:
            asked = await discord_server.command(ada, channel, name, **options)
            message = await (await asked.message()).until(lambda m: not m.loading)
            assert not message.pinged
            return message

        for number, nasty in enumerate(NASTY, start=1):
            prompt = nasty.replace("{ada}", ids["{ada}"]).replace("{role}", ids["{role}"])
            message = await typed("generate", prompt=prompt, seconds=1.0)
            await clip_in(message)
            assert not message.pinged
            name = message.attachments[0].filename
            assert name.endswith(".mp3")
            assert not set(name) & set("/\\ ")
            shown, *hint = message.embeds[0]["description"].split("\n")
            assert hint == ([f"-# {READS_ENGLISH}"] if is_foreign(prompt) else [])
            code = shown_in_code(shown)
            assert shown == f"`{code}`"
            assert code == one_line(prompt).replace("`", "ˋ")
            assert code.isprintable() or "\u200d" in code

            # It is found by itself, where it is no pattern, and offered to be chosen.
            search = one_line(prompt)[:60].strip()
            listed = text_of(await typed("history", search=search))
            assert f"**{number}** `{code[:40]}" in listed
            assert numbers_in(listed) == [number]
            offered = await discord_server.autocomplete(ada, channel, "clip", "clip", clip=search)
            assert [each["value"] for each in await offered.choices()] == [str(number)]
            queried = await discord_server.autocomplete(
                ada, channel, "generate", "style", style=search
            )
            await queried.choices()

            # And it comes back from a form as it was.
            form = await discord_server.press(ada, message, "Remix")
            fields = {
                label["component"]["custom_id"]: label
                for label in (await form.modal())["components"]
            }
            assert fields["prompt"]["component"]["value"] == one_line(prompt)
            refused = await (await discord_server.submit(ada, form, seed=prompt[:12])).message()
            assert refused.ephemeral
            assert "The seed must be a whole number" in refused.content
        for pattern in ("%", "_", "100%_of", "*", "x%"):
            found = text_of(await typed("history", search=pattern))
            matching = [n for n, each in enumerate(NASTY, start=1) if pattern in one_line(each)]
            assert numbers_in(found) == matching[::-1]
        played = await typed("clip", clip=str(len(NASTY)))
        assert shown_in_code(played.embeds[0]["description"]) == NASTY[-1]
        for nasty in NASTY:
            if nasty != NASTY[-1]:
                refused = await typed("clip", clip=nasty)
                assert "or type its number" in refused.content
            refused = await typed("generate", style=nasty[:100], prompt="house")
            assert refused.ephemeral
            assert "pick one from the list" in refused.content


async def test_bad_input_gets_one_clear_private_sentence(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        for options, sentence in (
            ({"prompt": "   "}, "say what you would like to hear"),
            ({"prompt": "\u200d\x00"}, "say what you would like to hear"),
            ({"prompt": "house", "seconds": 30.5}, "at most 30 seconds long"),
            ({"prompt": "house", "seconds": 1e9}, "at most 30 seconds long"),
        ):
            interaction = await discord_server.command(ada, channel, "generate", **options)
            message = await interaction.message()
            assert sentence in message.content
            assert message.ephemeral
            assert discord_server.messages(channel)[-1] is message
    assert len(discord_server.messages(channel)) == 4


async def test_what_discord_does_not_let_anyone_type_is_refused_all_the_same(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        for option, value, sentence in (
            ("prompt", "x" * 501, "`prompt` must be 1 to 500 characters long"),
            ("prompt", "", "`prompt` must be 1 to 500 characters long"),
            ("seconds", 0.0, "`seconds` must be at least 1"),
            ("seconds", -1.0, "`seconds` must be at least 1"),
            ("seconds", math.nan, "`seconds` must be at least 1"),
            ("seconds", 0.5, "`seconds` must be at least 1"),
            ("seconds", math.inf, "a number of seconds greater than 0"),
            ("seconds", 1e30, "at most 30 seconds long here; you asked for 1e+30"),
            ("variations", 1000, "`variations` must be from 1 to 4"),
            ("variations", 0, "`variations` must be from 1 to 4"),
            ("seed", -1, "`seed` must be from 0 to 4294967295"),
            ("seed", 2**32, "`seed` must be from 0 to 4294967295"),
            ("guidance", 1e30, "`guidance` must be from 1 to 10"),
            ("guidance", math.nan, "`guidance` must be from 1 to 10"),
            ("temperature", 0.0, "`temperature` must be from 0.1 to 2"),
            ("temperature", 1e30, "`temperature` must be from 0.1 to 2"),
            ("top_k", 0, "`top_k` must be from 1 to 2048"),
            ("top_k", 10**400, "`top_k` must be from 1 to 2048"),
        ):
            interaction = await discord_server.forged_command(
                ada, channel, "generate", **{"prompt": "house", option: value}
            )
            message = await interaction.message()
            assert sentence in message.content
            assert message.ephemeral


async def test_a_quiet_clip_is_told_not_posted_as_music(
    discord_server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from musicgen_bot.engine.codec import SoundStream

    sound = SoundStream.sound
    monkeypatch.setattr(SoundStream, "sound", lambda self: sound(self) * 0)
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0
        )
        message = await (await interaction.message()).until(lambda m: "silent" in text_of(m))
    assert not message.attachments
