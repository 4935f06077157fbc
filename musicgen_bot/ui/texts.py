"""Words and little pictures made of characters."""

from __future__ import annotations

from musicgen_bot.jobs.job import Outlook
from musicgen_bot.jobs.limits import in_words

BAR_LENGTH = 12


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


def place(number: int) -> str:
    """Return a place in the queue: "next", "2nd in line"."""
    if number == 1:
        return "next in line"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending} in line"


def status(outlook: Outlook, now: float) -> str:
    """Return one line on how a job is doing; `now` is in seconds since 1970.

    The time a waiting clip will be ready is written so that Discord counts down to it by itself.
    """
    if outlook.paused:
        return f"⏸️ {place(outlook.place)} · the host has paused the bot; it goes on later by itself"
    if outlook.place:
        ready = "" if outlook.seconds is None else f" · ready <t:{now + outlook.seconds:.0f}:R>"
        return f"⏳ {place(outlook.place)}{ready}"
    if outlook.progress is None:
        return "💤 the model was asleep and is loading" if outlook.loading else "🎶 starting"
    done = outlook.progress.fraction
    left = "" if outlook.seconds is None else f" · about {in_words(outlook.seconds)} left"
    return f"🎶 {bar(done)} {done:.0%}{left}"
