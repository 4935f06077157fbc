"""Keeps the messages of unfinished jobs true: their place in the queue, their progress.

Discord allows about five edits of a channel's messages in five seconds. So what is being made is
shown every two seconds, what waits only when its place or its time has changed, and what is far
back in the queue when the time that was told is no longer true, or the host pauses the bot or lets
it go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from discord import Embed

from musicgen_bot.jobs.active_job import ActiveJob, Estimate
from musicgen_bot.translations import Translations
from musicgen_bot.ui.job_message import embeds
from musicgen_bot.ui.job_message.messages import JobMessages

ROUND_SECONDS = 2.0
WAITING_SECONDS = 4.0
"""Between two edits of a message that only waits."""
PLACES_SHOWN = 20
FAR_ROUND_SECONDS = 60.0
"""Between two looks at what waits behind those places."""
FAR_EDITS = 40
"""At most, in one such look: a long queue must not use up the requests Discord allows."""
FAR_SHIFT = 0.25
"""By which share of what is left the time of those must have moved to be told anew."""
SHIFT_SECONDS = 10.0
"""By how much an expected time must have moved to be told anew."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a message says, and since when; times are in seconds since 1970."""

    place: int
    ready_at: float | None
    paused: bool
    out_of_order: bool
    text: str | None
    since: float


class MessageUpdater:
    """Shows people how their jobs are doing, until it is cancelled."""

    def __init__(
        self,
        estimates: Callable[[], Iterable[tuple[ActiveJob, Estimate]]],
        messages: JobMessages,
        translations: Translations,
    ) -> None:
        self._outlooks = estimates
        self._messages = messages
        self._translations = translations
        self._shown: dict[int, _Shown] = {}
        self._far_round_at = 0.0
        self._paused: bool | None = None
        """Whether the bot was paused when jobs were last seen to wait."""

    async def run(self) -> None:
        """Look at all jobs every two seconds."""
        while True:
            try:
                self._look(time.time())
            except Exception:  # one bad message must not stop all others' updates
                _log.exception("The messages of unfinished jobs could not be brought up to date")
            await asyncio.sleep(ROUND_SECONDS)

    def _look(self, now: float) -> None:
        shown: dict[int, _Shown] = {}
        was_paused, far_edits = self._paused, 0
        is_far_round = now - self._far_round_at >= FAR_ROUND_SECONDS
        for active, estimate in self._outlooks():
            if estimate.place:
                self._paused = estimate.paused
            is_far = estimate.place > PLACES_SHOWN
            # That the host has paused the bot, or lets it go on, concerns everybody at once.
            was_turned = was_paused not in (None, estimate.paused)
            if is_far and not (is_far_round or was_turned):
                break
            if not active.answered.is_set():
                continue
            ready_at = None if estimate.seconds is None else now + estimate.seconds
            last = self._shown.get(active.job.id) or _Shown(
                # The answer itself has told the place a moment ago.
                estimate.place,
                ready_at,
                active.promised is not None and active.promised.paused,
                active.promised is not None and active.promised.out_of_order,
                None,
                now,
            )
            if is_far and not was_turned:
                is_due = far_edits < FAR_EDITS and _is_far_off(estimate, ready_at, last, now)
                far_edits += is_due
            else:
                is_due = _is_worth_a_look(estimate, ready_at, last, now) or (is_far and was_turned)
            if is_due:
                text = (embed := self._embed(active, estimate, now)).description
                if text != last.text and self._messages.show(active, embed):
                    last = _Shown(
                        estimate.place, ready_at, estimate.paused, estimate.out_of_order, text, now
                    )
            shown[active.job.id] = last
        if is_far_round:
            self._far_round_at, self._shown = now, shown
        else:  # of what is far back it is still known what was told
            self._shown |= shown

    def _embed(self, active: ActiveJob, estimate: Estimate, now: float) -> Embed:
        say = self._translations.language(active.job.address.locale)
        return embeds.working(say, active.job, estimate, now)


def _is_far_off(estimate: Estimate, ready_at: float | None, last: _Shown, now: float) -> bool:
    if estimate.out_of_order != last.out_of_order:
        return True
    if ready_at is None or last.ready_at is None:
        return ready_at is not None
    return abs(ready_at - last.ready_at) > max(SHIFT_SECONDS, FAR_SHIFT * (ready_at - now))


def _is_worth_a_look(estimate: Estimate, ready_at: float | None, last: _Shown, now: float) -> bool:
    if estimate.place == 0:
        return True
    if (estimate.paused, estimate.out_of_order) != (last.paused, last.out_of_order):
        return True
    if now - last.since < WAITING_SECONDS:
        return False
    if estimate.place != last.place or ready_at is None or last.ready_at is None:
        return (estimate.place, ready_at) != (last.place, last.ready_at)
    return abs(ready_at - last.ready_at) > SHIFT_SECONDS
