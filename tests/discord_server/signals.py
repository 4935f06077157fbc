"""Waiting for something to become true, woken by what happens and never by a clock.

Whoever changes the server's world calls `notify`; every waiter's condition is tried right there,
so that a state which lasts only until the next change is seen as well.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds until a wait is given up, far more than anything here takes on a busy machine."""


@dataclass(slots=True, eq=False)
class _Waiter(Generic[T]):
    look: Callable[[], T | None]
    found: asyncio.Future[T]

    def try_now(self) -> None:
        if self.found.done():
            return
        try:
            value = self.look()
        except Exception as error:  # a condition that fails belongs to the test which wrote it
            self.found.set_exception(error)
        else:
            if value:
                self.found.set_result(value)


class Signal:
    """One bell for everything that changes in a server."""

    def __init__(self) -> None:
        self._waiters: list[_Waiter[Any]] = []

    def notify(self) -> None:
        """Let every waiter look again."""
        for waiter in list(self._waiters):
            waiter.try_now()

    async def until(
        self, look: Callable[[], T | None], *wanted: object, patience: float = PATIENCE
    ) -> T:
        """Return the first true value of `look`, tried now and at every change from now on.

        Raises AssertionError after `patience` seconds; its text says what was `wanted`, by words
        and by things as they are then.
        """
        waiter: _Waiter[T] = _Waiter(look, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        waiter.try_now()
        try:
            async with asyncio.timeout(patience):
                return await waiter.found
        except TimeoutError:
            text = " ".join(str(part) for part in wanted)
            raise AssertionError(f"waited {patience:g} s in vain for {text}") from None
        finally:
            self._waiters.remove(waiter)
