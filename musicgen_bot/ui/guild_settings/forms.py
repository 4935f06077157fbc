"""The forms behind the buttons of the settings' panel.

Others may change settings while a form is open, so it changes only what differs from what it shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import discord

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import MOST_PLACES, NUMBERS, GuildSettings, Tier
from musicgen_bot.jobs.days import find_time_zone
from musicgen_bot.jobs.guild_settings_service import SettingsEdit
from musicgen_bot.translations import LOCALES, Language, Text
from musicgen_bot.ui.common.errors import answer_error
from musicgen_bot.ui.guild_settings.places import CHANNEL_TYPES

DIGITS = 7
FORM_SECONDS = 24 * 3600.0
"""How long a form is remembered that somebody opened and never sent."""

RANGE = Text("{low} to {high}; empty: the host's value")
SECONDS_RANGE = Text("Seconds, {low} to {high}; empty: the host's value")

_T = TypeVar("_T")
Apply = Callable[[discord.Interaction, SettingsEdit], Awaitable[None]]
"""Puts settings into effect and answers."""


class Form(discord.ui.Modal):
    """A form that changes settings when it is sent."""

    def __init__(self, title: str, custom_id: str, apply: Apply) -> None:
        super().__init__(title=title, custom_id=custom_id, timeout=FORM_SECONDS)
        self._apply = apply

    def edit(self, settings: GuildSettings) -> GuildSettings:
        """Return the settings with what was filled in. Raises InvalidRequest."""
        raise NotImplementedError

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Put into effect what was filled in."""
        await self._apply(interaction, self.edit)

    async def on_error(
        self,
        interaction: discord.Interaction,
        error: Exception,
        item: discord.ui.Item[Any] | None = None,
        /,
    ) -> None:
        """Tell what is wrong."""
        await answer_error(interaction, error)


class NumbersForm(Form):
    """Asks for some of the numbers; one that is left empty is not set."""

    def __init__(
        self,
        say: Language,
        title: Text,
        custom_id: str,
        apply: Apply,
        names: Sequence[str],
        current: GuildSettings,
    ) -> None:
        super().__init__(say(title), custom_id, apply)
        self._shown = current
        self._inputs: dict[str, discord.ui.TextInput[Any]] = {}
        for name in names:
            label, low, high = NUMBERS[name]
            value = getattr(current, name)
            field: discord.ui.TextInput[Any] = discord.ui.TextInput(
                custom_id=name,
                default=None if value is None else str(value),
                required=False,
                max_length=DIGITS,
            )
            self._inputs[name] = field
            about = SECONDS_RANGE if "seconds" in name else RANGE
            description = say(about.filled(low=low, high=high))
            self.add_item(
                discord.ui.Label(text=say(label), description=description, component=field)
            )

    def edit(self, settings: GuildSettings) -> GuildSettings:
        """Return the settings with the numbers that were changed."""
        values: dict[str, Any] = {n: _number(n, each.value) for n, each in self._inputs.items()}
        changed = {n: value for n, value in values.items() if value != getattr(self._shown, n)}
        return replace(settings, **changed)


class PlacesForm(Form):
    """Asks where the bot may be used, by whom, and by whom without limits."""

    def __init__(self, say: Language, custom_id: str, apply: Apply, current: GuildSettings) -> None:
        super().__init__(say("Channels and roles"), custom_id, apply)
        self._shown = current
        self._channels: discord.ui.ChannelSelect[Any] = discord.ui.ChannelSelect(
            custom_id="channels",
            channel_types=list(CHANNEL_TYPES),
            min_values=0,
            max_values=MOST_PLACES,
            required=False,
            default_values=[discord.Object(each) for each in current.channels],
        )
        self._roles = _role_select("roles", current.roles)
        self._unlimited = _role_select("unlimited_roles", current.unlimited_roles)
        for label, about, select in (
            (
                Text("Channels"),
                Text("If you choose none, the bot can be used everywhere"),
                self._channels,
            ),
            (
                Text("Roles that can use the bot"),
                Text("If you choose none, everybody can use the bot"),
                self._roles,
            ),
            (
                Text("Roles without limits"),
                Text("The limits of this server do not apply to these roles"),
                self._unlimited,
            ),
        ):
            self.add_item(
                discord.ui.Label(text=say(label), description=say(about), component=select)
            )

    def edit(self, settings: GuildSettings) -> GuildSettings:
        """Return the settings with these channels and roles."""
        return replace(
            settings,
            channels=merged(settings.channels, self._shown.channels, _ids(self._channels)),
            roles=merged(settings.roles, self._shown.roles, _ids(self._roles)),
            unlimited_roles=merged(
                settings.unlimited_roles, self._shown.unlimited_roles, _ids(self._unlimited)
            ),
        )


