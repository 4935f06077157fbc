"""An embed: title, description, fields, picture, footer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.discord_server.messages import Message
from tests.pictures import palette
from tests.pictures.canvas import Canvas, Style
from tests.pictures.lines import write
from tests.pictures.markdown import Names

WIDTH = 520
LEFT, TOP, GAP, EDGE = 16, 10, 8, 4
INNER = WIDTH - 2 * LEFT
COLUMNS, BETWEEN = 3, 8
_TITLE = Style(16, palette.HEADING, bold=True)
_TEXT = Style(14)
_NAME = Style(14, palette.HEADING, bold=True)
_FOOTER = Style(12, palette.TEXT)


def draw_embed(
    canvas: Canvas, x: float, y: float, embed: dict[str, Any], message: Message, names: Names
) -> float:
    """Draw an embed of a message below y; return where it ends."""
    body, left, below = Canvas(), x + LEFT, y + TOP
    for key, style in (("title", _TITLE), ("description", _TEXT)):
        if text := embed.get(key):
            below = write(body, left, below, INNER, text, style, names) + GAP
    for row in _rows(embed.get("fields") or []):
        below = _draw_row(body, left, below, row, names) + GAP
    if "image" in embed:
        picture = next(file for file in message.attachments if file.url == embed["image"]["url"])
        below += body.png(left, below, INNER, picture.data) + GAP
    if "footer" in embed:
        below = write(body, left, below, INNER, embed["footer"]["text"], _FOOTER, names) + GAP
    height = below - y
    colour = embed.get("color")
    edge = palette.FIELD if colour is None else f"#{colour:06x}"
    canvas.box(x, y, 2 * EDGE, height, edge)
    canvas.box(x + EDGE, y, WIDTH - EDGE, height, palette.PANEL)
    canvas.add(body)
    return below


def _rows(fields: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the fields that stand beside each other: up to three that are inline."""
    row: list[dict[str, Any]] = []
    for field in fields:
        if row and (not field.get("inline") or len(row) == COLUMNS):
            yield row
            row = []
        row.append(field)
        if not field.get("inline"):
            yield row
            row = []
    if row:
        yield row


def _draw_row(
    canvas: Canvas, x: float, y: float, row: Sequence[dict[str, Any]], names: Names
) -> float:
    pitch = INNER / len(row)
    ends = []
    for number, field in enumerate(row):
        left, width = x + number * pitch, pitch - (BETWEEN if len(row) > 1 else 0)
        below = write(canvas, left, y, width, field["name"], _NAME, names)
        ends.append(write(canvas, left, below, width, field["value"], _TEXT, names))
    return max(ends)
