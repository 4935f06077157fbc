"""A guild's settings as JSON: how they are kept, and the file in which admins take them along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import NUMBERS, WORD_CHARACTERS, GuildSettings, Tier
from musicgen_bot.snowflakes import EXAMPLE_ID, read_id


def dump_settings(settings: GuildSettings) -> str:
    """Return settings as JSON, for people too: ids as texts, and each setting by its name."""
    data = asdict(settings)
    for name in ("channels", "roles", "unlimited_roles"):
        data[name] = [str(snowflake) for snowflake in data[name]]
    data["role_seconds_a_day"] = {
        str(tier.role_id): tier.seconds for tier in settings.role_seconds_a_day
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def load_settings(text: str | bytes) -> GuildSettings:
    """Read what `dump_settings` wrote, or a person edited; what is missing is not set.

    Raises InvalidRequest about the first thing that is wrong.
    """
    try:
        data = json.loads(text)
        json.dumps(data, ensure_ascii=False).encode()  # half a surrogate pair can be sent nowhere
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError):
            raise InvalidRequest(
                "The file is not JSON (line {line}); please export the settings and edit "
                "that file.",
                line=error.lineno,
            ) from None
        raise InvalidRequest(
            "The file is not JSON; please export the settings and edit that file."
        ) from None
    if not isinstance(data, dict):
        raise InvalidRequest(
            "The file contains no settings; please export the settings and edit that file."
        )
    known = {field.name for field in fields(GuildSettings)}
    for name in data:
        if name not in known:
            raise InvalidRequest(
                "There is no setting “{name}”; the settings are {known}.",
                name=name[:WORD_CHARACTERS],
                known=", ".join(sorted(known)),
            )
    values: dict[str, Any] = {name: data.get(name) for name in NUMBERS}
    for name in ("channels", "roles", "unlimited_roles"):
        values[name] = tuple(_id(name, value) for value in _texts(data, name))
    values["unwanted_words"] = tuple(_texts(data, "unwanted_words"))
    values["role_seconds_a_day"] = _tiers(data)
    if (zone := data.get("time_zone")) is not None:
        values["time_zone"] = _text("time_zone", zone)
    if (language := data.get("language")) is not None:
        values["language"] = _text("language", language)
    return GuildSettings(**values)


def recall_settings(text: str) -> tuple[GuildSettings, list[str]]:
    """Read what `dump_settings` wrote in another time; nothing in it can lock a guild out.

    What is not valid any more, such as a time zone that the system has lost, is as if it was not
    set. Returns the names of those settings, too.
    """
    try:
        return load_settings(text), []
    except InvalidRequest:
        stored = json.loads(text)
    valid = {name: value for name, value in stored.items() if _is_valid(name, value)}
    return load_settings(json.dumps(valid)), [name for name in stored if name not in valid]


def _is_valid(name: str, value: object) -> bool:
    try:
        load_settings(json.dumps({name: value}))
    except InvalidRequest:
        return False
    return True


def _texts(data: Mapping[str, object], name: str) -> list[str]:
    """Return a list of texts, each once."""
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidRequest("“{name}” must be a list with each entry in quotes.", name=name)
    return list(dict.fromkeys(_text(name, each) for each in value))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("“{name}” must be text in quotes.", name=name)
    return value


def _id(name: str, value: str) -> int:
    if (snowflake := read_id(value)) is None:
        raise InvalidRequest(
            "“{name}” must contain IDs, such as {example}.",
            name=name,
            example=json.dumps(EXAMPLE_ID),
        )
    return snowflake


def _tiers(data: Mapping[str, object]) -> tuple[Tier, ...]:
    value = data.get("role_seconds_a_day")
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise InvalidRequest(
            "“{name}” must give the seconds for each role's ID, such as {example}.",
            name="role_seconds_a_day",
            example=json.dumps({EXAMPLE_ID: 600}),
        )
    tiers = []
    for role, seconds in value.items():
        if seconds is None:
            raise InvalidRequest(
                "“{name}” must give the seconds for each role's ID.", name="role_seconds_a_day"
            )
        tiers.append(Tier(_id("role_seconds_a_day", role), seconds))
    return tuple(tiers)
