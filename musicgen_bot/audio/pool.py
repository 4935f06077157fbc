"""Where sound is worked on: threads of its own, and a bound on how much of it is in memory.

Mastering, encoding and drawing take seconds of a processor. In the event loop's own threads they
would keep its look-ups of addresses waiting.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import ParamSpec, TypeVar

from musicgen_bot.audio.launcher import NICENESS
from musicgen_bot.errors import SystemBusy

MOST_THREADS = 4
MOST_SECONDS = 240
"""Of sound in memory at once: two jobs of four clips of 30 s."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
ATTEMPTS = 12
"""At work that the system has no room for: three minutes, about as long as a person waits."""

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")
_Line = deque[tuple[int, "asyncio.Future[None]"]]
"""Those who wait for room: for how many seconds of sound, and what tells them that it is there."""


class SoundPool:
    """Does sound work in threads of its own, and says when there is room for more sound."""

    def __init__(self, *, threads: int | None = None, most_seconds: int = MOST_SECONDS) -> None:
        count = threads or min(os.cpu_count() or 1, MOST_THREADS)
        self._threads = ThreadPoolExecutor(count, "sound", initializer=_step_back)
        self._room = _Room(most_seconds)

    async def run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Return what a function returns, called in a thread.

        Where it raises SystemBusy it is tried again, for some minutes.
        """
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE_SECONDS
        call = partial(work, *args, **kwargs)
        for _ in range(ATTEMPTS - 1):
            try:
                return await loop.run_in_executor(self._threads, call)
            except SystemBusy as error:
                _log.warning("%s; trying again in %g s", error.__cause__ or error, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return await loop.run_in_executor(self._threads, call)

    @asynccontextmanager
    async def room(self, seconds: float, *, promised: bool = False) -> AsyncIterator[None]:
        """Wait until there is room in memory for so much sound, and hold it in this block.

        All that a piece of work needs is to be asked for at once: whoever held some and waited for
        more would wait for others that do the same. What is larger than all the room gets through
        when nothing else is held. What was `promised` to somebody comes before all else.
        """
        size = math.ceil(seconds)
        await self._room.take(size, promised=promised)
        try:
            yield
        finally:
            self._room.give_back(size)

    def close(self) -> None:
        """Begin nothing more; what is under way comes to its end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _step_back() -> None:
    """Let the clips in the making go before what this thread does, and the programs it starts.

    Only Linux has a priority for each thread that anybody can lower.
    """
    if sys.platform == "linux":
        os.nice(NICENESS)


class _Room:
    """So many seconds of sound, handed out in two lines, each in its order."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._promised: _Line = deque()
        self._others: _Line = deque()

    async def take(self, size: int, *, promised: bool) -> None:
        """Wait for room of this size."""
        turn = asyncio.get_running_loop().create_future()
        (self._promised if promised else self._others).append((size, turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had just been handed out
                self.give_back(size)
            else:
                self._serve()  # those behind may have waited for this one only
            raise

    def give_back(self, size: int) -> None:
        """Let the next ones have it."""
        self._held -= size
        self._serve()

    def _serve(self) -> None:
        while line := self._promised or self._others:
            size, turn = line[0]
            if not turn.cancelled():
                if self._held and self._held + size > self._most:
                    return
                self._held += size
                turn.set_result(None)
            line.popleft()
