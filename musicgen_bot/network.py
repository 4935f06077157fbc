"""What a broken connection looks like from here, and an answer that Discord takes no more."""

from __future__ import annotations

import logging

import aiohttp
import discord

UNREACHABLE = (OSError, aiohttp.ClientError)
"""Raised where a request did not get through, or its answer did not come back."""
MOST_CONNECTIONS = 100
"""To one host at once, well below the 256 files that some systems allow a process."""

_TOO_LATE = frozenset({10015, 10062, 40060, 50027})
"""Codes of Discord's: unknown webhook and interaction, already acknowledged, invalid token."""
_LOUD = ("discord.app_commands.tree", "discord.client", "discord.ui.view", "discord.ui.modal")


def connector() -> aiohttp.TCPConnector:
    """Return what makes the client's connections; made on the loop that runs them.

    What is beyond the bound waits its turn. The gateway is a host of its own, so staying connected
    does not have to wait for answers.
    """
    return aiohttp.TCPConnector(limit=0, limit_per_host=MOST_CONNECTIONS)


def is_too_late(error: BaseException | None) -> bool:
    """Return whether an answer failed because it came too late, or there is one already.

    That happens on a busy day, nobody can do anything about it, and nobody can be told.
    """
    cause = getattr(error, "original", error)  # discord.py wraps what a command raises
    return isinstance(cause, discord.HTTPException) and cause.code in _TOO_LATE


def shorten_log() -> None:
    """Let discord.py tell in one line that an answer came too late, where it has a traceback."""
    for name in _LOUD:
        logging.getLogger(name).addFilter(_shortened)


def _shortened(record: logging.LogRecord) -> bool:
    if record.exc_info and is_too_late(error := record.exc_info[1]):
        record.msg, record.args = f"{record.getMessage()}: {error}", ()
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True
