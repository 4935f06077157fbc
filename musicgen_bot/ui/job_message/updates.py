"""Keeps the messages of unfinished jobs true: their place in the queue, their progress.

Every two seconds so many messages may be edited, whatever happens: those of what is being made
first, then those that wait, the most overdue first. A message is the more overdue the further what
it says is from what is true, and the longer it has said so; what is near enough is left alone.
Near the front of the queue that is hardly anything; behind it the place and the time may be off by
a quarter.

What is looked at is bounded as well: the front of the queue each time, all of it once a minute, or
when the host pauses the bot, the model is out of order, or either goes on. What was found wrong
behind the front then waits its turn. Where a message is edited by the bot itself, since the token
of its interaction is too old, it shares Discord's limit of five edits in five seconds with all
others of its channel.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from musicgen_bot.jobs.active_job import ActiveJob, Estimate
from musicgen_bot.translations import Translations
from musicgen_bot.ui.job_message import embeds
from musicgen_bot.ui.job_message.messages import JobMessages, token_serves

ROUND_SECONDS = 2.0
EDITS = 50
"""At most, in a round: half of the requests that Discord allows a bot in all."""
CHANNEL_EDITS = 2
"""At most, in a round, of messages that share a channel's limit."""
FRONT = 20
"""Places of the queue that are looked at in each round."""
FULL_LOOK_SECONDS = 60.0
NEAR_ENOUGH_SECONDS = 10.0
"""By how much an expected time may be off."""
NEAR_ENOUGH = 0.25
"""By which share of them the place and the time may be off behind the front."""

_log = logging.getLogger(__name__)


