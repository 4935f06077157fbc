"""What a job's message looks like at each point of its life."""

from __future__ import annotations

from collections.abc import Sequence

from discord import Colour, Embed

from musicgen_bot.generation import READS_ENGLISH, GenerationRequest, is_foreign
from musicgen_bot.jobs.job import Outlook
from musicgen_bot.jobs.limits import in_words
from musicgen_bot.store.jobs import Job
from musicgen_bot.store.library import Entry, Page
from musicgen_bot.ui.buttons import Shelf
from musicgen_bot.ui.texts import quoted, shortened, status

WORKING = Colour(0x5B8DEF)
DONE = Colour(0x3BA55D)
STOPPED = Colour(0xD9534F)
PICTURE = "waveform.png"
TITLE_CHARACTERS = 60
_SHELVES = {
    Shelf.MINE: "Your clips",
    Shelf.SERVER: "Clips of this server",
    Shelf.FAVOURITES: "Your favourites",
}


def working(job: Job, outlook: Outlook, now: float) -> Embed:
    """Show a job that waits or is being made."""
    embed = Embed(colour=WORKING, description=f"{_heading(job)}\n{status(outlook, now)}")
    _add_source(embed, job)
    return embed.set_footer(text=_name(job))


def clip(job: Job, model: str, licence: str, silent: Sequence[int] = ()) -> Embed:
    """Show finished clips, which are attached to the same message, and all they were made from.

    `silent` are the variations with nothing to be heard, which are not attached.
    """
    request = job.request
    embed = Embed(colour=DONE, description=_heading(job))
    if job.order.style:
        style = f"{quoted(job.order.style)} {quoted(job.style_words)}"
        embed.add_field(name="Style", value=style, inline=False)
    embed.add_field(name="Length", value=f"{request.seconds:g} s")
    seeds = [job.variation(n + 1).seed for n in range(job.order.variations)]
    embed.add_field(
        name="Seed" if len(seeds) == 1 else "Seeds", value=" ".join(f"`{seed}`" for seed in seeds)
    )
    _add_source(embed, job)
    _add_unusual(embed, request)
    if job.made_in is not None:
        embed.add_field(name="Made in", value=in_words(job.made_in))
    embed.add_field(name="For", value=f"<@{job.address.user_id}>")
    if silent:
        names = " and ".join(map(str, silent))
        embed.add_field(name="Silent", value=f"Variation {names} came out silent.", inline=False)
    embed.set_image(url=f"attachment://{PICTURE}")
    return embed.set_footer(text=f"{_name(job)} · {model} · {licence}")


def stopped(job: Job, text: str) -> Embed:
    """Show a job that ended without a clip, and why."""
    embed = Embed(colour=STOPPED, description=f"{quoted(job.title)}\n{text}")
    return embed.set_footer(text=_name(job))


def page(shelf: Shelf, shown: Page, search: str) -> Embed:
    """Show a part of a list of clips."""
    lines = [_line(entry, shelf) for entry in shown.entries]
    if not lines:
        found = f" with {quoted(search)} in its prompt" if search else ""
        lines = [f"Nothing{found} is here; `/generate` makes a clip."]
    embed = Embed(colour=DONE, title=_SHELVES[shelf], description="\n".join(lines))
    return embed.set_footer(text=f"page {shown.number + 1} · /clip and its number plays one")


def _line(entry: Entry, shelf: Shelf) -> str:
    job, address = entry.job, entry.job.address
    parts = [
        f"**{job.id}** {quoted(shortened(job.title, TITLE_CHARACTERS))} {job.request.seconds:g} s"
    ]
    if entry.variation and job.order.variations > 1:
        parts.append(f"variation {entry.variation}")
    elif job.order.variations > 1:
        parts.append(f"{job.order.variations} variations")
    if shelf is not Shelf.MINE:
        parts.append(f"<@{address.user_id}>")
    parts.append(f"<t:{address.created_at:.0f}:R>")
    if address.message_id is not None:
        place = f"{address.guild_id or '@me'}/{address.channel_id}/{address.message_id}"
        parts.append(f"[message](https://discord.com/channels/{place})")
    return " · ".join(parts)


def _name(job: Job) -> str:
    count = job.order.variations
    return f"clip {job.id}" if count == 1 else f"clip {job.id} · {count} variations"


def _heading(job: Job) -> str:
    """Return the prompt, and a hint where the model cannot make sense of it."""
    hint = f"\n-# {READS_ENGLISH}" if job.title and is_foreign(job.title) else ""
    return quoted(job.title) + hint


def _add_source(embed: Embed, job: Job) -> None:
    """Tell what a clip goes on from, if it does."""
    if job.request.continue_from is not None:
        source = "the end of an uploaded file" if job.order.uploaded else "an earlier clip"
        embed.add_field(name="Continues", value=source)


def _add_unusual(embed: Embed, request: GenerationRequest) -> None:
    """Tell the options that are not what they are by default."""
    usual = GenerationRequest("")
    if request.guidance != usual.guidance:
        embed.add_field(name="Guidance", value=f"{request.guidance:g}")
    if request.temperature != usual.temperature:
        embed.add_field(name="Temperature", value=f"{request.temperature:g}")
    if request.top_k != usual.top_k:
        embed.add_field(name="Top k", value=f"{request.top_k}")
