"""Answering who asked for a clip: in time, once, and in the message that the clip comes into."""

from __future__ import annotations

import contextlib
import logging
import time

import discord

from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.job import ActiveJob
from musicgen_bot.store.jobs import Address
from musicgen_bot.ui import embeds
from musicgen_bot.ui.network import UNREACHABLE

ALREADY_ANSWERED = 40060
ANSWER_ATTEMPTS = 3

_log = logging.getLogger(__name__)


def address_of(interaction: discord.Interaction) -> Address:
    """Return who asks, and where their answer goes."""
    if interaction.channel_id is None:
        raise TypeError("a command always comes from a channel")
    return Address(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        message_id=None,
        token=interaction.token,
        created_at=time.time(),
    )


async def defer(interaction: discord.Interaction) -> None:
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


async def promise(
    interaction: discord.Interaction, dispatcher: Dispatcher, active: ActiveJob
) -> None:
    """Answer with the job's place in the queue, and tell the dispatcher what message that is.

    Where Discord took no answer the job was accepted all the same, and its clip will find another
    way.
    """
    message_id = None
    try:
        embed = embeds.working(active.job, dispatcher.outlook(active), time.time())
        message_id = await _post(interaction, embed, active.job.id)
    finally:
        await dispatcher.answered(active, message_id)


async def _post(interaction: discord.Interaction, embed: discord.Embed, job_id: int) -> int | None:
    """Return the id of the message that the answer is in, None where Discord took none."""
    try:
        for _ in range(ANSWER_ATTEMPTS):
            with contextlib.suppress(*UNREACHABLE):  # discord.py does not try again
                if interaction.response.is_done():
                    return (await interaction.edit_original_response(embed=embed)).id
                response = await interaction.response.send_message(embed=embed)
                return response.message_id
    except discord.HTTPException as error:
        _log.warning("job %d: the answer was refused: %s", job_id, error)
        if error.code == ALREADY_ANSWERED:  # it got through, and only the receipt was lost
            with contextlib.suppress(discord.DiscordException, *UNREACHABLE):
                return (await interaction.original_response()).id
    return None
