"""The HTTP side of every request: read, recorded, checked, struck by faults, answered in JSON."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from tests.discord_server.attachments import Upload
from tests.discord_server.errors import ApiError, Problem
from tests.discord_server.faults import Faults
from tests.discord_server.schema import OpenApi
from tests.discord_server.signals import Signal

PREFIX = "/api/v10"
LARGEST_BODY = 128 * 2**20
_TOKEN_IN_PATH = ("/interactions/", "/webhooks/")


@dataclass(slots=True, eq=False, repr=False)
class Call:
    """One request, read to its end."""

    method: str
    path: str
    """Below /api/v10."""
    parameters: Mapping[str, str]
    """Those in the path."""
    query: Mapping[str, str]
    authorization: str
    body: Any
    """The JSON, also that which came along with files; None without."""
    uploads: Mapping[int, Upload]
    """Files by their number."""
    time: float
    """When it came, by time.monotonic()."""
    status: int | None = None
    """Of the answer; None while there is none, and where nobody was there to read it."""

    def matches(self, method: str, path: str) -> bool:
        """Tell whether this is such a request; in `path`, `*` is any run of characters."""
        return self.method == method and fnmatchcase(self.path, path)

    def __repr__(self) -> str:
        return f"<{self.method} {self.path}: {self.status}>"


Handler = Callable[[Call], Any]
"""Carries out a call; returns what is sent as JSON, or None for 204. Raises ApiError."""

Route = tuple[str, str, Handler]


class Api:
    """What all routes have in common."""

    def __init__(self, signal: Signal, token: Callable[[], str], schema: OpenApi) -> None:
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.faults = Faults()
        self.schema = schema
        self._signal = signal
        self._token = token

    def mount(self, routes: list[Route], router: web.UrlDispatcher) -> None:
        """Serve routes; whatever else is asked for is a violation and not found."""
        for method, path, handler in routes:
            router.add_route(method, PREFIX + path, self._serving(handler))
        router.add_route("*", PREFIX + "/{rest:.*}", self._serving(self._unknown))

    def _serving(self, handler: Handler) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.StreamResponse:
            call = await _read(request)
            self.calls.append(call)
            self._signal.notify()
            response = await self._carry_out(call, request, handler)
            if not _gone(request):
                call.status = response.status
            self._signal.notify()
            return response

        return serve

    async def _carry_out(self, call: Call, request: web.Request, handler: Handler) -> web.Response:
        fault = self.faults.take(call.method, call.path, call.body)
        if fault is not None and not fault.after:
            struck = await fault.strike(request)
            if struck is not None:
                return struck
            if _gone(request):  # it hung until its sender died, so it never got to Discord
                return web.Response(status=500)
        response = self._answer(call, handler)
        if fault is not None and fault.after:
            return await fault.strike(request) or response
        return response

    def _answer(self, call: Call, handler: Handler) -> web.Response:
        try:
            self._check(call)
            answer = handler(call)
        except ApiError as error:
            return _json(error.to_json(), error.status)
        except Exception as error:  # told by the test, where a 500 would only be tried again
            self._report(f"{call} broke the server: {error!r}")
            return _json(ApiError(Problem.INVALID_BODY).to_json(), 400)
        status = 204 if answer is None else 200
        self._report(self.schema.answer_violation(call.method, call.path, status, answer))
        return web.Response(status=204) if answer is None else _json(answer, 200)

    def _check(self, call: Call) -> None:
        violation = self.schema.request_violation(call.method, call.path, call.body)
        self._report(violation)
        has_token = call.path.startswith(_TOKEN_IN_PATH)
        if not has_token and call.authorization != f"Bot {self._token()}":
            raise ApiError(Problem.UNAUTHORIZED)
        if violation is not None:
            raise ApiError(Problem.INVALID_BODY, {"_errors": [{"message": violation}]})

    def _unknown(self, call: Call) -> None:
        self._report(f"{call.method} {call.path}: this server has no such route")
        raise ApiError(Problem.NOT_FOUND)

    def _report(self, violation: str | None) -> None:
        if violation is not None:
            self.violations.append(violation)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _json(body: object, status: int) -> web.Response:
    # discord.py takes a body for JSON only if no charset follows the content type.
    text = json.dumps(body).encode()
    return web.Response(body=text, status=status, content_type="application/json")


async def _read(request: web.Request) -> Call:
    uploads: dict[int, Upload] = {}
    body: Any = None
    if request.content_type.startswith("multipart/"):
        body = {}
        form = await request.post()
        for name, part in form.items():
            if name == "payload_json" and isinstance(part, str):
                body = json.loads(part)
            elif isinstance(part, web.FileField):
                number = int(re.sub(r"\D", "", name))
                with part.file:
                    uploads[number] = Upload(part.filename, part.file.read())
    elif request.can_read_body:
        body = json.loads(await request.read())
    return Call(
        method=request.method,
        path=request.path.removeprefix(PREFIX),
        parameters=request.match_info,
        query=request.query,
        authorization=request.headers.get("Authorization", ""),
        body=body,
        uploads=uploads,
        time=time.monotonic(),
    )
