"""Stopping a job for somebody who may: its owner, or a moderator."""

from __future__ import annotations

from typing import Any

import discord

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.job import EndReason, Job
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.ui.common.answers import answer, say_in, say_to
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.job_message import embeds


async def cancel(dispatcher: Dispatcher, interaction: discord.Interaction[Any], job: Job) -> None:
    """Stop a job and answer so. Raises InvalidRequest where it is too late for that."""
    owned = Caller.of(interaction).owns(job)
    reason = EndReason.CANCELLED if owned else EndReason.CANCELLED_BY_MODERATOR
    if not await dispatcher.cancel(job.id, reason):
        raise InvalidRequest("Clip {clip} is already finished.", clip=str(job.id))
    pressed, known_id = interaction.message, job.address.message_id
    if pressed is not None and known_id in (pressed.id, None):
        # Where the bot is not and the job's token is too old, only the token of this press can.
        stopped = embeds.stopped(say_in(interaction, job.address.locale), job, reason.text)
        await interaction.response.edit_message(embed=stopped, view=None)
    say = say_to(interaction)
    await answer(interaction, say("Clip {clip} has been cancelled.", clip=str(job.id)))
