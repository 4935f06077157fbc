"""What Discord makes of the markup in a message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.discord_server.places import Channel
from tests.pictures.elements import Html, element, joined

DARK = "🎶➕✖"
"""Emoji that can hardly be told from a dark ground as they are."""
_MARKUP = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<bold>.+?)\*\*|<t:(?P<time>\d+):R>"
    r"|(?P<mention><(?:@&|@|#)\d+>)|\[(?P<link>[^\]]+)\]\([^)]+\)"
    rf"|(?P<dark>[{DARK}]\ufe0f?)"
)
Names = Mapping[str, str]
"""What Discord shows for each mention."""


def names_in(channel: Channel) -> Names:
    """Return what each mention of this channel's world is shown as."""
    names = {f"<@{user.id}>": f"@{user.name}" for user in channel.world.users.values()}
    if (guild := channel.guild) is not None:
        names |= {f"<@&{role.id}>": f"@{role.name}" for role in guild.roles}
        names |= {f"<#{each.id}>": f"#{each.name}" for each in guild.channels}
    return names


def to_html(text: str, names: Names, now: float) -> Html:
    """Return a text as Discord shows it at a moment, in seconds since 1970: a paragraph a line."""
    return joined(*(_line(line, names, now) for line in text.split("\n")))


def _line(line: str, names: Names, now: float) -> Html:
    text = line.removeprefix("-# ")
    return element("p", "" if text == line else "small", *_parts(text, names, now))


def _parts(text: str, names: Names, now: float) -> Iterator[str]:
    end = 0
    for found in _MARKUP.finditer(text):
        yield text[end : found.start()]
        yield _marked(found, names, now)
        end = found.end()
    yield text[end:]


def _marked(found: re.Match[str], names: Names, now: float) -> Html:
    kind = found.lastgroup or ""
    content = found[kind]
    match kind:
        case "code":
            return element("code", "", content)
        case "bold":
            return element("strong", "", *_parts(content, names, now))
        case "time":
            return element("span", "time", _from_now(int(content) - now))
        case "dark":
            return element("span", "dark", content)
        case "mention":
            return element("span", "mention", names[content])
        case _:
            return element("span", "link", content)


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
