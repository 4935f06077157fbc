"""What people press and choose from: buttons and selects, and the fields of a form."""

from __future__ import annotations

from typing import Any

from tests.discord_server.controls import BUTTON, STRING_SELECT
from tests.pictures import palette
from tests.pictures.canvas import Canvas, Style
from tests.pictures.lines import wrapped, write_line
from tests.pictures.markdown import Names, Run

SELECT_WIDTH = 400
GAP, BETWEEN = 8, 6
BUTTON_HEIGHT, BUTTON_PADDING, LEAST_BUTTON = 32, 14, 60
FIELD_HEIGHT, FIELD_PADDING = 40, 10
PARAGRAPH_HEIGHT = 90
DISABLED = 0.5
_LABEL = Style(14, "#ffffff")
_VALUE = Style(16)
_PLACEHOLDER = Style(16, palette.MUTED)
_MENTIONS = {"channel": "<#{}>", "role": "<@&{}>", "user": "<@{}>"}


def draw_rows(
    canvas: Canvas, x: float, y: float, width: float, rows: list[dict[str, Any]], names: Names
) -> float:
    """Draw the rows of controls of a message below y; return where they end."""
    for row in rows:
        controls = row["components"]
        if controls[0]["type"] == BUTTON:
            y = _draw_buttons(canvas, x, y, width, controls) + GAP
        else:
            y = draw_select(canvas, x, y, SELECT_WIDTH, controls[0], names) + GAP
    return y


def draw_select(
    canvas: Canvas, x: float, y: float, width: float, select: dict[str, Any], names: Names
) -> float:
    """Draw a select, with what is chosen in it or its placeholder; return where it ends."""
    canvas.box(x, y, width, FIELD_HEIGHT, palette.FIELD)
    left = x + FIELD_PADDING
    if select["type"] == STRING_SELECT:
        chosen = [option["label"] for option in select["options"] if option.get("default")]
    else:
        values = select.get("default_values") or []
        chosen = [names[_MENTIONS[value["type"]].format(value["id"])] for value in values]
    if select["type"] == STRING_SELECT and chosen:
        _write_in_field(canvas, left, y, chosen[0], _VALUE)
    elif chosen:
        for name in chosen:
            pill = _LABEL.width(name) + 16
            canvas.box(left, y + 8, pill, 24, palette.LINE)
            _write_in_field(canvas, left + 8, y, name, _LABEL)
            left += pill + 6
    else:
        _write_in_field(canvas, left, y, select.get("placeholder") or "", _PLACEHOLDER)
    arrow = x + width - 22
    canvas.path(f"M{arrow:g} {y + 17:g}l6 6l6 -6", palette.TEXT)
    return y + FIELD_HEIGHT


def draw_input(canvas: Canvas, x: float, y: float, width: float, field: dict[str, Any]) -> float:
    """Draw a field that is typed in, with what stands in it; return where it ends."""
    inner = width - 2 * FIELD_PADDING
    lines = list(wrapped([Run(field.get("value") or "", _VALUE)], inner))
    height = PARAGRAPH_HEIGHT if field["style"] == 2 else FIELD_HEIGHT
    canvas.box(x, y, width, height, palette.FIELD)
    below = y + 9
    for line in lines:
        below = write_line(canvas, x + FIELD_PADDING, below, line, _VALUE.size)
    return y + height


def draw_wide_button(canvas: Canvas, right: float, y: float, label: str, fill: str | None) -> float:
    """Draw one of the buttons below a form, as Discord has them; return its left side."""
    width = _LABEL.width(label) + 48
    if fill:
        canvas.box(right - width, y, width, 38, fill)
    canvas.text(right - width + 24, y + 24, label, _LABEL)
    return right - width


def _write_in_field(canvas: Canvas, x: float, y: float, text: str, style: Style) -> None:
    """Write a text at half the height of a field whose top is y."""
    canvas.text(x, y + FIELD_HEIGHT / 2 + 0.36 * style.size, text, style)


def _draw_buttons(
    canvas: Canvas, x: float, y: float, width: float, buttons: list[dict[str, Any]]
) -> float:
    """Draw a row of buttons, in more than one where it is too long; return where it ends."""
    left = x
    for button in buttons:
        wide = max(LEAST_BUTTON, _width(_parts(button)) + 2 * BUTTON_PADDING)
        if left + wide > x + width:
            left, y = x, y + BUTTON_HEIGHT + GAP
        drawn = Canvas()
        _draw_button(drawn, left, y, wide, button)
        canvas.add(drawn, DISABLED if button.get("disabled") else 1)
        left += wide + GAP
    return y + BUTTON_HEIGHT


def _draw_button(canvas: Canvas, x: float, y: float, width: float, button: dict[str, Any]) -> None:
    canvas.box(x, y, width, BUTTON_HEIGHT, palette.BUTTONS[button["style"]])
    parts = _parts(button)
    left = x + (width - _width(parts)) / 2
    for part in parts:
        canvas.text(left, y + BUTTON_HEIGHT / 2 + 5, part, _LABEL)
        left += _LABEL.width(part) + BETWEEN


def _parts(button: dict[str, Any]) -> list[str]:
    """Return the emoji and the label of a button, so far as it has them."""
    return [part for part in ((button.get("emoji") or {}).get("name"), button.get("label")) if part]


def _width(parts: list[str]) -> float:
    return sum(map(_LABEL.width, parts)) + BETWEEN * (len(parts) - 1)
