"""What the admins of a guild have set."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.translations import LOCALES, Text

MOST_PLACES = 25
"""Channels or roles in one list: as many as Discord shows in one select."""
MOST_WORDS = 100
WORD_CHARACTERS = 30
"""All words together fit into the 4000 characters of a text field in Discord."""

NUMBERS: Mapping[str, tuple[Text, int, int]] = {
    "longest_clip_seconds": (Text("Longest clip"), 1, 300),
    "default_clip_seconds": (Text("Default length"), 1, 300),
    "most_variations": (Text("Most variations"), 1, 4),
    "waiting_per_user": (Text("Waiting clips per member"), 1, 1000),
    "waiting_per_server": (Text("Waiting clips in total"), 1, 10_000),
    "cooldown_seconds": (Text("Cooldown"), 1, 86_400),
    "seconds_a_day_per_user": (Text("Daily seconds per member"), 1, 1_000_000),
    "seconds_a_day_per_server": (Text("Daily seconds in total"), 1, 1_000_000),
}
"""Of each number: its name for people, the smallest and the largest it can be."""

LISTS: Mapping[str, tuple[Text, int]] = {
    "channels": (Text("Channels"), MOST_PLACES),
    "roles": (Text("Roles that can use the bot"), MOST_PLACES),
    "unlimited_roles": (Text("Roles without limits"), MOST_PLACES),
    "role_seconds_a_day": (Text("Roles with their own daily limit"), MOST_PLACES),
    "unwanted_words": (Text("Unwanted words"), MOST_WORDS),
}
"""Of each list: its name for people, and how many can be in it."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Seconds of music a day for the members with a role, in place of everybody's."""

    role_id: int
    seconds: int


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """The settings of one guild; as made without a value, only the host's limits hold.

    Raises InvalidRequest when made with what can never be right; what the host allows beyond that
    is checked where it is known.
    """

    longest_clip_seconds: int | None = None
    default_clip_seconds: int | None = None
    most_variations: int | None = None
    waiting_per_user: int | None = None
    waiting_per_server: int | None = None
    cooldown_seconds: int | None = None
    seconds_a_day_per_user: int | None = None
    seconds_a_day_per_server: int | None = None
    channels: tuple[int, ...] = ()
    """Where it may be used; empty is everywhere."""
    roles: tuple[int, ...] = ()
    """Who may use it; empty is everybody."""
    unlimited_roles: tuple[int, ...] = ()
    """Whom the numbers above do not concern."""
    role_seconds_a_day: tuple[Tier, ...] = ()
    unwanted_words: tuple[str, ...] = ()
    time_zone: str = "UTC"
    """IANA name; its midnight is where a day ends."""
    language: str | None = None
    """Locale of the messages everybody sees, of those spoken here; None is the guild's own."""

    def __post_init__(self) -> None:
        for name in NUMBERS:
            _check_number(name, getattr(self, name))
        for name, (label, most) in LISTS.items():
            if len(getattr(self, name)) > most:
                raise InvalidRequest(
                    "{setting}: at most {most} can be listed.", setting=label, most=most
                )
        for tier in self.role_seconds_a_day:
            _check_number("seconds_a_day_per_user", tier.seconds)
        for word in self.unwanted_words:
            _check_word(word)
        if not is_time_zone(self.time_zone):
            raise InvalidRequest(
                "“{name}” is not a time zone; please give a name such as Europe/Berlin, "
                "America/New_York or UTC.",
                name=self.time_zone[:WORD_CHARACTERS],
            )
        if self.language is not None and self.language not in LOCALES:
            raise InvalidRequest(
                "“{name}” is not a language I speak; please choose one of {languages}.",
                name=self.language[:WORD_CHARACTERS],
                languages=", ".join(LOCALES),
            )


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """One change of a guild's settings."""

    user_id: int
    at: float
    """In seconds since 1970."""
    before: GuildSettings
    after: GuildSettings


def is_time_zone(name: str) -> bool:
    """Return whether this is the name of a time zone that is known here."""
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # as ZoneInfo is for what is no name, and for folders
        return False
    return True


def _check_number(name: str, value: object) -> None:
    label, low, high = NUMBERS[name]
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidRequest(
            "{setting}: this must be a whole number from {low} to {high}.",
            setting=label,
            low=low,
            high=high,
        )


def _check_word(word: str) -> None:
    if not 0 < len(word) <= WORD_CHARACTERS or not any(c.isalnum() for c in word):
        raise InvalidRequest(
            "Unwanted words: each needs letters or digits, and at most {most} characters.",
            most=WORD_CHARACTERS,
        )
    if not word.isprintable() or "`" in word:
        raise InvalidRequest("Unwanted words: please leave out line breaks and backticks.")
