"""Chooses and fetches what people attach to messages, and never more of it than is wanted."""

from __future__ import annotations

from enum import IntEnum
from pathlib import PurePath

import aiohttp
import discord

from musicgen_bot.errors import AudioError, InvalidRequest
from musicgen_bot.network import UNREACHABLE

PATIENCE_SECONDS = 60.0
_ENDINGS = frozenset(
    (
        *(".mp3", ".wav", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".aiff"),
        *(".aif", ".caf", ".w64", ".amr", ".ac3", ".dts", ".wv", ".ape", ".tta", ".mpc", ".au"),
    )
)
"""Of files that hold music. Python's own table of them depends on what is installed."""


class _Likelihood(IntEnum):
    """How likely an attachment is a sound."""

    NONE = 0
    UNTOLD = 1
    """Nothing tells what it is, or it says that it is a video, as some sounds do."""
    BY_ENDING = 2
    BY_TYPE = 3


def likeliest_sound(message: discord.Message) -> discord.Attachment | None:
    """Return the attachment that is most likely a sound, of the likeliest the first.

    Those of the messages that this one forwards count as well. None where all are something else.
    """
    attachments = list(message.attachments)
    for forwarded in message.message_snapshots:
        attachments += forwarded.attachments
    likeliest = max(attachments, key=_likelihood, default=None)
    return None if likeliest is None or not _likelihood(likeliest) else likeliest


def _likelihood(attachment: discord.Attachment) -> _Likelihood:
    kind = (attachment.content_type or "").partition(";")[0].strip().lower()
    if kind.startswith("audio/") or kind == "application/ogg":
        return _Likelihood.BY_TYPE
    if PurePath(attachment.filename).suffix.lower() in _ENDINGS:
        return _Likelihood.BY_ENDING
    if kind in ("", "application/octet-stream") or kind.startswith("video/"):
        return _Likelihood.UNTOLD
    return _Likelihood.NONE


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
