"""Lets go of old clips, at the start of the bot and once a day."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from musicgen_bot.errors import StoreError
from musicgen_bot.jobs.days import DAY_SECONDS
from musicgen_bot.store.retention import Retention

COUNTED_SECONDS = 2 * DAY_SECONDS
"""How long the seconds of a job may count: a guild's day has 25 hours at most, a cooldown 24."""

_log = logging.getLogger(__name__)


class Sweeper:
    """Goes by what the host has set: an age and a size, of which 0 is no limit."""

    def __init__(
        self,
        retention: Retention,
        *,
        keep_days: float,
        keep_bytes: int,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._retention = retention
        self._keep_days = keep_days
        self._keep_bytes = keep_bytes
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """Sweep every day, the first time tomorrow."""
        while True:
            await self._sleep(DAY_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Let go of what is too old, or too much."""
        try:
            old, much = await self._sweep(self._clock())
        except StoreError as error:
            _log.error("Old clips could not be let go, tomorrow it is tried again: %s", error)
            return
        if old or much:
            _log.info("Let go of %d old jobs, and of %d for their size", old, much)

    async def _sweep(self, now: float) -> tuple[int, int]:
        old = much = 0
        if self._keep_days:
            old = await self._retention.forget_before(now - self._keep_days * DAY_SECONDS)
        if self._keep_bytes:
            much = await self._retention.shrink(self._keep_bytes)
        old += await self._retention.forget_fruitless(now - COUNTED_SECONDS)
        await self._retention.drop_counts(now - COUNTED_SECONDS)
        await self._retention.overwrite()
        return old, much
