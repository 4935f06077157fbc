"""Writes the steps of jobs, and writes again what a failing disk refused.

A job that was accepted goes on while nothing can be written: its clip is made and delivered all the
same. But what is not written would be done again by the next run, and posted twice, so each step
that was refused is tried again, in its order, until it is written, and once more before the bot
stops.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from musicgen_bot.errors import StoreError

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

Step = Callable[[], Awaitable[object]]
"""Writes one step, in one transaction; it can be called again where it has failed."""

_log = logging.getLogger(__name__)


class JobWriter:
    """The one way in which what becomes of jobs is written. Ended by `close`."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._refused: deque[Step] = deque()
        self._rewriting: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[None]] = set()

    async def write(self, step: Step) -> None:
        """Write a step now, or as soon as that is possible; those before it come first.

        It is written also where whoever asks for that is cancelled meanwhile, as what it tells of
        has happened.
        """
        task = asyncio.create_task(self._write(step))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        await asyncio.shield(task)

    async def close(self) -> None:
        """Finish what is being written, and write what was refused, if that is possible now."""
        if self._writing:
            await asyncio.wait(self._writing)
        if self._rewriting is not None:
            self._rewriting.cancel()
            await asyncio.wait({self._rewriting})
        if not await self._write_refused():
            _log.error(
                "%d steps of jobs could not be written; the next start may make and post their "
                "clips again",
                len(self._refused),
            )

    async def _write(self, step: Step) -> None:
        if not self._refused:
            try:
                await step()
            except StoreError as error:
                _log.error("A job's step could not be written, it is tried again: %s", error)
            else:
                return
        self._refused.append(step)
        if self._rewriting is None or self._rewriting.done():
            self._rewriting = asyncio.create_task(self._rewrite())

    async def _rewrite(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            await self._sleep(pause)
            if await self._write_refused():
                _log.info("All steps of jobs are written now")
                return
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _write_refused(self) -> bool:
        """Write the steps that were refused, as far as it goes; return whether that is all."""
        while self._refused:
            try:
                await self._refused[0]()
            except StoreError:
                return False
            self._refused.popleft()
        return True
