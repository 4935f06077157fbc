"""What goes wrong on demand: rate limits, failures, broken connections, answers that hang.

A fault strikes the next requests whose method and path match; paths are those below /api/v10, with
`*` for any run of characters. With `after` the request is carried out first and only its answer is
lost, which is the nastier half of every network failure.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from aiohttp import web

from tests.discord_server.errors import ApiError, Problem
from tests.discord_server.signals import PATIENCE

LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass(slots=True, eq=False, kw_only=True)
class Fault(ABC):
    method: str
    path: str
    times: int = 1
    after: bool = False
    where: Callable[[Any], object] | None = None
    """Whether it strikes what has such a body; None for any."""

    @abstractmethod
    async def strike(self, request: web.Request) -> web.Response | None:
        """Do the harm; a response given here is sent in place of the true one."""


@dataclass(slots=True, eq=False, kw_only=True)
class RateLimit(Fault):
    """429, for this route or, with `everywhere`, for the whole bot; `retry_after` in seconds."""

    retry_after: float
    everywhere: bool

    async def strike(self, request: web.Request) -> web.Response:
        body = {
            "message": "You are being rate limited.",
            "retry_after": self.retry_after,
            "global": self.everywhere,
        }
        # discord.py takes an answer without Via for a ban by the network in front of Discord.
        headers = {
            "Via": "1.1 google",
            "Retry-After": str(max(1, round(self.retry_after))),
            "X-RateLimit-Scope": "global" if self.everywhere else "user",
            "X-RateLimit-Reset-After": str(self.retry_after),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Limit": "5",
        }
        if self.everywhere:
            headers["X-RateLimit-Global"] = "true"
        text = json.dumps(body).encode()
        return web.Response(status=429, body=text, content_type="application/json", headers=headers)


@dataclass(slots=True, eq=False, kw_only=True)
class Failure(Fault):
    """A 5xx from something in front of Discord."""

    status: int

    async def strike(self, request: web.Request) -> web.Response:
        return web.Response(status=self.status, text="upstream failure")


@dataclass(slots=True, eq=False, kw_only=True)
class Refusal(Fault):
    """One of Discord's own errors, for a reason that only Discord knows."""

    problem: Problem

    async def strike(self, request: web.Request) -> web.Response:
        body = json.dumps(ApiError(self.problem).to_json()).encode()
        status = self.problem.value[0]
        return web.Response(status=status, body=body, content_type="application/json")


@dataclass(slots=True, eq=False, kw_only=True)
class Reset(Fault):
    """The connection breaks instead of an answer."""

    async def strike(self, request: web.Request) -> web.Response:
        reset(request.transport)
        return web.Response(status=500)  # nobody is there to read it


@dataclass(slots=True, eq=False, kw_only=True)
class Hold(Fault):
    """The request hangs until the test lets it go on."""

    _reached: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def strike(self, request: web.Request) -> None:
        self._reached.set()
        await self._released.wait()

    async def reached(self) -> None:
        """Wait until a request hangs here."""
        async with asyncio.timeout(PATIENCE):
            await self._reached.wait()

    def release(self) -> None:
        self._released.set()


AnyFault = TypeVar("AnyFault", bound=Fault)


class Faults:
    """The faults that wait to strike, in the order they were added."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._holds: list[Hold] = []

    def add(self, fault: AnyFault) -> AnyFault:
        self._waiting.append(fault)
        return fault

    def rate_limit(
        self,
        method: str,
        path: str,
        *,
        retry_after: float = 0.01,
        everywhere: bool = False,
        times: int = 1,
    ) -> RateLimit:
        fault = RateLimit(
            method=method, path=path, retry_after=retry_after, everywhere=everywhere, times=times
        )
        return self.add(fault)

    def fail(
        self, method: str, path: str, *, status: int = 502, after: bool = False, times: int = 1
    ) -> Failure:
        return self.add(Failure(method=method, path=path, status=status, after=after, times=times))

    def refuse(
        self,
        method: str,
        path: str,
        problem: Problem,
        *,
        times: int = 1,
        where: Callable[[Any], object] | None = None,
    ) -> Refusal:
        fault = Refusal(method=method, path=path, problem=problem, times=times, where=where)
        return self.add(fault)

    def reset(self, method: str, path: str, *, after: bool = False, times: int = 1) -> Reset:
        return self.add(Reset(method=method, path=path, after=after, times=times))

    def hold(self, method: str, path: str, *, after: bool = False, times: int = 1) -> Hold:
        hold = self.add(Hold(method=method, path=path, after=after, times=times))
        self._holds.append(hold)
        return hold

    def take(self, method: str, path: str, body: Any = None) -> Fault | None:
        """Return the fault that strikes this request, if one does, and count it."""
        for fault in self._waiting:
            if fault.method == method and fnmatchcase(path, fault.path):
                if fault.where is not None and not fault.where(body):
                    continue
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Forget what waits, and let go what hangs."""
        self._waiting.clear()
        for hold in self._holds:
            hold.release()


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Break a connection at once, so that its other end sees "connection reset by peer"."""
    if isinstance(transport, asyncio.Transport):
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT
        )
        transport.abort()
