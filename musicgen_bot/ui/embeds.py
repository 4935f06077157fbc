"""What a job's message looks like at each point of its life."""

from __future__ import annotations

from discord import Colour, Embed

from musicgen_bot.generation import READS_ENGLISH, is_foreign
from musicgen_bot.jobs.job import Outlook
from musicgen_bot.store.jobs import Job
from musicgen_bot.ui.texts import quoted, status

WORKING = Colour(0x5B8DEF)
DONE = Colour(0x3BA55D)
STOPPED = Colour(0xD9534F)
GOES_ON = "It starts with the last seconds of what it goes on from."


def working(job: Job, outlook: Outlook, now: float) -> Embed:
    """Show a job that waits or is being made."""
    return Embed(colour=WORKING, description=f"{_heading(job)}\n{status(outlook, now)}").set_footer(
        text=f"clip {job.id}"
    )


def clip(job: Job, model: str, licence: str) -> Embed:
    """Show a finished clip, which is attached to the same message."""
    request = job.request
    embed = Embed(colour=DONE, description=_heading(job))
    embed.add_field(name="Length", value=f"{request.seconds:g} s")
    embed.add_field(name="Seed", value=f"`{request.seed}`")
    embed.add_field(name="For", value=f"<@{job.address.user_id}>")
    return embed.set_footer(text=f"clip {job.id} · {model} · {licence}")


def stopped(job: Job, text: str) -> Embed:
    """Show a job that ended without a clip, and why."""
    return Embed(colour=STOPPED, description=f"{quoted(job.request.prompt)}\n{text}").set_footer(
        text=f"clip {job.id}"
    )


def _heading(job: Job) -> str:
    """Return the prompt, and hints: what the model makes of it, and what the clip starts with."""
    prompt = job.request.prompt
    hint = f"\n-# {READS_ENGLISH}" if prompt and is_foreign(prompt) else ""
    if job.request.continue_from is not None:
        hint += f"\n-# {GOES_ON}"
    return quoted(prompt) + hint
