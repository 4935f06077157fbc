"""What the process hears from the system, and asks of it.

The host, or a service manager, may stop the bot at any time, also while it is still loading its
libraries. SIGTERM and Ctrl-C are never worth a traceback, and the exit status says which it was.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_log = logging.getLogger(__name__)

STATUS = {signal.SIGTERM: 0, signal.SIGINT: 130}
"""Exit status by what it was stopped with: SIGTERM is how it is meant, and shells have 130."""

OPEN_FILES = 4096
"""Connections, pipes and files at once; more than macOS and others allow a process by default."""

SLEEPING_THREADS = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
"""How GNU's OpenMP, and that of Intel and LLVM, are told to let a thread sleep while it waits."""
BELOW_NORMAL_PRIORITY, IDLE_PRIORITY = 0x4000, 0x40
"""Windows' priority classes below the normal one."""
IDLE_FROM = 10
"""The niceness from which on a process on Windows only gets what others leave."""


def let_waiting_threads_sleep() -> None:
    """Have PyTorch's threads sleep while they wait; to be called before it is loaded.

    By themselves they go round in circles for some milliseconds after each operation, in case there
    is another one: that takes a processor from other programs, and from the threads that compute
    the decoder's step meanwhile. What the host has set stays.
    """
    for name, value in SLEEPING_THREADS.items():
        os.environ.setdefault(name, value)


def step_back(nice: int) -> None:
    """Let other programs go first, the more the higher: 0 is not at all, 19 the most.

    To be called while there is one thread: on Linux each has a priority of its own, which those
    that it starts inherit. A system that does not let us is told of in the log.
    """
    if not nice:
        return
    try:
        if sys.platform == "win32":
            _set_priority_class(IDLE_PRIORITY if nice >= IDLE_FROM else BELOW_NORMAL_PRIORITY)
        else:
            os.nice(nice)
    except OSError as error:
        _log.warning("The system does not let the bot step back behind other programs: %s", error)


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


def _set_priority_class(priority: int) -> None:
    """Set the priority class of this process on Windows. Raises OSError."""
    if sys.platform != "win32":
        return
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    # Its handle is -1, as wide as a pointer.
    if not kernel.SetPriorityClass(ctypes.c_void_p(-1), priority):
        raise ctypes.WinError(ctypes.get_last_error())


def _leave(number: int, _: FrameType | None) -> NoReturn:
    os._exit(STATUS[signal.Signals(number)])


def _unwind(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(STATUS[signal.Signals(number)])
