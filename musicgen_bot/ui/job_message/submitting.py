"""From what a person asked for to a message that promises a clip."""

from __future__ import annotations

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
from musicgen_bot.ui.common.first_answer import AnsweredElsewhere, first_answers
from musicgen_bot.ui.job_message import embeds
from musicgen_bot.ui.job_message.buttons import working_buttons

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


async def defer(interaction: discord.Interaction[Any]) -> bool:
    """Answer that the answer will follow; return False where another bot has answered instead.

    Raises what discord.py does where that fails.
    """
    try:
        await first_answers(interaction).give(interaction.response.defer)
    except AnsweredElsewhere:
        return False
    return True


async def submit(
    dispatcher: Dispatcher,
    interaction: discord.Interaction[Any],
    request: GenerationRequest,
    order: Order,
    *,
    deferred: bool = False,
) -> None:
    """Accept a job and promise its clip in answer to an interaction, which may be deferred.

    Everything that orders a clip comes through here, so nothing passes by the guild's settings.
    Raises InvalidRequest, LimitReached or StoreError, and then nothing was accepted. Where another
    bot has answered, nothing is accepted either.
    """
    caller = Caller.of(interaction)
    caller.require_bot_permissions()
    active = await dispatcher.submit(caller.submission(request, order))
    message_id = None
    try:
        message_id = await _promise(dispatcher, interaction, active, deferred)
    except AnsweredElsewhere:
        await dispatcher.withdraw(active)
    except BaseException:
        await dispatcher.answered(active, None)
        raise
    else:
        await dispatcher.answered(active, message_id)


async def _promise(
    dispatcher: Dispatcher,
    interaction: discord.Interaction[Any],
    active: ActiveJob,
    deferred: bool,
) -> int | None:
    """Answer with the job's place in the queue and return the id of that message.

    None where Discord took no answer: the job was accepted all the same, and its clip will find
    another way. Raises AnsweredElsewhere.
    """
    say = say_in(interaction, active.job.address.locale)
    active.promised = dispatcher.estimate(active)
    embed = embeds.working(say, active.job, active.promised, time.time())
    view = working_buttons(say, active.job)

    async def send() -> int | None:
        if deferred:
            return (await interaction.edit_original_response(embed=embed, view=view)).id
        return (await interaction.response.send_message(embed=embed, view=view)).message_id

    try:
        if message_id := await first_answers(interaction).give(send):
            return message_id
        return (await interaction.original_response()).id  # only the receipt was lost
    except (discord.DiscordException, *UNREACHABLE) as error:
        _log.warning("job %d: the answer was refused or lost: %s", active.job.id, error)
    return None
