"""The first answer to an interaction: sent again where the connection breaks, but given once.

Discord takes one, and refuses a second as already given. Where it was sent more than once, the
first has got through and only its receipt was lost. Where it was sent once, another bot has given
it, which uses the same token. So what is counted is how often discord.py has really sent it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import aiohttp
import discord

from musicgen_bot.network import UNREACHABLE

ALREADY_ANSWERED = 40060
RATE_LIMITED = 429
ATTEMPTS = 3

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class AnsweredElsewhere(Exception):
    """Another bot has answered this interaction, so it is none of this one's business."""


@dataclass(slots=True)
class _Sent:
    """How many requests may have been carried out."""

    count: int = 0


_sent: ContextVar[_Sent | None] = ContextVar("sent", default=None)
"""Those for the answer that is being given, where this is in a request's context."""


class FirstAnswers:
    """Gives the first answers of one client, whose requests must be made with `trace`."""

    def __init__(self) -> None:
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_headers_sent.append(_note_sent)
        self.trace.on_request_end.append(_note_answered)
        self._host_knows = False

    async def give(self, send: Callable[[], Awaitable[_T]]) -> _T | None:
        """Send an answer and return what `send` does; None where its receipt was lost.

        Raises AnsweredElsewhere, or what `send` does.
        """
        sent = _Sent()
        context = _sent.set(sent)
        try:
            for _ in range(ATTEMPTS - 1):
                try:
                    return await send()
                except UNREACHABLE:  # discord.py does not try again
                    continue
            return await send()
        except discord.HTTPException as error:
            if error.code != ALREADY_ANSWERED:
                raise
            if sent.count != 1:
                return None
            self._tell_host()
            raise AnsweredElsewhere from error
        finally:
            _sent.reset(context)

    def _tell_host(self) -> None:
        if not self._host_knows:
            _log.error(
                "Another bot has answered somebody in this one's place: it seems to be connected "
                "with the same DISCORD_TOKEN. What it answers is left to it; please stop one of "
                "the two, or give each a token of its own."
            )
        self._host_knows = True


class Answering(Protocol):
    """A client that gives first answers."""

    first_answers: FirstAnswers


def first_answers(interaction: discord.Interaction[Any]) -> FirstAnswers:
    """Return what gives the first answer to an interaction."""
    return cast(Answering, interaction.client).first_answers


async def _note_sent(*_: object) -> None:
    if sent := _sent.get():
        sent.count += 1


async def _note_answered(
    _: aiohttp.ClientSession, __: object, params: aiohttp.TraceRequestEndParams
) -> None:
    if params.response.status == RATE_LIMITED and (sent := _sent.get()):
        sent.count -= 1  # Discord did not look at it
