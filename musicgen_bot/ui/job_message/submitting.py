"""From what a person asked for to a message that promises a clip."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Any

import discord

from musicgen_bot.generation import GenerationRequest, clean_prompt, one_line
from musicgen_bot.job import Order
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.network import UNREACHABLE
from musicgen_bot.styles import described, find_style
from musicgen_bot.ui.common.answers import say_in
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.job_message import embeds
from musicgen_bot.ui.job_message.buttons import working_buttons

ALREADY_ANSWERED = 40060
ANSWER_ATTEMPTS = 3

_log = logging.getLogger(__name__)


def prompt_and_order(
    prompt: str, style: str, variations: int, *, needs_words: bool = True
) -> tuple[str, Order]:
    """Return the prompt for the model, and the order, for what a person typed and chose.

    Either of the two may be empty, and both unless it `needs_words`, which what goes on from a
    sound does not. Raises InvalidRequest.
    """
    if not style.strip():
        return clean_prompt(prompt) if needs_words else one_line(prompt), Order(variations)
    chosen, typed = find_style(style), one_line(prompt)
    return described(typed, chosen), Order(variations, chosen.name, typed)


async def check(
    dispatcher: Dispatcher,
    interaction: discord.Interaction[Any],
    request: GenerationRequest,
    order: Order,
) -> None:
    """Return if such a job would be taken on now, for those that take work to prepare.

    Raises as `submit` does.
    """
    caller = Caller.of(interaction)
    caller.require_bot_permissions()
    await dispatcher.check(caller.submission(request, order))


async def defer(interaction: discord.Interaction[Any]) -> None:
    """Answer that the answer will follow. Raises what discord.py does where that fails."""
    for attempt in range(1, ANSWER_ATTEMPTS + 1):
        try:
            await interaction.response.defer()
        except UNREACHABLE:  # discord.py does not try again
            if attempt == ANSWER_ATTEMPTS:
                raise
        except discord.HTTPException as error:
            if error.code != ALREADY_ANSWERED:
                raise
            return  # it got through, and only the receipt was lost
        else:
            return


async def submit(
    dispatcher: Dispatcher,
    interaction: discord.Interaction[Any],
    request: GenerationRequest,
    order: Order,
) -> None:
    """Accept a job and promise its clip in answer to an interaction, which may be deferred.

    Everything that orders a clip comes through here, so nothing passes by the guild's settings.
    Raises InvalidRequest, LimitReached or StoreError, and then nothing was accepted.
    """
    caller = Caller.of(interaction)
    caller.require_bot_permissions()
    active = await dispatcher.submit(caller.submission(request, order))
    message_id = None
    try:
        message_id = await _promise(dispatcher, interaction, active)
    finally:
        await dispatcher.answered(active, message_id)


async def _promise(
    dispatcher: Dispatcher, interaction: discord.Interaction[Any], active: ActiveJob
) -> int | None:
    """Answer with the job's place in the queue and return the id of that message.

    None where Discord took no answer: the job was accepted all the same, and its clip will find
    another way.
    """
    say = say_in(interaction, active.job.address.locale)
    active.promised = dispatcher.estimate(active)
    embed = embeds.working(say, active.job, active.promised, time.time())
    view = working_buttons(say, active.job)
    try:
        for _ in range(ANSWER_ATTEMPTS):
            with contextlib.suppress(*UNREACHABLE):  # discord.py does not try again
                if interaction.response.is_done():
                    return (await interaction.edit_original_response(embed=embed, view=view)).id
                response = await interaction.response.send_message(embed=embed, view=view)
                return response.message_id
    except discord.HTTPException as error:
        _log.warning("job %d: the answer was refused: %s", active.job.id, error)
        if error.code == ALREADY_ANSWERED:  # it got through, and only the receipt was lost
            with contextlib.suppress(discord.DiscordException, *UNREACHABLE):
                return (await interaction.original_response()).id
    return None
