"""What a job's message looks like at each point of its life."""

from __future__ import annotations

from collections.abc import Sequence

from discord import Colour, Embed

from musicgen_bot.clip_list import ClipList, Entry, Page
from musicgen_bot.generation import READS_ENGLISH, GenerationRequest, is_foreign
from musicgen_bot.job import Job
from musicgen_bot.jobs.active_job import Estimate
from musicgen_bot.jobs.limits import in_words
from musicgen_bot.translations import Counted, Language, Text, joined
from musicgen_bot.ui.common.text import length, quoted, shortened, status, title

WORKING = Colour(0x5B8DEF)
DONE = Colour(0x3BA55D)
STOPPED = Colour(0xD9534F)
PICTURE = "waveform.png"
TITLE_CHARACTERS = 60
_CLIP_LISTS = {
    ClipList.MINE: Text("Your clips"),
    ClipList.SERVER: Text("Clips of this server"),
    ClipList.FAVOURITES: Text("Your favourites"),
}


def working(say: Language, job: Job, estimate: Estimate, now: float) -> Embed:
    """Show a job that waits or is being made."""
    description = f"{_heading(say, job)}\n{status(say, estimate, now)}"
    embed = Embed(colour=WORKING, description=description)
    _add_source(say, embed, job)
    return embed.set_footer(text=say(_name(job)))


def clip(say: Language, job: Job, model: str, licence: str, silent: Sequence[int] = ()) -> Embed:
    """Show finished clips, which are attached to the same message, and all they were made from.

    `silent` are the variations with nothing to be heard, which are not attached.
    """
    request = job.request
    embed = Embed(colour=DONE, description=_heading(say, job))
    if job.order.style:
        style = f"{quoted(job.order.style)} {quoted(job.style_words)}"
        embed.add_field(name=say("Style"), value=style, inline=False)
    embed.add_field(name=say("Length"), value=say(length(request.seconds)))
    embed.add_field(
        name=say(Counted("Seed", "Seeds", count=len(job.order.seeds))),
        value=" ".join(f"`{seed}`" for seed in job.order.seeds),
    )
    embed.add_field(name=say("For"), value=f"<@{job.address.user_id}>")
    _add_source(say, embed, job)
    _add_unusual(say, embed, request)
    if silent:
        text = Counted(
            "Variation {numbers} came out silent.",
            "Variations {numbers} came out silent.",
            count=len(silent),
            numbers=joined(", ", silent),
        )
        embed.add_field(name=say("Silent"), value=say(text), inline=False)
    embed.set_image(url=f"attachment://{PICTURE}")
    about = [say(_name(job)), model, say(licence)]
    if job.made_in is not None:
        about.insert(1, say("made in {duration}", duration=in_words(job.made_in)))
    return embed.set_footer(text=" · ".join(about))


def stopped(say: Language, job: Job, text: Text) -> Embed:
    """Show a job that ended without a clip, and why."""
    embed = Embed(colour=STOPPED, description=f"{quoted(title(say, job))}\n{say(text)}")
    return embed.set_footer(text=say(_name(job)))


def page(say: Language, which: ClipList, shown: Page, search: str) -> Embed:
    """Show a part of a list of clips."""
    lines = [_line(say, entry, which) for entry in shown.entries]
    if not lines and search:
        lines = [
            say(
                "No clip here has {search} in its prompt; `/generate` makes one.",
                search=quoted(search),
            )
        ]
    elif not lines:
        lines = [say("There is nothing here yet; `/generate` makes a clip.")]
    embed = Embed(colour=DONE, title=say(_CLIP_LISTS[which]), description="\n".join(lines))
    footer = say("page {page} · play one with /clip and its number", page=shown.number + 1)
    return embed.set_footer(text=footer)


def _line(say: Language, entry: Entry, which: ClipList) -> str:
    job, address = entry.job, entry.job.address
    parts = [say(length(job.request.seconds))]
    if entry.variation and job.order.variations > 1:
        parts.append(say("variation {number}", number=entry.variation))
    elif job.order.variations > 1:
        parts.append(say(_variations(job)))
    if which is not ClipList.MINE:
        parts.append(f"<@{address.user_id}>")
    parts.append(f"<t:{address.created_at:.0f}:R>")
    if address.message_id is not None:
        place = f"{address.guild_id or '@me'}/{address.channel_id}/{address.message_id}"
        parts.append(f"[{say('message')}](https://discord.com/channels/{place})")
    name = quoted(shortened(title(say, job), TITLE_CHARACTERS))
    return f"**{job.id}** {name}\n-# {' · '.join(parts)}"


def _name(job: Job) -> Text:
    name = Text("clip {clip}", clip=str(job.id))
    if job.order.variations == 1:
        return name
    return joined(" · ", [name, _variations(job)])


def _variations(job: Job) -> Text:
    return Counted("{count} variation", "{count} variations", count=job.order.variations)


def _heading(say: Language, job: Job) -> str:
    """Return the prompt, and a hint where the model cannot make sense of it."""
    hint = f"\n-# {say(READS_ENGLISH)}" if job.title and is_foreign(job.title) else ""
    return quoted(title(say, job)) + hint


def _add_source(say: Language, embed: Embed, job: Job) -> None:
    """Tell what a clip goes on from, if it does."""
    if job.request.continue_from is not None:
        source = (
            say("the end of an uploaded file") if job.order.uploaded else say("an earlier clip")
        )
        embed.add_field(name=say("Continues"), value=source)


def _add_unusual(say: Language, embed: Embed, request: GenerationRequest) -> None:
    """Tell the options that are not what they are by default."""
    usual = GenerationRequest("")
    if request.guidance != usual.guidance:
        embed.add_field(name=say("Guidance"), value=say.number(request.guidance))
    if request.temperature != usual.temperature:
        embed.add_field(name=say("Temperature"), value=say.number(request.temperature))
    if request.top_k != usual.top_k:
        embed.add_field(name=say("Top k"), value=f"{request.top_k}")