class TierForm(Form):
    """Gives roles seconds a day of their own."""

    def __init__(self, say: Language, custom_id: str, apply: Apply) -> None:
        super().__init__(say("Roles with their own daily limit"), custom_id, apply)
        self._roles: discord.ui.RoleSelect[Any] = discord.ui.RoleSelect(
            custom_id="roles", min_values=1, max_values=MOST_PLACES, required=True
        )
        self._seconds: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="seconds", required=False, max_length=DIGITS
        )
        self.add_item(discord.ui.Label(text=say("Roles"), component=self._roles))
        self.add_item(
            discord.ui.Label(
                text=say("Seconds per day"),
                description=say(
                    "For each member with one of these roles; empty: same as everybody"
                ),
                component=self._seconds,
            )
        )

    def edit(self, settings: GuildSettings) -> GuildSettings:
        """Return the settings with these roles' seconds."""
        seconds = _number("seconds_a_day_per_user", self._seconds.value)
        for role in self._roles.values:
            settings = with_tier(settings, role.id, seconds)
        return settings


class WordsForm(Form):
    """Shows all words that are not wanted, to be edited."""

    def __init__(self, say: Language, custom_id: str, apply: Apply, current: GuildSettings) -> None:
        super().__init__(say("Unwanted words in prompts"), custom_id, apply)
        self._shown = current.unwanted_words
        self._words: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="words",
            style=discord.TextStyle.paragraph,
            default="\n".join(current.unwanted_words) or None,
            required=False,
        )
        about = say("One per line; matches whole words, ignoring case, accents and look-alikes")
        self.add_item(discord.ui.Label(text=say("Words"), description=about, component=self._words))

    def edit(self, settings: GuildSettings) -> GuildSettings:
        """Return the settings with the words that were added, and without those taken off."""
        words = merged(settings.unwanted_words, self._shown, words_in(self._words.value))
        return replace(settings, unwanted_words=words)


class RegionForm(Form):
    """Asks for time zone and language."""

    def __init__(self, say: Language, custom_id: str, apply: Apply, current: GuildSettings) -> None:
        super().__init__(say("Time zone and language"), custom_id, apply)
        self._shown = current
        self._found = current.time_zone
        self._zone: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="time_zone", default=current.time_zone, max_length=50
        )
        self._language: discord.ui.Select[Any] = discord.ui.Select(
            custom_id="language",
            placeholder=say("The server's language"),
            min_values=0,
            required=False,
            options=[
                discord.SelectOption(label=name, value=locale, default=locale == current.language)
                for locale, name in LOCALES.items()
            ],
        )
        self.add_item(
            discord.ui.Label(
                text=say("Time zone"),
                description=say("Such as Europe/Berlin; a new day begins at midnight there"),
                component=self._zone,
            )
        )
        self.add_item(
            discord.ui.Label(
                text=say("Language"),
                description=say("For the messages that everybody sees"),
                component=self._language,
            )
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Find the time zone first."""
        self._found = await find_time_zone(self._zone.value)
        await super().on_submit(interaction)

    def edit(self, settings: GuildSettings) -> GuildSettings:
        """Return the settings with what was changed of these two."""
        language = next(iter(self._language.values), None)
        if self._found != self._shown.time_zone:
            settings = replace(settings, time_zone=self._found)
        if language != self._shown.language:
            settings = replace(settings, language=language)
        return settings


def with_tier(settings: GuildSettings, role_id: int, seconds: int | None) -> GuildSettings:
    """Return the settings with a role's seconds a day; with None it has none of its own."""
    tiers = tuple(tier for tier in settings.role_seconds_a_day if tier.role_id != role_id)
    if seconds is not None:
        tiers += (Tier(role_id, seconds),)
    return replace(settings, role_seconds_a_day=tiers)


def merged(current: Sequence[_T], shown: Sequence[_T], chosen: Sequence[_T]) -> tuple[_T, ...]:
    """Return a list as it is now, changed as somebody has changed the one they were shown."""
    kept = [each for each in current if each in chosen or each not in shown]
    return tuple(dict.fromkeys([*kept, *(each for each in chosen if each not in shown)]))


def _role_select(name: str, chosen: Sequence[int]) -> discord.ui.RoleSelect[Any]:
    return discord.ui.RoleSelect(
        custom_id=name,
        min_values=0,
        max_values=MOST_PLACES,
        required=False,
        default_values=[discord.Object(role) for role in chosen],
    )


def _ids(select: discord.ui.ChannelSelect[Any] | discord.ui.RoleSelect[Any]) -> list[int]:
    return [each.id for each in select.values]


def words_in(text: str) -> tuple[str, ...]:
    """Return the words, or phrases, that a person separated with commas or lines; each once."""
    words = (" ".join(part.split()) for line in text.splitlines() for part in line.split(","))
    return tuple(dict.fromkeys(filter(None, words)))


def _number(name: str, text: str) -> int | None:
    """Return the number in a field, None where it is empty. Raises InvalidRequest."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        label, low, high = NUMBERS[name]
        raise InvalidRequest(
            "{setting}: this must be a whole number from {low} to {high}, or empty.",
            setting=label,
            low=low,
            high=high,
        )
    return int(text)
