"""Text broken into lines, and written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.pictures.canvas import Canvas, Style
from tests.pictures.markdown import Names, Run, lines_of
from tests.pictures.metrics import EMOJI

PADDING = 3
"""On both sides of a text with a ground of its own."""
_WIDE = "\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"
_TOKEN = re.compile(
    rf"{EMOJI.pattern}| +|[▰▱]+|[{_WIDE}][、。」）]*|(?:(?!{EMOJI.pattern})[^ ▰▱{_WIDE}])+"
)
_DRAWN_ALONE = re.compile(rf"{EMOJI.pattern}|[▰▱]+")
"""Characters that come from another typeface, of another width."""


@dataclass(slots=True)
class Piece:
    """Text of one style on one line."""

    run: Run
    text: str

    @property
    def width(self) -> float:
        padding = 2 * PADDING if self.run.style.ground else 0
        return self.run.style.width(self.text) + padding


Line = list[Piece]


def write(
    canvas: Canvas, x: float, y: float, width: float, text: str, style: Style, names: Names
) -> float:
    """Write a text with Discord's markup below y; return where it ends."""
    for runs in lines_of(text, style, names):
        for line in wrapped(runs, width):
            y = write_line(canvas, x, y, line, runs[0].style.size if runs else style.size)
    return y


def wrapped(runs: Iterable[Run], width: float) -> Iterator[Line]:
    """Yield lines that are no wider than this. Raises ValueError for a word that is."""
    line: Line = []
    for run in runs:
        for token in _TOKEN.findall(run.text):
            longer = _joined(line, Piece(run, token))
            if not line or _width(longer) <= width or not token.strip():
                line = longer
            else:
                yield _checked(line, width)
                line = [Piece(run, token)]
    yield _checked(line, width)


def write_line(canvas: Canvas, x: float, y: float, line: Line, size: float) -> float:
    """Write a line below y; return where it ends."""
    height = round(1.375 * size)
    baseline = y + (height + 0.72 * size) / 2
    for piece in line:
        style, text = piece.run.style, piece.text.strip()
        left = x + piece.width - Piece(piece.run, piece.text.lstrip()).width
        if style.ground:
            canvas.box(left, y + 1, Piece(piece.run, text).width, height - 2, style.ground, 3)
            left += PADDING
        if text:
            canvas.text(left, baseline, text, style)
        x += piece.width
    return y + height


def _joined(line: Line, piece: Piece) -> Line:
    """Return the line with one more piece, made one with the last where both look the same."""
    if not line or line[-1].run is not piece.run:
        return [*line, piece]
    if _DRAWN_ALONE.fullmatch(piece.text) or _DRAWN_ALONE.fullmatch(line[-1].text):
        return [*line, piece]
    return [*line[:-1], Piece(piece.run, line[-1].text + piece.text)]


def _width(line: Line) -> float:
    last = Piece(line[-1].run, line[-1].text.rstrip())
    return sum(piece.width for piece in line[:-1]) + last.width


def _checked(line: Line, width: float) -> Line:
    if line and _width(line) > width:
        raise ValueError(f"{line} is wider than {width:g} pixels")
    return line
