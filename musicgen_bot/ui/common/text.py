"""Words and little pictures made of characters."""

from __future__ import annotations

from musicgen_bot.job import Job
from musicgen_bot.jobs.active_job import Estimate
from musicgen_bot.jobs.limits import in_words
from musicgen_bot.translations import Language, Text

BAR_LENGTH = 12
CHOICES_SHOWN = 25
"""As many as Discord takes of what is offered to somebody who types."""


def title(say: Language, job: Job) -> str:
    """Return what people know a job by: the prompt, where something was typed."""
    return job.title or say("(no prompt)")


def quoted(text: str) -> str:
    """Return what a person typed so that Discord shows it as it is.

    Inside inline code nothing is a mention, a link, an emoji or formatting; only a backtick could
    end it, and gives way to a look-alike.
    """
    return f"`{text.replace('`', 'ˋ')}`"


def shortened(text: str, length: int) -> str:
    """Return the text, cut with an ellipsis to at most this many characters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def bar(fraction: float) -> str:
    """Return a progress bar."""
    full = round(fraction * BAR_LENGTH)
    return "▰" * full + "▱" * (BAR_LENGTH - full)


def place(number: int) -> Text:
    """Return a place in the queue: "next in line", "#2 in line"."""
    return Text("next in line") if number == 1 else Text("#{place} in line", place=number)


def status(say: Language, estimate: Estimate, now: float) -> str:
    """Return one line on how a job is doing; `now` is in seconds since 1970.

    The time a waiting clip will be ready is written so that Discord counts down to it by itself.
    """
    if estimate.paused:
        paused = say("the host has paused the bot; it will continue later by itself")
        return f"⏸️ {say(place(estimate.place))} · {paused}"
    if estimate.out_of_order:
        line = say("the model has stopped working; it will continue by itself after a restart")
        return f"🔧 {say(place(estimate.place))} · {line}" if estimate.place else f"🔧 {line}"
    if estimate.place:
        line = f"⏳ {say(place(estimate.place))}"
        if estimate.seconds is None:
            return line
        ready = f"<t:{now + estimate.seconds:.0f}:R>"
        return f"{line} · {say('ready {when}', when=ready)}"
    if estimate.progress is None:
        if estimate.loading:
            return f"💤 {say('the model was asleep and is loading')}"
        return f"🎶 {say('starting')}"
    done = estimate.progress.fraction
    line = f"🎶 {bar(done)} {done:.0%}"
    if estimate.seconds is None:
        return line
    return f"{line} · {say('about {wait} left', wait=in_words(estimate.seconds))}"


def length(seconds: float) -> Text:
    """Return the length of a clip, the short way."""
    return Text("{seconds} s", seconds=seconds)