_Halt = tuple[bool, bool]
"""Whether the host has paused the bot, and whether the model is out of order."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a message says, and since when; times are in seconds since 1970."""

    place: int
    ready_at: float | None
    halt: _Halt
    text: str | None
    since: float


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A message that should say something else, as it was seen at a time."""

    active: ActiveJob
    estimate: Estimate
    seen_at: float
    said: _Shown
    error: float
    """How far from true it is: 1 for wholly wrong."""

    @property
    def waits(self) -> bool:
        """Whether the job is still in the queue."""
        return self.active.task is None and self.active.takes_updates


class MessageUpdater:
    """Shows people how their jobs are doing, until it is cancelled."""

    def __init__(
        self,
        estimates: Callable[[], Iterable[tuple[ActiveJob, Estimate]]],
        messages: JobMessages,
        translations: Translations,
    ) -> None:
        self._estimates = estimates
        self._messages = messages
        self._translations = translations
        self._shown: dict[int, _Shown] = {}
        self._behind: dict[int, _Wrong] = {}
        """What was found wrong behind the front, by job, the most overdue first."""
        self._full_look_at = 0.0
        self._halt: _Halt | None = None
        """What kept jobs waiting when they were last looked at."""

    async def run(self) -> None:
        """Look at the jobs every two seconds."""
        while True:
            try:
                self._look(time.time())
            except Exception:  # one bad message must not stop all others' updates
                _log.exception("The messages of unfinished jobs could not be brought up to date")
            await asyncio.sleep(ROUND_SECONDS)

    def _look(self, now: float) -> None:
        making, waiting = self._find_wrong(now)
        edits, in_channel = 0, Counter[int]()
        # What is being made comes first, but leaves something to what waits, if that needs it.
        for wrongs, most, most_in_channel in (
            (making, EDITS - FRONT, CHANNEL_EDITS - 1),
            (waiting, EDITS, CHANNEL_EDITS),
            (making, EDITS, CHANNEL_EDITS),
        ):
            for wrong in wrongs:
                if edits >= most:
                    break
                address = wrong.active.job.address
                is_shared = not token_serves(address, now)
                if is_shared and in_channel[address.channel_id] >= most_in_channel:
                    continue
                if self._mend(wrong, now):
                    edits += 1
                    in_channel[address.channel_id] += is_shared

    def _find_wrong(self, now: float) -> tuple[list[_Wrong], Iterable[_Wrong]]:
        """Return what is being made, and what says something wrong of those that wait."""
        making: list[_Wrong] = []
        front: list[_Wrong] = []
        behind: list[_Wrong] = []
        known: dict[int, _Shown] = {}
        is_full = now - self._full_look_at >= FULL_LOOK_SECONDS
        for active, estimate in self._estimates():
            if estimate.place:
                # What keeps one waiting, or does so no more, concerns everybody.
                is_full |= self._halt not in (None, _halt(estimate))
                self._halt = _halt(estimate)
            is_front = estimate.place <= FRONT
            if not (is_front or is_full):
                break
            if not active.answered.is_set() or not active.takes_updates:
                continue
            ready_at = None if estimate.seconds is None else now + estimate.seconds
            said = self._shown.get(active.job.id) or _promised(active, estimate, ready_at)
            known[active.job.id] = said
            error = _error(estimate, ready_at, said, now) if estimate.place else 1.0
            if error:
                wrongs = (front if is_front else behind) if estimate.place else making
                wrongs.append(_Wrong(active, estimate, now, said, error))
        for wrongs in (making, front, behind):
            wrongs.sort(key=_overdue, reverse=True)
        if is_full:
            self._full_look_at, self._shown = now, {}
            self._behind = {wrong.active.job.id: wrong for wrong in behind}
        else:  # of what is behind it is still known what it says, and what is wrong with it
            for job_id in known:
                self._behind.pop(job_id, None)
        self._shown |= known
        left_behind = [wrong for wrong in self._behind.values() if wrong.waits]
        return making, heapq.merge(front, left_behind, key=_overdue, reverse=True)

    def _mend(self, wrong: _Wrong, now: float) -> bool:
        """Let a message say what is true; return whether an edit was begun."""
        active, estimate, seen_at = wrong.active, wrong.estimate, wrong.seen_at
        job = active.job
        if self._shown.get(job.id) is not wrong.said:
            return False  # it was done in this round
        say = self._translations.language(job.address.locale)
        embed = embeds.working(say, job, estimate, seen_at)
        if embed.description != wrong.said.text and not self._messages.show(active, embed):
            return False  # the edit before is still under way
        self._behind.pop(job.id, None)
        if embed.description == wrong.said.text:
            return False
        ready_at = None if estimate.seconds is None else seen_at + estimate.seconds
        self._shown[job.id] = _Shown(
            estimate.place, ready_at, _halt(estimate), embed.description, now
        )
        return True


def _halt(estimate: Estimate) -> _Halt:
    return estimate.paused, estimate.out_of_order


def _promised(active: ActiveJob, estimate: Estimate, ready_at: float | None) -> _Shown:
    """Return what the answer said, as far as it is still known."""
    promised = active.promised
    place = estimate.place if promised is None else promised.place
    halt = (False, False) if promised is None else _halt(promised)
    return _Shown(place, ready_at, halt, None, active.job.address.created_at)


def _error(estimate: Estimate, ready_at: float | None, said: _Shown, now: float) -> float:
    """Return how far from true a message is, from 0, which is near enough, to 1."""
    if _halt(estimate) != said.halt:
        return 1.0
    near_enough = 0.0 if estimate.place <= FRONT else NEAR_ENOUGH
    error = abs(estimate.place - said.place) / max(estimate.place, said.place)
    place_error = error if error > near_enough else 0.0
    if ready_at is None or said.ready_at is None:
        return place_error if ready_at == said.ready_at else 1.0
    seconds, left = abs(ready_at - said.ready_at), max(ready_at - now, 1.0)
    is_off = seconds > max(NEAR_ENOUGH_SECONDS, near_enough * left)
    return max(place_error, min(seconds / left, 1.0) if is_off else 0.0)


def _overdue(wrong: _Wrong) -> float:
    """Return how urgent it is, in seconds of saying what is wholly wrong."""
    return wrong.error * (wrong.seen_at - wrong.said.since)
