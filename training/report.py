"""What an evaluation came to, as a table to read and as JSON to keep."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    unit: str = ""
    target: float | None = None
    less_is_better: bool = False
    prototype: float | None = None
    """What the prototype reached."""
    by_chance: float | None = None
    """What clips made from other prompts reach."""
    composed: float | None = None
    """What pieces reach as they were composed."""
    clips: int | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.less_is_better else self.value >= self.target


def as_json(figures: Iterable[Figure]) -> str:
    """Return the figures as JSON, one object each."""
    return (
        json.dumps([{**asdict(figure), "met": figure.met} for figure in figures], indent=2) + "\n"
    )


def as_table(figures: Iterable[Figure]) -> Table:
    """Return the figures as a table for the terminal."""
    table = Table(title="Evaluation")
    headings = ("", "prototype", "target", "reached", "met", "by chance", "as composed", "clips")
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left")
    for figure in figures:
        unit = f" {figure.unit}" if figure.unit else ""
        numbers = (figure.prototype, figure.target, figure.value)
        shown = [_shown(number) + (unit if number is not None else "") for number in numbers]
        met = {True: "yes", False: "[red]no[/red]", None: ""}[figure.met]
        rest = (_shown(figure.by_chance), _shown(figure.composed), str(figure.clips or ""))
        table.add_row(figure.name, *shown, met, *rest)
    return table


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"
