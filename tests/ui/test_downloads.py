"""Attachments are fetched up to a limit, whatever Discord said of their size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from aiohttp import web

from musicgen_bot.errors import AudioError, InvalidRequest
from musicgen_bot.ui.common.downloads import download

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def attachment(serve: Serve, size: int = 10) -> AsyncIterator[discord.Attachment]:
    """Serve a file on loopback, and attach it with a size that may not be true."""
    app = web.Application()
    app.router.add_get("/file", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/file"
    data: Any = {"id": "1", "size": size, "filename": "x.mp3", "url": url, "proxy_url": url}
    try:
        yield discord.Attachment(data=data, state=cast(Any, SimpleNamespace(http=None)))
    finally:
        await runner.cleanup()


async def test_a_file_comes_as_it_is() -> None:
    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=b"RIFF" * 100)

    async with attachment(serve) as file:
        assert await download(file, 400) == b"RIFF" * 100


async def test_one_that_says_it_is_too_large_is_not_even_asked_for() -> None:
    async def serve(request: web.Request) -> web.Response:
        raise AssertionError

    async with attachment(serve, size=2**20 + 1) as file:
        with pytest.raises(InvalidRequest, match="larger than 1 MiB"):
            await download(file, 2**20)


async def test_one_without_end_is_cut_off() -> None:
    sent = 0

    async def serve(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(2**16))
            sent += 2**16

    async with attachment(serve) as file:
        with pytest.raises(InvalidRequest, match="larger than 1 MiB"):
            await download(file, 2**20)
    assert sent < 2**25


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, InvalidRequest), (403, InvalidRequest), (500, AudioError), (302, AudioError)],
)
async def test_one_that_cannot_be_had_is_told(status: int, error: type[Exception]) -> None:
    async def serve(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/file"})

    async with attachment(serve) as file:
        with pytest.raises(error):
            await download(file, 2**20)


async def test_a_broken_connection_is_told() -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.close()
        return response

    async with attachment(serve) as file:
        with pytest.raises(AudioError, match="could not be downloaded"):
            await download(file, 2**20)
