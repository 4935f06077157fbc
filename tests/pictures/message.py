"""A message in a channel, as Discord lays it out."""

from __future__ import annotations

import io

import soundfile

from tests.discord_server.attachments import Attachment
from tests.discord_server.messages import Message
from tests.discord_server.people import User
from tests.discord_server.places import Channel
from tests.pictures import palette
from tests.pictures.canvas import Canvas, Style
from tests.pictures.controls import draw_rows
from tests.pictures.embed import draw_embed
from tests.pictures.lines import write
from tests.pictures.markdown import names_in

WIDTH = 680
TEXT_LEFT, TEXT_WIDTH = 72, 592
HEADER = 48
PLAYER_WIDTH, PLAYER_HEIGHT = 432, 92
BETWEEN = 16
_SMALL = Style(12, palette.MUTED)
_TINY = Style(11, "#ffffff", bold=True)
_USED = Style(14, palette.MUTED)
_PERSON = Style(14, palette.TEXT, bold=True)
_COMMAND = Style(14, palette.LINK)
_AUTHOR = Style(16, palette.HEADING, bold=True)
_LINKED = Style(16, palette.LINK)


def draw_channel(canvas: Canvas, channel: Channel) -> float:
    """Draw the bar on top of a channel; return where it ends."""
    sign, name = "#", channel.name
    if channel.recipient is not None:
        sign, name = "@", channel.world.bot.name
    canvas.text(20, 31, sign, Style(22, palette.MUTED))
    canvas.text(50, 30, name or "", Style(16, palette.HEADING, bold=True))
    canvas.box(0, HEADER, WIDTH, 1, palette.FIELD, 0)
    return HEADER + BETWEEN


def draw_message(canvas: Canvas, y: float, message: Message, person: User, command: str) -> float:
    """Draw a message that answers a person's command below y; return where it ends."""
    body, names = Canvas(), names_in(message.channel)
    top, y = y - BETWEEN / 2, y + 4
    y = _draw_command(body, y, person, command) + 4
    y = _draw_author(body, y, message)
    if message.content:
        y = write(body, TEXT_LEFT, y, TEXT_WIDTH, message.content, Style(), names)
    shown = {embed["image"]["url"] for embed in message.embeds if "image" in embed}
    for file in message.attachments:
        if file.url not in shown:
            y = _draw_player(body, y, file)
    for embed in message.embeds:
        y = draw_embed(body, TEXT_LEFT, y + 4, embed, message, names) + 4
    if message.components:
        y = draw_rows(body, TEXT_LEFT, y + 4, TEXT_WIDTH, message.components, names)
    if message.ephemeral:
        y = _draw_privacy(body, y)
        canvas.box(0, top, WIDTH, y + BETWEEN / 2 - top, palette.PRIVATE_GROUND, 0)
        canvas.box(0, top, 2, y + BETWEEN / 2 - top, palette.BLURPLE, 0)
    canvas.add(body)
    return y + BETWEEN


def _draw_command(canvas: Canvas, y: float, person: User, command: str) -> float:
    canvas.path(f"M36 {y + 20:g}v-6q0 -5 5 -5h23", palette.LINE)
    fill = palette.AVATARS[ord(person.name[0]) % len(palette.AVATARS)]
    canvas.box(TEXT_LEFT, y + 1, 16, 16, fill, 8)
    x = TEXT_LEFT + 8 - _TINY.width(person.name[0]) / 2
    canvas.text(x, y + 13, person.name[0], _TINY)
    x = TEXT_LEFT + 22
    used = "used" if person.locale.startswith("en") else "›"
    for text, style in ((person.name, _PERSON), (used, _USED), (command, _COMMAND)):
        canvas.text(x, y + 14, text, style)
        x += style.width(text) + 5
    return y + 20


def _draw_author(canvas: Canvas, y: float, message: Message) -> float:
    canvas.box(16, y, 40, 40, palette.BLURPLE, 20)
    canvas.path(f"M31 {y + 27:g}v-14l12 -3v14", "#ffffff", 2.5)
    for x, below in ((28.5, 27), (40.5, 24)):
        canvas.box(x - 2.5, y + below - 2, 6, 5, "#ffffff", 2.5)
    name = message.author.name
    canvas.text(TEXT_LEFT, y + 15, name, _AUTHOR)
    x = TEXT_LEFT + _AUTHOR.width(name) + 6
    badge = _TINY.width("APP") + 8
    canvas.box(x, y + 2, badge, 16, palette.BLURPLE, 4)
    canvas.text(x + 4, y + 14, "APP", _TINY)
    canvas.text(x + badge + 8, y + 15, f"{message.created:%H:%M}", _SMALL)
    return y + 22


def _draw_player(canvas: Canvas, y: float, file: Attachment) -> float:
    """Draw a sound file as Discord does, ready to be played."""
    x, top = TEXT_LEFT, y + 4
    canvas.box(x, top, PLAYER_WIDTH, PLAYER_HEIGHT, palette.PANEL, 8)
    canvas.box(x + 16, top + 10, 30, 38, palette.AVATARS[4], 4)
    canvas.path(f"M{x + 27:g} {top + 35:g}v-12l9 -2v12", "#ffffff")
    canvas.text(x + 58, top + 25, _shortened(file.filename, PLAYER_WIDTH - 74), _LINKED)
    canvas.text(x + 58, top + 43, f"{file.size / 1024:.2f} KB", _SMALL)
    bar = top + 56
    canvas.box(x + 16, bar, PLAYER_WIDTH - 32, 26, palette.FIELD)
    canvas.path(f"M{x + 26:g} {bar + 8:g}v10l8 -5z", palette.TEXT, 1, palette.TEXT)
    length = soundfile.info(io.BytesIO(file.data)).duration
    times = f"0:00 / {length // 60:.0f}:{length % 60:02.0f}"
    canvas.text(x + 44, bar + 17, times, _SMALL)
    start = x + 52 + _SMALL.width(times)
    canvas.box(start, bar + 10, x + PLAYER_WIDTH - 28 - start, 6, "#4e5058", 3)
    return top + PLAYER_HEIGHT


def _draw_privacy(canvas: Canvas, y: float) -> float:
    """Draw what Discord says below a message that one person alone sees."""
    eye = f"M{TEXT_LEFT} {y + 10:g}q8 -10 16 0q-8 10 -16 0z"
    canvas.path(eye, palette.MUTED, 1.5)
    canvas.box(TEXT_LEFT + 6, y + 8, 4, 4, palette.MUTED, 2)
    x, text = TEXT_LEFT + 22, "Only you can see this ·"
    canvas.text(x, y + 14, text, _SMALL)
    canvas.text(x + _SMALL.width(text) + 4, y + 14, "Dismiss message", Style(12, palette.LINK))
    return y + 20


def _shortened(name: str, width: float) -> str:
    if _LINKED.width(name) <= width:
        return name
    while _LINKED.width(f"{name}…") > width:
        name = name[:-1]
    return f"{name}…"
