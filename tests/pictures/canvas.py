"""A sheet that is drawn on, and the SVG it becomes. All measures are pixels."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape

from tests.pictures import palette
from tests.pictures.metrics import EMOJI, width_of


@dataclass(frozen=True, slots=True)
class Style:
    """What a text looks like."""

    size: float = 16
    fill: str = palette.TEXT
    bold: bool = False
    mono: bool = False
    ground: str | None = None
    """The colour behind it."""

    def width(self, text: str) -> float:
        return width_of(text, self.size, bold=self.bold, mono=self.mono)


class Canvas:
    """Shapes, in the order they were drawn."""

    def __init__(self) -> None:
        self._shapes: list[str] = []

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, radius: float = 4
    ) -> None:
        """Draw a rectangle with round corners."""
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" '
            f'fill="{fill}"/>'
        )

    def path(self, points: str, stroke: str, width: float = 2, fill: str = "none") -> None:
        """Draw a line through points, written as SVG does."""
        self._shapes.append(
            f'<path d="{points}" fill="{fill}" stroke="{stroke}" stroke-width="{width:g}" '
            f'stroke-linecap="round" stroke-linejoin="round"/>'
        )

    def text(self, x: float, baseline: float, content: str, style: Style) -> None:
        """Write one piece of text, as wide as it was measured whatever typeface is there."""
        width = style.width(content)
        if EMOJI.fullmatch(content):
            self._shapes.append(
                f'<text x="{x + width / 2:.1f}" y="{baseline:.1f}" font-size="{style.size:g}" '
                f'fill="{style.fill}" text-anchor="middle" font-family="{palette.EMOJI}">'
                f"{content}</text>"
            )
            return
        family = f' font-family="{palette.MONO}"' if style.mono else ""
        weight = ' font-weight="600"' if style.bold else ""
        self._shapes.append(
            f'<text x="{x:.1f}" y="{baseline:.1f}" font-size="{style.size:g}" fill="{style.fill}" '
            f'textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"{family}{weight}>'
            f"{escape(content)}</text>"
        )

    def png(self, x: float, y: float, width: float, data: bytes) -> float:
        """Put a picture there, scaled to a width; return how high it is then."""
        height = width * int.from_bytes(data[20:24]) / int.from_bytes(data[16:20])
        self._shapes.append(
            f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:.1f}" '
            f'href="data:image/png;base64,{base64.b64encode(data).decode()}"/>'
        )
        return height

    def add(self, other: Canvas, opacity: float = 1) -> None:
        """Lay another canvas upon this one."""
        if opacity < 1:
            self._shapes += [f'<g opacity="{opacity:g}">', *other._shapes, "</g>"]
        else:
            self._shapes += other._shapes

    def svg(self, width: float, height: float, ground: str) -> str:
        """Return the whole picture."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:.0f}" '
                f'width="{width:g}" height="{height:.0f}" font-family="{palette.SANS}">',
                f'<rect width="{width:g}" height="{height:.0f}" rx="8" fill="{ground}"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )
