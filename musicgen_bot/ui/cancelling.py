"""Stopping a job for somebody who may: its owner, or a moderator."""

from __future__ import annotations

from typing import Any

import discord

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.jobs.dispatcher import CANCELLED, Dispatcher
from musicgen_bot.store.jobs import Job
from musicgen_bot.translations import Text
from musicgen_bot.ui import embeds
from musicgen_bot.ui.speech import answer, say_in, say_to


async def cancel(dispatcher: Dispatcher, interaction: discord.Interaction[Any], job: Job) -> None:
    """Stop a job and answer so. Raises InvalidRequest where it is too late for that."""
    own = interaction.user.id == job.address.user_id
    text = CANCELLED if own else Text("Cancelled by a moderator.")
    if not await dispatcher.cancel(job.id, text):
        raise InvalidRequest("Clip {clip} is already finished.", clip=str(job.id))
    if interaction.message is not None and interaction.message.id == job.address.message_id:
        # Where the bot is not and the job's token is too old, only the token of this press can.
        stopped = embeds.stopped(say_in(interaction, job.address.locale), job, text)
        await interaction.response.edit_message(embed=stopped, view=None)
    say = say_to(interaction)
    await answer(interaction, say("Clip {clip} has been cancelled.", clip=str(job.id)))
