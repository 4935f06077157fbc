"""However much is set, Discord takes what is shown of it."""

import pytest

from musicgen_bot.guild_settings import GuildSettings, SettingsChange, Tier
from musicgen_bot.jobs.limits import Limits
from musicgen_bot.translations import ENGLISH, LOCALES, Language, Translations
from musicgen_bot.ui.guild_settings.forms import words_in
from musicgen_bot.ui.guild_settings.text import differences, log_embed, settings_embed

HOST = Limits(clip_seconds=30, cooldown_seconds=10, waiting_per_user=3, waiting_per_guild=20)
SAY = Language(ENGLISH)
IDS = tuple(range(10**18, 10**18 + 25))
FULL = GuildSettings(
    channels=IDS,
    roles=IDS,
    unlimited_roles=IDS,
    role_seconds_a_day=tuple(Tier(role, 1_000_000) for role in IDS),
    unwanted_words=tuple(f"{n:030}" for n in range(100)),
)


def test_a_full_page_is_not_too_long_for_discord() -> None:
    embed = settings_embed(SAY, FULL, FULL, HOST, range(10**18, 10**18 + 100))
    assert len(embed) <= 6000
    assert all(field.value and len(field.value) <= 1024 for field in embed.fields)
    channels = next(field.value for field in embed.fields if field.name == "Channels")
    assert channels == ", ".join(f"<#{channel}>" for channel in IDS)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_full_page_of_what_was_deleted_is_not_either(locale: str) -> None:
    say = Translations().language(locale)
    embed = settings_embed(say, FULL, GuildSettings(), HOST, range(10**18, 10**18 + 100))
    assert len(embed) <= 6000
    assert all(field.value and len(field.value) <= 1024 for field in embed.fields)


def test_the_latest_changes_come_first_and_as_many_as_discord_takes() -> None:
    changes = [SettingsChange(9, float(n), GuildSettings(), FULL) for n in range(50, 0, -1)]
    text = log_embed(SAY, changes).description or ""
    assert len(text) <= 4096
    first, *_, last = text.splitlines()
    assert first.startswith("<t:50:f> <@9>: Channels: everywhere → <#1000000000000000000>")
    assert last == f"… and {50 - len(text.splitlines()) + 1} earlier"


def test_a_change_is_told_as_what_it_was_and_what_it_is() -> None:
    after = GuildSettings(longest_clip_seconds=5, unwanted_words=("kazoo",))
    assert differences(SAY, GuildSettings(), after) == (
        "Longest clip: not set → 5 s; Unwanted words: none → `kazoo`"
    )
    assert differences(SAY, after, after) == ""


def test_words_are_read_however_they_are_separated() -> None:
    assert words_in(" a ,b\nslap   bass,,a\n\n") == ("a", "b", "slap bass")
    assert words_in(" \n,") == ()
