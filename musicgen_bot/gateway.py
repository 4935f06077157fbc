"""Events of Discord's gateway that are not as they should be cost themselves, and no more.

discord.py reads an event as it comes in, trusts it to be whole, and ends the process where it is
not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

Parser = Callable[[Any], None]

_COMPONENT, _MODAL = 3, 5
"""Types of interactions."""

_log = logging.getLogger(__name__)


def guard(parsers: dict[str, Parser]) -> None:
    """Let each of discord.py's parsers, by the names of their events, put up with any event.

    But for READY: a session that has not begun is worth nothing, and the next start has another.
    """
    for event, parse in parsers.items():
        if event != "READY":
            parsers[event] = _guarded(event, parse)


def _guarded(event: str, parse: Parser) -> Parser:
    def parse_or_tell(data: Any) -> None:
        try:
            if event == "INTERACTION_CREATE":
                _check_custom_id(data)
            parse(data)
        except Exception as error:
            tell_unreadable(event, error)

    return parse_or_tell


def tell_unreadable(event: str, error: Exception) -> None:
    """Write one line to the log; not the event, which has a token in it."""
    _log.warning("Discord sent an event that cannot be read, %s: %.200r", event, error)


def _check_custom_id(data: Any) -> None:
    """Return if what is looked up by its id has one. Raises KeyError or TypeError."""
    if data["type"] in (_COMPONENT, _MODAL) and not isinstance(data["data"]["custom_id"], str):
        raise TypeError("the custom_id is no string")
