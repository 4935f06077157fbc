"""Fetches what people attach to messages, and never more of it than is wanted."""

from __future__ import annotations

import aiohttp
import discord

from musicgen_bot.errors import AudioError, InvalidRequest
from musicgen_bot.network import UNREACHABLE

PATIENCE_SECONDS = 60.0


async def download(attachment: discord.Attachment, most_bytes: int) -> bytes:
    """Return the content of an attachment, whatever size it says it has.

    Raises InvalidRequest where it is larger than `most_bytes` or gone, AudioError where it cannot
    be had.
    """
    if attachment.size > most_bytes:
        raise _too_large(most_bytes)
    content = bytearray()
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.get(
                attachment.url, headers={"Accept-Encoding": "identity"}, allow_redirects=False
            ) as response,
        ):
            if response.status in (403, 404):
                raise InvalidRequest("The file is no longer there; please upload it again.")
            if response.status != 200:
                raise AudioError(
                    "Discord did not hand over the file ({status}).", status=response.status
                )
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > most_bytes:
                    raise _too_large(most_bytes)
    except (TimeoutError, *UNREACHABLE) as error:
        raise AudioError(
            "The file could not be downloaded from Discord; please try again."
        ) from error
    return bytes(content)


def _too_large(most_bytes: int) -> InvalidRequest:
    return InvalidRequest(
        "The file is larger than {most} MiB; please upload a smaller one, such as an MP3, or only "
        "its end.",
        most=most_bytes / 2**20,
    )
