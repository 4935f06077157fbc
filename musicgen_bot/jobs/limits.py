"""How much a person or a guild may ask for, and the words that say no."""

from __future__ import annotations

import math
from dataclasses import dataclass

from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.job import Member
from musicgen_bot.translations import Counted, Text

SHORTEST_SECONDS = 1.0
_OWN = (
    Text(
        "You have used up your {limit} of music for today; try again in {wait}, when a new day "
        "begins."
    ),
    Text(
        "You have {left} of your {limit} of music left for today; ask for {less}, or wait for "
        "the new day, which begins in {wait}."
    ),
)
_OF_GUILD = (
    Text(
        "This server has used up its {limit} of music for today; try again in {wait}, when a new "
        "day begins."
    ),
    Text(
        "This server has {left} of its {limit} of music left for today; ask for {less}, or wait "
        "for the new day, which begins in {wait}."
    ),
)
"""Said when a day's music is used up, and when too little is left of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one person and one guild may ask for: of the host, or of the guild itself."""

    clip_seconds: float
    cooldown_seconds: float
    waiting_per_user: float
    waiting_per_guild: float
    user_seconds_a_day: float = math.inf
    guild_seconds_a_day: float = math.inf
    variations: float = math.inf


NO_LIMITS = Limits(
    clip_seconds=math.inf,
    cooldown_seconds=0,
    waiting_per_user=math.inf,
    waiting_per_guild=math.inf,
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What counts against the limits."""

    waiting_of_user: int
    waiting_in_guild: int
    seconds_since_last: float
    """Since this person's latest job was accepted; infinite if there was none."""
    seconds_until_room: float | None
    """Expected time until the next of this person's, or else this guild's, jobs starts."""
    spent_by_user: float = 0.0
    """Seconds of music today."""
    spent_in_guild: float = 0.0
    """Seconds of music today."""
    seconds_until_tomorrow: float = math.inf


def guild_limits(settings: GuildSettings, member: Member) -> Limits:
    """Return what a guild allows one of its members, whatever the host does."""
    if member.role_ids.intersection(settings.unlimited_roles):
        return NO_LIMITS
    own = settings.seconds_a_day_per_user
    tiers = [t.seconds for t in settings.role_seconds_a_day if t.role_id in member.role_ids]
    return Limits(
        clip_seconds=settings.longest_clip_seconds or math.inf,
        cooldown_seconds=settings.cooldown_seconds or 0,
        waiting_per_user=settings.waiting_per_user or math.inf,
        waiting_per_guild=settings.waiting_per_server or math.inf,
        user_seconds_a_day=math.inf if own is None else max([own, *tiers]),
        guild_seconds_a_day=settings.seconds_a_day_per_server or math.inf,
        variations=settings.most_variations or math.inf,
    )


def admit(
    request: GenerationRequest,
    limits: Limits,
    usage: Usage,
    variations: int = 1,
    given_seconds: float = 0.0,
) -> None:
    """Return if this many variations of the request may be taken on.

    Together they wait as one clip, but each spends its seconds, less those that are given.

    Raises InvalidRequest or LimitReached, whose text says which limit, and when to try again.
    """
    if request.seconds < SHORTEST_SECONDS:
        raise InvalidRequest(
            "A clip must be at least {least} long; you asked for {seconds}.",
            least=in_words(SHORTEST_SECONDS),
            seconds=request.seconds,
        )
    if request.seconds > limits.clip_seconds:
        raise InvalidRequest(
            "A clip can be at most {most} long here; you asked for {seconds}.",
            most=exactly(limits.clip_seconds),
            seconds=request.seconds,
        )
    if variations > limits.variations:
        raise InvalidRequest(
            Counted(
                "A prompt can have at most {count} variation here; you asked for {variations}.",
                "A prompt can have at most {count} variations here; you asked for {variations}.",
                count=limits.variations,
                variations=variations,
            )
        )
    if (wait := limits.cooldown_seconds - usage.seconds_since_last) > 0:
        raise LimitReached(
            "The limit here is one clip every {cooldown}; try again in {wait}.",
            cooldown=in_words(limits.cooldown_seconds),
            wait=in_words(wait),
        )
    if usage.waiting_of_user >= limits.waiting_per_user:
        raise LimitReached(
            "You already have {clips} waiting, the most one person can have; try again when the "
            "next one starts{soon}.",
            clips=_clips(usage.waiting_of_user),
            soon=_about(usage.seconds_until_room),
        )
    if usage.waiting_in_guild >= limits.waiting_per_guild:
        raise LimitReached(
            "This server already has {clips} waiting, the most it can have; try again when the "
            "next one starts{soon}.",
            clips=_clips(usage.waiting_in_guild),
            soon=_about(usage.seconds_until_room),
        )
    for spent, limit, (used_up, too_little) in (
        (usage.spent_by_user, limits.user_seconds_a_day, _OWN),
        (usage.spent_in_guild, limits.guild_seconds_a_day, _OF_GUILD),
    ):
        # To the millisecond: frames of a fiftieth of a second do not add up exactly.
        if round(spent + (request.seconds - given_seconds) * variations, 3) > limit:
            left = math.floor(limit - spent)
            less = Text("a clip of at most {most}", most=exactly(left))
            if given_seconds:
                less = Text("an extension of at most {most}", most=exactly(left))
            elif variations > 1:
                less = Text("variations that add up to at most {most}", most=exactly(left))
            sentence = used_up if left < SHORTEST_SECONDS else too_little
            tomorrow = in_words(usage.seconds_until_tomorrow)
            raise LimitReached(
                sentence.filled(limit=exactly(limit), left=left, less=less, wait=tomorrow)
            )


def in_words(seconds: float) -> Text:
    """Return a length of time as a person says it: "1 second", "40 seconds", "3 minutes"."""
    whole = max(1, math.ceil(seconds))
    if whole >= 2 * 3600:
        return Counted("{count} hour", "{count} hours", count=round(whole / 3600))
    if whole >= 2 * 60:
        return Counted("{count} minute", "{count} minutes", count=round(whole / 60))
    return exactly(whole)


def exactly(seconds: float) -> Text:
    """Return a number of seconds as it is: "2.5 seconds"."""
    return Counted("{count} second", "{count} seconds", count=seconds)


def _clips(count: int) -> Text:
    return Counted("{count} clip", "{count} clips", count=count)


def _about(seconds: float | None) -> Text | str:
    return "" if seconds is None else Text(", in about {wait}", wait=in_words(seconds))
