"""Settings are kept with their history, and read back as they were."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import NUMBERS, GuildSettings, Tier
from musicgen_bot.guild_settings_json import dump_settings, load_settings
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import CHANGES_KEPT, GuildSettingsStore
from musicgen_bot.store.schema import MIGRATIONS
from musicgen_bot.translations import LOCALES

ALL = GuildSettings(
    longest_clip_seconds=20,
    default_clip_seconds=8,
    most_variations=2,
    waiting_per_user=2,
    waiting_per_server=9,
    cooldown_seconds=30,
    seconds_a_day_per_user=120,
    seconds_a_day_per_server=3600,
    channels=(1, 2**62),
    roles=(3,),
    unlimited_roles=(4, 5),
    role_seconds_a_day=(Tier(6, 600), Tier(7, 1200)),
    unwanted_words=("kazoo", "größer als"),
    time_zone="Europe/Berlin",
    language="de",
)


async def test_settings_are_there_after_opening_again(tmp_path: Path) -> None:
    for expected, new in ((GuildSettings(), ALL), (ALL, GuildSettings())):
        database = await Database.open(tmp_path / "bot.sqlite3")
        store = GuildSettingsStore(database)
        assert await store.get(1) == expected
        assert await store.get(2) == GuildSettings()
        await store.set(1, 9, new, 5.0)
        await database.close()


async def test_only_the_latest_changes_are_kept(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    store = GuildSettingsStore(database)
    await store.set(2, 9, ALL, 0.0)
    for number in range(1, CHANGES_KEPT + 21):
        await store.set(1, 9, GuildSettings(seconds_a_day_per_user=number), float(number))
    changes = await store.changes(1)
    assert len(changes) == CHANGES_KEPT
    assert [change.at for change in changes] == list(range(CHANGES_KEPT + 20, 20, -1))
    assert changes[-1].before == GuildSettings(seconds_a_day_per_user=20)
    (rows,) = (await database.rows("SELECT count(*) FROM guild_settings"))[0]
    assert rows == CHANGES_KEPT + 2
    await database.close()


async def test_a_database_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.executescript(f"BEGIN; {MIGRATIONS[0]}; PRAGMA user_version = 1; COMMIT;")
        connection.execute(
            "INSERT INTO jobs (state, created_at, prompt, seconds, seed, guidance, temperature, "
            "top_k, user_id, channel_id, token) VALUES ('delivered', 1, 'x', 5, 1, 3, 1, 250, 1, "
            "1, '')"
        )
        connection.execute("INSERT INTO clips VALUES (1, 'm', x'00')")
    connection.close()
    database = await Database.open(path)
    rows = await database.rows("SELECT given_back, variations, typed FROM jobs")
    assert [tuple(row) for row in rows] == [(0, 1, "")]
    rows = await database.rows("SELECT * FROM clips")
    assert [tuple(row) for row in rows] == [(1, 1, "m", b"\0")]
    assert await GuildSettingsStore(database).get(1) == GuildSettings()
    await database.close()


def test_what_is_exported_is_readable_and_comes_back_the_same() -> None:
    text = dump_settings(ALL)
    assert load_settings(text) == load_settings(text.encode()) == ALL
    data = json.loads(text)
    assert data["channels"] == ["1", str(2**62)]
    assert data["role_seconds_a_day"] == {"6": 600, "7": 1200}
    assert "größer als" in text
    assert load_settings(dump_settings(GuildSettings())) == load_settings("{}") == GuildSettings()


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_has_two_ends(name: str) -> None:
    _, low, high = NUMBERS[name]
    for value in (low, high):
        assert getattr(GuildSettings(**{name: value}), name) == value  # type: ignore[arg-type]
    for wrong in (low - 1, high + 1, 1.5, True, "5"):
        with pytest.raises(InvalidRequest, match=f"whole number from {low} to {high}"):
            GuildSettings(**{name: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["channels", "roles", "unlimited_roles"])
def test_each_list_has_an_end(name: str) -> None:
    GuildSettings(**{name: tuple(range(25))})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="at most 25"):
        GuildSettings(**{name: tuple(range(26))})  # type: ignore[arg-type]


def test_words_and_roles_with_more_have_an_end() -> None:
    GuildSettings(unwanted_words=tuple(f"w{n}" for n in range(100)))
    GuildSettings(unwanted_words=("x" * 30,))
    GuildSettings(role_seconds_a_day=tuple(Tier(n, 5) for n in range(25)))
    for words in (
        tuple(f"w{n}" for n in range(101)),
        ("x" * 31,),
        ("",),
        ("!?",),
        ("a\nb",),
        ("`a",),
    ):
        with pytest.raises(InvalidRequest, match="Unwanted words"):
            GuildSettings(unwanted_words=words)
    for tiers in (tuple(Tier(n, 5) for n in range(26)), (Tier(1, 0),)):
        with pytest.raises(InvalidRequest):
            GuildSettings(role_seconds_a_day=tiers)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        ('{"time_zone": "\\ud800"}', "not JSON"),
        ("[]", "contains no settings"),
        ({"colour": 1}, "no setting “colour”"),
        ({"longest_clip_seconds": "20"}, "Longest clip: this must be a whole number"),
        ({"longest_clip_seconds": 0}, "from 1 to 300"),
        ({"cooldown_seconds": float("nan")}, "Cooldown"),
        ({"channels": "music"}, "“channels” must be a list"),
        ({"channels": [5]}, "“channels” must be text in quotes"),
        ({"roles": ["@here"]}, "“roles” must contain IDs"),
        ({"roles": ["0"]}, "“roles” must contain IDs"),
        ({"roles": [str(2**63)]}, "“roles” must contain IDs"),
        ({"roles": ["9" * 5000]}, "“roles” must contain IDs"),
        ({"role_seconds_a_day": ["1"]}, "must give the seconds"),
        ({"role_seconds_a_day": {"1": None}}, "must give the seconds"),
        ({"role_seconds_a_day": {"1": "5"}}, "whole number"),
        ({"unwanted_words": [["a"]]}, "must be text in quotes"),
        ({"time_zone": "Mars/Olympus"}, "“Mars/Olympus” is not a time zone"),
        ({"time_zone": "Europe"}, "not a time zone"),
        ({"time_zone": "../../../etc/passwd"}, "not a time zone"),
        ({"time_zone": "\x00"}, "not a time zone"),
        ({"language": "tlh"}, "“tlh” is not a language"),
        ({"language": 5}, "“language” must be text in quotes"),
    ],
)
def test_a_file_that_is_wrong_is_told_what_is_wrong(data: Any, sentence: str) -> None:
    text = data if isinstance(data, str | bytes) else json.dumps(data)
    with pytest.raises(InvalidRequest, match=sentence):
        load_settings(text)


def test_the_languages_are_some_of_discords() -> None:
    assert {locale.value for locale in discord.Locale} > set(LOCALES)


async def test_what_is_not_valid_any_more_is_as_if_not_set_and_locks_nobody_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(tmp_path / "bot.sqlite3")
    store = GuildSettingsStore(database)
    stored = json.loads(dump_settings(ALL))
    stored |= {"time_zone": "Mars/Olympus", "longest_clip_seconds": 10**6, "of_another_time": 1}
    await database.execute(
        "INSERT INTO guild_settings (guild_id, user_id, at, settings) VALUES (1, 9, 5.0, ?)",
        (json.dumps(stored),),
    )
    found = await store.get(1)
    assert found == replace(ALL, time_zone="UTC", longest_clip_seconds=None)
    assert "guild 1: no longer valid" in caplog.text
    assert "longest_clip_seconds, time_zone, of_another_time" in caplog.text
    await store.set(1, 9, GuildSettings(), 6.0)
    assert await store.get(1) == GuildSettings()
    assert [change.after for change in await store.changes(1)] == [GuildSettings(), found]
    await database.close()
