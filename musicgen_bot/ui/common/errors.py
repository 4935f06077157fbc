"""What a person is told when something they pressed, typed or chose comes to nothing."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord import app_commands

from musicgen_bot.errors import MusicgenBotError, PersonError, RequestError
from musicgen_bot.network import UNREACHABLE, is_too_late
from musicgen_bot.translations import Language
from musicgen_bot.ui.common.answers import answer, say_to

_log = logging.getLogger(__name__)


async def answer_error(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Answer with one sentence that nobody else sees; the log has the rest."""
    if is_too_late(error):
        _log.info("An answer came too late: %s", error)
        return
    text = _sentence(say_to(interaction), error)
    try:
        await answer(interaction, text)
    except (discord.HTTPException, *UNREACHABLE) as failure:
        _log.warning("A person could not be told of an error: %s", failure)


def _sentence(say: Language, error: Exception) -> str:
    """Return what the person is told, and log what they are not."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if isinstance(cause, PersonError):
        if not isinstance(cause, RequestError):
            _log.warning("What a person asked for could not be done: %s", cause)
        return say(cause.text)
    if isinstance(cause, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        _log.warning("A command is out of date: %s", cause)
        return say("This command has changed; please reload Discord and try again.")
    _log.error("What a person asked for failed", exc_info=cause)
    if isinstance(cause, MusicgenBotError):
        # In English, as it is for the host to read.
        return say(
            "{reason} Your request was not accepted; please tell the host.", reason=str(cause)
        )
    return say("Something went wrong here; please try again. The host's log has the reason.")
