"""Attachments are fetched up to a limit, whatever Discord said of their size."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from aiohttp import web

from musicgen_bot.errors import AudioError, InvalidRequest
from musicgen_bot.ui.common.downloads import download, likeliest_sound

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


def attached(filename: str, content_type: str | None = None) -> discord.Attachment:
    data: Any = {"id": "1", "size": 1, "filename": filename, "url": "", "proxy_url": ""}
    if content_type is not None:
        data["content_type"] = content_type
    return discord.Attachment(data=data, state=cast(Any, SimpleNamespace(http=None)))


def message(*attachments: discord.Attachment, forwarded: Any = ()) -> discord.Message:
    snapshots = [SimpleNamespace(attachments=[each]) for each in forwarded]
    found = SimpleNamespace(attachments=[*attachments], message_snapshots=snapshots)
    return cast(discord.Message, found)


@pytest.mark.parametrize(
    "sound",
    [
        attached("voice-message.ogg", "audio/ogg; codecs=opus"),
        attached("song", "Audio/MPEG"),
        attached("SONG.MP3", "application/octet-stream"),
        attached("song.flac"),
        attached("song.opus", ""),
        attached("song.ogg", "application/ogg"),
        attached("song.ogg", "video/ogg"),
        attached("song.m4a", "video/mp4"),
        attached("song.wav", "text/plain"),
        attached("song"),
        attached("song.mp4", "video/mp4"),
        attached("song.bin", "application/octet-stream"),
    ],
    ids=lambda each: f"{each.filename} {each.content_type}",
)
def test_whatever_plays_in_discord_is_found_without_a_table_of_types(
    sound: discord.Attachment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mimetypes, "guess_type", None)
    others = (attached("cover.png", "image/png"), attached("notes.txt", "text/plain"))
    assert likeliest_sound(message(*others, sound, attached("a.pdf", "application/pdf"))) is sound
    assert likeliest_sound(message(*others, forwarded=[others[0], sound])) is sound


def test_what_is_told_to_be_a_sound_comes_before_what_may_be_one() -> None:
    video, named = attached("a.mp4", "video/mp4"), attached("a.mp3", "")
    typed, later = attached("a", "audio/mpeg"), attached("b", "audio/mpeg")
    assert likeliest_sound(message(video, named, typed, later)) is typed
    assert likeliest_sound(message(video, named)) is named
    assert likeliest_sound(message(attached("a.png", "image/png"))) is None
    assert likeliest_sound(message()) is None
