"""What the process hears from the system, and asks of it.

The host, or a service manager, may stop the bot at any time, also while it is still loading its
libraries. SIGTERM and Ctrl-C are never worth a traceback, and the exit status says which it was.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

STATUS = {signal.SIGTERM: 0, signal.SIGINT: 130}
"""Exit status by what it was stopped with: SIGTERM is how it is meant, and shells have 130."""


OPEN_FILES = 4096
"""Connections, pipes and files at once; more than macOS and others allow a process by default."""


def allow_many_files() -> None:
    """Raise the limit of open files, where the system has one that is lower and lets us."""
    if sys.platform == "win32":
        return
    import resource  # Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def leave_at_once() -> None:
    """From now on, end the process there and then: nothing has begun that has to be finished.

    An exception would not do, since some library would take it for a failure of its own.
    """
    for number in STATUS:
        signal.signal(number, _leave)


def unwind() -> None:
    """From now on, end by SystemExit, so that what is open gets closed and removed."""
    for number in STATUS:
        signal.signal(number, _unwind)


def run_until_stopped(work: Coroutine[object, object, T]) -> T:
    """Run this on an event loop of its own, and cancel it when the process is told to stop.

    Once is enough: while it comes to its end, and after that, signals are ignored. Raises
    SystemExit with the status where it was stopped, and what the work raises.
    """
    import asyncio  # takes a while, and signals have to be heard before

    heard: list[int] = []

    async def main() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

        def stop(number: int, _: FrameType | None) -> None:
            if not heard:
                loop.call_soon_threadsafe(task.cancel)
            heard.append(number)

        # asyncio's own handlers are taken away with the loop, which is too early.
        for number in STATUS:
            signal.signal(number, stop)
        try:
            return await task
        finally:
            for number in STATUS:
                signal.signal(number, signal.SIG_IGN)

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if heard:
            _unwind(heard[0], None)
        raise


def _leave(number: int, _: FrameType | None) -> NoReturn:
    os._exit(STATUS[signal.Signals(number)])


def _unwind(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(STATUS[signal.Signals(number)])
