"""Keeps the messages of unfinished jobs true: their place in the queue, their progress.

Discord allows about five edits of a channel's messages in five seconds, so what is being made is
shown every two seconds, the front of the queue more seldom, and what is far back not at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from musicgen_bot.jobs.job import ActiveJob, Outlook
from musicgen_bot.ui import embeds
from musicgen_bot.ui.job_messages import JobMessages

ROUND_SECONDS = 2.0
WAITING_SECONDS = 10.0
PLACES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Shown:
    place: int
    text: str | None
    at: float


class Follower:
    """Shows people how their jobs are doing, until it is cancelled."""

    def __init__(
        self, outlooks: Callable[[], list[tuple[ActiveJob, Outlook]]], messages: JobMessages
    ) -> None:
        self._outlooks = outlooks
        self._messages = messages
        self._shown: dict[int, _Shown] = {}

    async def run(self) -> None:
        """Look at all jobs every two seconds."""
        while True:
            self._look()
            await asyncio.sleep(ROUND_SECONDS)

    def _look(self) -> None:
        now = time.monotonic()
        shown: dict[int, _Shown] = {}
        for active, outlook in self._outlooks():
            if outlook.place > PLACES_SHOWN:
                break
            if not active.answered.is_set():
                continue
            embed = embeds.working(active.job, outlook)
            # What the answer itself showed a moment ago counts as shown.
            last = self._shown.get(active.job.id) or _Shown(outlook.place, None, now)
            if outlook.place and (outlook.place == last.place or now - last.at < WAITING_SECONDS):
                shown[active.job.id] = last
                continue
            if embed.description != last.text:
                self._messages.show(active.job, embed)
                last = _Shown(outlook.place, embed.description, now)
            shown[active.job.id] = last
        self._shown = shown
