"""What Discord makes of the markup in a message: pieces of text, each with its looks."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests.discord_server.places import Channel
from tests.pictures import palette
from tests.pictures.canvas import Style

SMALL = 0.8125
"""The size of a line that starts with "-# ", beside the others'."""
_MARKUP = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<bold>.+?)\*\*|<t:(?P<time>\d+):R>"
    r"|(?P<mention><(?:@&|@|#)\d+>)|\[(?P<link>[^\]]+)\]\([^)]+\)"
)
Names = Mapping[str, str]
"""What Discord shows for each mention."""


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one style."""

    text: str
    style: Style


def names_in(channel: Channel) -> Names:
    """Return what each mention of this channel's world is shown as."""
    names = {f"<@{user.id}>": f"@{user.name}" for user in channel.world.users.values()}
    if (guild := channel.guild) is not None:
        names |= {f"<@&{role.id}>": f"@{role.name}" for role in guild.roles}
        names |= {f"<#{each.id}>": f"# {each.name}" for each in guild.channels}
    return names


def lines_of(text: str, style: Style, names: Names) -> Iterator[list[Run]]:
    """Yield the lines of a text as runs."""
    for line in text.split("\n"):
        if line.startswith("-# "):
            small = replace(style, size=style.size * SMALL, fill=palette.MUTED)
            yield list(_runs(line.removeprefix("-# "), small, names))
        else:
            yield list(_runs(line, style, names))


def _runs(text: str, style: Style, names: Names) -> Iterator[Run]:
    end = 0
    for found in _MARKUP.finditer(text):
        if between := text[end : found.start()]:
            yield Run(between, style)
        yield from _run(found, style, names)
        end = found.end()
    if rest := text[end:]:
        yield Run(rest, style)


def _run(found: re.Match[str], style: Style, names: Names) -> Iterator[Run]:
    kind = found.lastgroup or ""
    content = found[kind]
    match kind:
        case "code":
            code = replace(style, mono=True, ground=palette.FIELD, size=style.size * 0.875)
            yield Run(content, code)
        case "bold":
            yield from _runs(content, replace(style, bold=True), names)
        case "time":
            shown = _from_now(int(content) - time.time())
            yield Run(shown, replace(style, ground=palette.TIME_GROUND))
        case "mention":
            mention = replace(style, fill=palette.MENTION, ground=palette.MENTION_GROUND)
            yield Run(names[content], mention)
        case "link":
            yield Run(content, replace(style, fill=palette.LINK))


def _from_now(seconds: float) -> str:
    """Return how far away a moment is, as Discord says it in English."""
    number = round(abs(seconds))
    if not number:
        return "now"
    unit = "second"
    if number >= 60:
        number, unit = round(number / 60), "minute"
    amount = f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return f"in {amount}" if seconds > 0 else f"{amount} ago"
