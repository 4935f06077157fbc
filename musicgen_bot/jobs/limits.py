"""How much a person or a guild may ask for, and the words that say no."""

from __future__ import annotations

import math
from dataclasses import dataclass

from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.store.guild_settings import GuildSettings

SHORTEST_SECONDS = 1.0


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
class Member:
    """Who asks in a guild, as far as its settings need to know."""

    role_ids: frozenset[int] = frozenset()
    """That of @everyone, which is the guild's, may be among them."""
    parent_id: int | None = None
    """The channel that a thread belongs to, where they ask in one."""
    manages: bool = False
    """Whether they may manage the server."""


PLAIN_MEMBER = Member()
"""A member without a role, in a channel that is no thread."""


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
            f"A clip must be at least {in_words(SHORTEST_SECONDS)} long; "
            f"you asked for {request.seconds:g}."
        )
    if request.seconds > limits.clip_seconds:
        raise InvalidRequest(
            f"A clip can be at most {limits.clip_seconds:g} seconds long here; "
            f"you asked for {request.seconds:g}."
        )
    if variations > limits.variations:
        most = "1 variation" if limits.variations == 1 else f"{limits.variations:g} variations"
        raise InvalidRequest(f"A prompt can have at most {most} here; you asked for {variations}.")
    if (wait := limits.cooldown_seconds - usage.seconds_since_last) > 0:
        raise LimitReached(
            f"One clip every {in_words(limits.cooldown_seconds)} is the limit here; "
            f"try again in {in_words(wait)}."
        )
    if usage.waiting_of_user >= limits.waiting_per_user:
        raise LimitReached(
            f"You already have {_clips(usage.waiting_of_user)} waiting, the most one person may "
            f"have; try again when the next of them starts{_about(usage.seconds_until_room)}."
        )
    if usage.waiting_in_guild >= limits.waiting_per_guild:
        raise LimitReached(
            f"This server already has {_clips(usage.waiting_in_guild)} waiting, the most one "
            f"server may have; try again when the next of them "
            f"starts{_about(usage.seconds_until_room)}."
        )
    for who, whose, limit, spent in (
        ("You have", "your", limits.user_seconds_a_day, usage.spent_by_user),
        ("This server has", "its", limits.guild_seconds_a_day, usage.spent_in_guild),
    ):
        if spent + (request.seconds - given_seconds) * variations > limit:
            left = math.floor(limit - spent)
            instead = "a clip of at most" if variations == 1 else "variations that come to at most"
            if given_seconds:
                instead = "an extension by at most"
            raise LimitReached(
                _spent(who, whose, limit, left, instead, usage.seconds_until_tomorrow)
            )


def in_words(seconds: float) -> str:
    """Return a length of time as a person says it: "1 second", "40 seconds", "3 minutes"."""
    whole = max(1, math.ceil(seconds))
    for size, unit in ((3600, "hour"), (60, "minute")):
        if whole >= 2 * size:
            return f"{round(whole / size)} {unit}s"
    return "1 second" if whole == 1 else f"{whole} seconds"


def _spent(
    who: str, whose: str, limit: float, left: int, instead: str, until_tomorrow: float
) -> str:
    """Say that a day's seconds of music are used up, or too few for what was asked."""
    tomorrow = in_words(until_tomorrow)
    if left < SHORTEST_SECONDS:
        return (
            f"{who} used up {whose} {limit:g} seconds of music for today; "
            f"try again in {tomorrow}, when a new day begins."
        )
    return (
        f"{who} {left} of {whose} {limit:g} seconds of music left for today; ask for {instead} "
        f"{left} seconds, or wait for the new day that begins in {tomorrow}."
    )


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"


def _about(seconds: float | None) -> str:
    return "" if seconds is None else f", in about {in_words(seconds)}"
