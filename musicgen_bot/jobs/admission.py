"""Lets a request in, or says why not: under the host's limits, and the settings of its guild.

What a day's music has cost is summed from the jobs themselves, so it survives a restart and cannot
drift from what was made.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.job import Address, Member, Submission
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.days import day_around
from musicgen_bot.jobs.limits import NO_LIMITS, Limits, Usage, admit, guild_limits
from musicgen_bot.jobs.unwanted_words import unwanted_word
from musicgen_bot.store.guild_settings import GuildSettingsStore
from musicgen_bot.store.jobs import JobStore

DEFAULT_SECONDS = 10.0
MOST_NAMED = 3
"""Of the channels or the roles that would do, to somebody who is refused."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits in the queue."""

    address: Address
    seconds: Callable[[], float | None]
    """Works out the expected time until it is started."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Seconds of music a day; a limit is infinite where there is none."""

    user_limit: float
    spent_by_user: float
    guild_limit: float
    spent_in_guild: float
    renewed_at: float
    """When the next day begins, in seconds since 1970."""


class Admission:
    """Decides what may come in; asked before anything is written down."""

    def __init__(
        self,
        *,
        host: Limits,
        jobs: JobStore,
        settings: GuildSettingsStore,
        blocklist: Blocklist,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._jobs = jobs
        self._settings = settings
        self._blocklist = blocklist
        self._clock = clock

    async def admit(
        self,
        submission: Submission,
        waiting: Sequence[Waiting],
    ) -> None:
        """Return if what somebody asks for may be taken on.

        `waiting` are the jobs in the queue of this guild, in their order, and this person's.

        Raises InvalidRequest, LimitReached or StoreError.
        """
        request, address, order = submission.request, submission.address, submission.order
        guild_id, member = address.guild_id, submission.member
        await self._blocklist.check(guild_id, address.user_id)
        settings = await self._settings_for(guild_id, member)
        if settings is not None:
            check_place(settings, member, address.channel_id)
            check_words(settings, request.prompt)
            # The guild's own limits look at what happens in the guild; they come first, as the
            # host's are met where they are.
            here = [each for each in waiting if each.address.guild_id == guild_id]
            limits = guild_limits(settings, member)
            usage = await self._usage(address, here, limits, settings)
            admit(request, limits, usage, order.variations, order.given_seconds)
        usage = await self._usage(address, waiting, self._host, None)
        admit(request, self._host, usage, order.variations, order.given_seconds)

    async def locale_of(self, address: Address) -> str:
        """Return in which language everybody reads the messages of a job. Raises StoreError."""
        if address.guild_id is None:
            return address.locale
        return (await self._settings.get(address.guild_id)).language or address.locale

    async def default_seconds(self, guild_id: int | None, member: Member) -> float:
        """Return how long a clip is where nobody says it. Raises StoreError."""
        settings = await self._settings_for(guild_id, member) or GuildSettings()
        longest = min(settings.longest_clip_seconds or math.inf, self._host.clip_seconds)
        return min(settings.default_clip_seconds or DEFAULT_SECONDS, longest)

    async def longest_seconds(self, guild_id: int | None, member: Member) -> float:
        """Return how long a clip may be for somebody where they are. Raises StoreError."""
        limits = await self._limits(guild_id, member)
        return min(limits.clip_seconds, self._host.clip_seconds)

    async def most_variations(self, guild_id: int | None, member: Member) -> float:
        """Return how many variations somebody may have where they are. Raises StoreError."""
        return (await self._limits(guild_id, member)).variations

    async def allowance(
        self, guild_id: int | None, user_id: int, member: Member
    ) -> Allowance | None:
        """Return what a member may still have today; None where no guild limits it.

        Raises StoreError.
        """
        settings = await self._settings_for(guild_id, member)
        if guild_id is None or settings is None:
            return None
        limits = guild_limits(settings, member)
        start, end = day_around(self._clock(), settings.time_zone)
        mine, ours = await self._jobs.seconds_spent(guild_id, user_id, start, end)
        return Allowance(limits.user_seconds_a_day, mine, limits.guild_seconds_a_day, ours, end)

    async def _limits(self, guild_id: int | None, member: Member) -> Limits:
        """Return what the guild allows; anything where there is none."""
        settings = await self._settings_for(guild_id, member)
        return NO_LIMITS if settings is None else guild_limits(settings, member)

    async def _settings_for(self, guild_id: int | None, member: Member) -> GuildSettings | None:
        """Return the settings that hold where somebody is; None where there are none.

        Those of a guild that has removed the bot do not: nobody there could change them.
        """
        if guild_id is None or member.brought_bot:
            return None
        return await self._settings.get(guild_id)

    async def _usage(
        self,
        address: Address,
        waiting: Sequence[Waiting],
        limits: Limits,
        settings: GuildSettings | None,
    ) -> Usage:
        """Return what counts: in the guild of these settings, or without them everywhere."""
        guild_id = address.guild_id
        of_user = [each for each in waiting if each.address.user_id == address.user_id]
        in_guild = [each for each in waiting if guild_id and each.address.guild_id == guild_id]
        first = None
        if len(of_user) >= limits.waiting_per_user:
            first = next(iter(of_user), None)
        elif len(in_guild) >= limits.waiting_per_guild:
            first = next(iter(in_guild), None)
        last = await self._jobs.last_accepted(address.user_id, guild_id if settings else None)
        now, spent, tomorrow = self._clock(), (0.0, 0.0), math.inf
        if last is not None and last > now:
            # The clock was set back: nobody is locked out until it is that late again, but the
            # cooldown begins anew, since how much of it has passed is not known any more.
            await self._jobs.bring_back(address.user_id, now)
            last = now
        if guild_id is not None and settings is not None:
            start, tomorrow = day_around(now, settings.time_zone)
            spent = await self._jobs.seconds_spent(guild_id, address.user_id, start, tomorrow)
        return Usage(
            waiting_of_user=len(of_user),
            waiting_in_guild=len(in_guild),
            seconds_since_last=math.inf if last is None else now - last,
            seconds_until_room=first.seconds() if first else None,
            spent_by_user=spent[0],
            spent_in_guild=spent[1],
            seconds_until_tomorrow=tomorrow - now,
        )


def check_place(settings: GuildSettings, member: Member, channel_id: int) -> None:
    """Return if a member may use the bot in a channel. Raises LimitReached.

    Whoever manages the server needs no role for it.
    """
    if settings.channels and not {channel_id, member.parent_id}.intersection(settings.channels):
        named = [f"<#{channel}>" for channel in settings.channels[:MOST_NAMED]]
        raise LimitReached(
            "I make music in other channels of this server; please try {channels}.",
            channels=", ".join(named),
        )
    if settings.roles and not member.manages and not member.role_ids.intersection(settings.roles):
        named = [f"<@&{role}>" for role in settings.roles[:MOST_NAMED]]
        raise LimitReached(
            "To make music here, you need a role that you do not have, such as {roles}; please "
            "ask an admin of this server for it.",
            roles=", ".join(named),
        )


def check_words(settings: GuildSettings, prompt: str) -> None:
    """Return if none of the guild's unwanted words is in a prompt. Raises InvalidRequest."""
    if word := unwanted_word(prompt, settings.unwanted_words):
        raise InvalidRequest(
            "This server does not want “{word}” in prompts; please put it another way.",
            word=word,
        )
