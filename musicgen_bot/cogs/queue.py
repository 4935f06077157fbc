"""`/queue` and `/cancel`: what is under way, and stopping what is yours or you moderate."""

from __future__ import annotations

import time

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.clip_list import Viewer
from musicgen_bot.errors import InvalidRequest
from musicgen_bot.job import Job
from musicgen_bot.jobs.active_job import ActiveJob, Estimate
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.translations import Language
from musicgen_bot.ui.common.answers import say_to
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.text import CHOICES_SHOWN, length, quoted, shortened, status, title
from musicgen_bot.ui.job_message.cancelling import cancel

ROWS_SHOWN = 10
PROMPT_CHARACTERS = 60


class QueueCog(commands.Cog):
    """Commands about jobs that have not ended."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    @app_commands.command(description="Show what is being made here and what is waiting.")
    async def queue(self, interaction: discord.Interaction) -> None:
        """Show this server's jobs, or without one the caller's and this channel's, to them."""
        caller = Caller.of(interaction)
        rows = [
            (active, estimate)
            for active, estimate in self._dispatcher.estimates()
            if _is_here(active.job, caller)
        ]
        now, say = time.time(), say_to(interaction)
        viewer = caller.viewer()
        lines = [
            _line(say, active, estimate, now, viewer) for active, estimate in rows[:ROWS_SHOWN]
        ]
        if len(rows) > ROWS_SHOWN:
            lines.append(say("… and {number} more", number=len(rows) - ROWS_SHOWN))
        text = "\n".join(lines) or say("Nothing is waiting; `/generate` starts right away.")
        await interaction.response.send_message(
            embed=discord.Embed(title=say("Queue"), description=text), ephemeral=True
        )

    @app_commands.command(
        description="Cancel a clip of yours, waiting or being made; moderators can cancel anyone's."
    )
    @app_commands.describe(clip="Which clip; your newest if you leave it out")
    async def cancel(self, interaction: discord.Interaction, clip: int | None = None) -> None:
        """Cancel one of the caller's jobs, or for a moderator any of the server's."""
        caller = Caller.of(interaction)
        mine, theirs = self._owned(caller), self._moderated(caller)
        if not mine and (clip is None or not theirs):
            raise InvalidRequest("You have no clips waiting or being made.")
        job_id = max(mine) if clip is None else clip
        if (active := mine.get(job_id) or theirs.get(job_id)) is None:
            raise InvalidRequest(
                "You have no clip {clip} waiting or being made; pick one from the list that "
                "`/cancel` offers.",
                clip=str(job_id),
            )
        await cancel(self._dispatcher, interaction, active.job)

    @cancel.autocomplete("clip")
    async def _offer_clips(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[int]]:
        caller, say = Caller.of(interaction), say_to(interaction)
        mine, theirs = self._owned(caller), self._moderated(caller)
        jobs = sorted(mine.items(), reverse=True)
        jobs += sorted((job for job in theirs.items() if job[0] not in mine), reverse=True)
        return [
            app_commands.Choice(
                name=shortened(f"{job_id}: {title(say, active.job)}", 100), value=job_id
            )
            for job_id, active in jobs
            if str(job_id).startswith(current)
        ][:CHOICES_SHOWN]

    def _owned(self, caller: Caller) -> dict[int, ActiveJob]:
        return {
            active.job.id: active
            for active in self._dispatcher.unfinished()
            if caller.owns(active.job)
        }

    def _moderated(self, caller: Caller) -> dict[int, ActiveJob]:
        """Return the jobs that the caller may cancel as a moderator."""
        return {
            active.job.id: active
            for active in self._dispatcher.unfinished()
            if caller.moderates(active.job)
        }


def _is_here(job: Job, caller: Caller) -> bool:
    address = job.address
    if caller.guild_id is not None:
        return address.guild_id == caller.guild_id
    in_channel = address.guild_id is None and address.channel_id == caller.channel_id
    return in_channel or caller.owns(job)


def _line(say: Language, active: ActiveJob, estimate: Estimate, now: float, viewer: Viewer) -> str:
    job, line = active.job, status(say, estimate, now)
    if not viewer.may_see(job):
        return f"**{job.id}** {say('in a channel you cannot see')}\n{line}"
    times = "" if job.order.variations == 1 else f"{job.order.variations} × "
    return (
        f"**{job.id}** {quoted(shortened(title(say, job), PROMPT_CHARACTERS))} "
        f"{times}{say(length(job.request.seconds))} · <@{job.address.user_id}>\n{line}"
    )
