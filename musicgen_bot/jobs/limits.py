"""How much a person or a guild may ask for, and the words that say no."""

from __future__ import annotations

import math
from dataclasses import dataclass

from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.generation import GenerationRequest

SHORTEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The host's limits."""

    clip_seconds: float
    cooldown_seconds: float
    waiting_per_user: int
    waiting_per_guild: int


NO_LIMITS = Limits(
    clip_seconds=math.inf, cooldown_seconds=0, waiting_per_user=2**31, waiting_per_guild=2**31
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


def admit(request: GenerationRequest, limits: Limits, usage: Usage) -> None:
    """Return if the request may be taken on.

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


def in_words(seconds: float) -> str:
    """Return a length of time as a person says it: "1 second", "40 seconds", "3 minutes"."""
    whole = max(1, math.ceil(seconds))
    for size, unit in ((3600, "hour"), (60, "minute")):
        if whole >= 2 * size:
            return f"{round(whole / size)} {unit}s"
    return "1 second" if whole == 1 else f"{whole} seconds"


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"


def _about(seconds: float | None) -> str:
    return "" if seconds is None else f", in about {in_words(seconds)}"
