"""What `/generate` takes beside a prompt: styles, variations, and how the model draws."""

from pathlib import Path
from typing import Any

import pytest

from musicgen_bot.styles import find_style
from musicgen_bot.ui.job_message import files
from tests.discord_server.commands import NotTypeable
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import clip_in, clips_in, running_bot, text_of


async def test_a_style_adds_its_words_with_a_prompt_or_without_and_both_are_shown(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    words = find_style("Trap").words
    async with running_bot(discord_server, tmp_path):
        offered = await discord_server.autocomplete(ada, channel, "generate", "style", style="tra")
        assert [choice["value"] for choice in await offered.choices()][:2] == ["Trance", "Trap"]
        offered = await discord_server.autocomplete(ada, channel, "generate", "style", style="")
        assert len(await offered.choices()) == 25
        shown = []
        for options in ({"prompt": "@everyone `rain`"}, {}):
            interaction = await discord_server.command(
                ada, channel, "generate", style="Trap", seconds=1.0, **options
            )
            message = await interaction.message()
            await clip_in(message)
            assert not message.pinged
            shown.append((text_of(message), message.attachments[0].filename))
    (both, name), (alone, style_name) = shown
    assert both.startswith("`@everyone ˋrainˋ`")
    assert f"Style: `Trap` `{words}`" in both
    assert name == "everyone-rain.mp3"
    assert alone.startswith("`Trap`")
    assert f"Style: `Trap` `{words}`" in alone
    assert style_name == "trap.mp3"


async def test_the_options_are_told_where_they_are_unusual_and_change_the_clip(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    unusual = {"guidance": 1.5, "temperature": 0.5, "top_k": 1}
    async with running_bot(discord_server, tmp_path):
        texts, clips = [], []
        for options in ({}, unusual):
            interaction = await discord_server.command(
                ada, channel, "generate", prompt="house", seconds=1.0, seed=1, **options
            )
            message = await interaction.message()
            clips.append((await clip_in(message))[0].tolist())
            texts.append(text_of(message))
    assert " · made in " in texts[0]
    assert not {"Guidance", "Temperature", "Top k"} & set(texts[0].replace(":", "\n").split("\n"))
    assert "Guidance: 1.5\nTemperature: 0.5\nTop k: 1" in texts[1]
    assert clips[0] != clips[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "say what you would like to hear"),
        ({"style": "no such style"}, "pick one from the list"),
        ({"style": "Trap", "prompt": "x" * 480}, "too long; please shorten it"),
    ],
)
async def test_what_makes_no_prompt_is_told_in_a_private_sentence(
    options: dict[str, Any], sentence: str, discord_server: DiscordServer, tmp_path: Path
) -> None:
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        message = await (
            await discord_server.command(ada, channel, "generate", **options)
        ).message()
        for out_of_range in (
            *({"variations": 0}, {"variations": 5}, {"guidance": 0.5}, {"guidance": 10.5}),
            *({"temperature": 0.0}, {"temperature": 2.5}, {"top_k": 0}, {"top_k": 2049}),
        ):
            with pytest.raises(NotTypeable):
                await discord_server.command(
                    ada, channel, "generate", prompt="house", **out_of_range
                )
    assert message.ephemeral
    assert sentence in message.content


async def test_a_silent_variation_does_not_take_the_others_with_it(
    discord_server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from musicgen_bot.audio import loudness
    from musicgen_bot.errors import UnusableSound

    calls = []

    def silent_at_first(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise UnusableSound("The clip came out silent; please try another seed or prompt.")
        return loudness.master(*arguments)

    monkeypatch.setattr(files, "master", silent_at_first)
    guild = discord_server.add_guild()
    channel, ada = guild.add_channel("music"), guild.add_member("ada")
    async with running_bot(discord_server, tmp_path):
        interaction = await discord_server.command(
            ada, channel, "generate", prompt="house", seconds=1.0, variations=2
        )
        message = await interaction.message()
        (clip,) = await clips_in(message)
    assert len(clip[0]) == 16000
    assert message.attachments[0].filename == "house-2.mp3"
    assert "Variation 1 came out silent." in text_of(message)
