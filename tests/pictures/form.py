"""A form that opens in the middle of the screen; Discord calls it a modal."""

from __future__ import annotations

from typing import Any

from tests.discord_server.controls import TEXT_INPUT
from tests.pictures import palette
from tests.pictures.canvas import Canvas, Style
from tests.pictures.controls import draw_input, draw_select, draw_wide_button
from tests.pictures.markdown import Names

WIDTH, LEFT = 480, 20
INNER = WIDTH - 2 * LEFT
_LABEL = Style(14, palette.TEXT, bold=True)


def draw_form(canvas: Canvas, form: dict[str, Any], names: Names) -> float:
    """Draw a form; return where it ends."""
    canvas.text(LEFT, 44, form["title"], Style(22, palette.HEADING, bold=True))
    canvas.path(f"M{WIDTH - 34} 30l12 12m0 -12l-12 12", palette.MUTED)
    y = 68.0
    for label in form["components"]:
        field = label["component"]
        canvas.text(LEFT, y + 13, label["label"], _LABEL)
        if field.get("required", True):
            canvas.text(LEFT + _LABEL.width(label["label"]) + 4, y + 13, "*", Style(14, "#f23f43"))
        if field["type"] == TEXT_INPUT:
            y = draw_input(canvas, LEFT, y + 22, INNER, field)
        else:
            y = draw_select(canvas, LEFT, y + 22, INNER, field, names)
        y += 18
    canvas.box(0, y, WIDTH, 70, palette.PANEL, 8)
    left = draw_wide_button(canvas, WIDTH - LEFT, y + 16, "Submit", palette.BLURPLE)
    draw_wide_button(canvas, left, y + 16, "Cancel", None)
    return y + 70
