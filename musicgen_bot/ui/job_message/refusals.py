"""What Discord refuses for good, told from what passes by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import discord

MISSING_PERMISSIONS = 50013
UNKNOWN_TOKEN = 50027
ARCHIVED = 50083
"""Of a thread that was put away: only a new message takes it out again."""

_T = TypeVar("_T")


class Refused(Exception):
    """Discord will not take this, however often it is sent."""


class TooLarge(Refused):
    """It is the size of the files that Discord refuses."""


class Closed(Refused):
    """It is not what was sent: a way to a message, or a place, is closed for good."""


async def through(request: Callable[[], Awaitable[_T]]) -> _T:
    """Send a request. Raises Refused, or what discord.py does for what passes by itself."""
    try:
        return await request()
    except discord.HTTPException as error:
        if error.code in (UNKNOWN_TOKEN, ARCHIVED):
            raise Closed(str(error)) from error
        if error.status >= 500 or error.status in (401, 429):
            raise
        if error.status == 413:
            raise TooLarge(str(error)) from error
        # Permissions may be missing for files or embeds alone.
        if error.status in (403, 404) and error.code != MISSING_PERMISSIONS:
            raise Closed(str(error)) from error
        raise Refused(str(error)) from error
