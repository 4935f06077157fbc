"""`python bot.py bench`: how fast this machine makes music, as a table and as JSON.

The checkpoint is made of random numbers, in a folder that is gone afterwards. Each measurement is a
process of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from musicgen_bot.engine.bench import (
    OURS,
    SHAPES,
    THEIRS,
    Measurement,
    Task,
    make_checkpoint,
    measure,
    read_bandwidth,
)
from musicgen_bot.engine.device import choose_device, describe_device, threads
from musicgen_bot.engine.native.library import NotCompiled, library
from musicgen_bot.process import SLEEPING_THREADS

SECONDS = 10.0
CLIPS = (1, 8)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured."""

    machine: str
    shape: str
    rows: list[Measurement]
    read_bandwidth: float | None
    """Bytes a second; None on a GPU."""
    step: str = ""
    """What computes a step on a CPU."""
    obstacle: str = ""
    """Why the step is not compiled, or nothing."""

    @property
    def share_of_limit(self) -> float | None:
        """How near a step of one clip comes to the time it takes to read what it must read."""
        shares = (self.share(row) for row in self.rows if row.clips == 1 and not row.busy)
        return next((share for share in shares if share), None)

    def share(self, row: Measurement) -> float | None:
        """Return the same of any measurement."""
        if row.step_bytes and row.step_seconds and self.read_bandwidth:
            return row.step_bytes / self.read_bandwidth / row.step_seconds
        return None


def bench(
    console: Console, shape: str, device: str, precisions: list[str], *, compare: bool
) -> Report:
    """Measure ours, and with `compare` transformers' own beside it; shows a bar meanwhile."""
    tasks = [Task(OURS, precision, clips, SECONDS) for precision in precisions for clips in CLIPS]
    if compare:
        tasks += [
            Task(THEIRS, precision, clips, SECONDS)
            for precision in ("fp32", "bf16")
            for clips in CLIPS
        ]
    where = choose_device(device)
    if where.type == "cpu":
        neighbours = dict.fromkeys((1, threads()))
        tasks += [Task(OURS, precisions[0], 1, SECONDS, busy) for busy in neighbours]
    with (
        tempfile.TemporaryDirectory(prefix="musicgen-bench-") as folder,
        Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
        ) as progress,
    ):
        bar = progress.add_task("Making random weights", total=len(tasks) + 2)
        _apart(make_checkpoint, Path(folder), SHAPES[shape])
        rows = []
        for task in tasks:
            progress.update(bar, advance=1, description=_title(task))
            if task.engine == OURS:
                row = _apart(measure, task, Path(folder), device)
            else:
                with _usual_environment():
                    row = _apart(measure, task, Path(folder), device)
            rows.append(row)
            progress.console.print(f"{_title(task)}: {_seconds(row)}")
        progress.update(bar, advance=1, description="Memory")
        bandwidth = _apart(read_bandwidth) if where.type == "cpu" else None
        progress.update(bar, advance=1)
    machine = f"{platform.system()} {platform.machine()}, {describe_device(where)}"
    step, obstacle = _step() if where.type == "cpu" else ("", "")
    return Report(machine, shape, rows, bandwidth, step, obstacle)


def as_table(report: Report) -> Table:
    """Return what a person reads."""
    table = Table(title=f"musicgen-{report.shape}, clips of {SECONDS:g} s, on {report.machine}")
    for heading in ("engine", "precision", "beside it"):
        table.add_column(heading)
    for heading in ("clips at once", "time", "times real time"):
        table.add_column(heading, justify="right")
    for heading in ("ms a step", "slowest", "of the limit", "threads", "MB"):
        table.add_column(heading, justify="right")
    for row in report.rows:
        beside = f"{row.busy} busy" if row.busy else ""
        table.add_row(row.engine, row.precision, beside, str(row.clips), *_figures(row, report))
    return table


def as_json(report: Report) -> str:
    """Return one line for a program."""
    return json.dumps(
        {
            "machine": report.machine,
            "step": report.step,
            "shape": report.shape,
            "rows": [asdict(row) for row in report.rows],
            "read_bandwidth_gb_s": report.read_bandwidth and report.read_bandwidth / 1e9,
            "share_of_limit": report.share_of_limit,
        }
    )


def limit_line(report: Report) -> str:
    """Return a sentence on the machine's ceiling."""
    if report.read_bandwidth is None or report.share_of_limit is None:
        return ""
    return (
        f"The memory gives {report.read_bandwidth / 1e9:.1f} GB/s; a step of one clip takes as "
        f"long as reading all that it needs at {report.share_of_limit:.0%} of that."
    )


def advice(report: Report) -> Iterator[str]:
    """Yield a sentence for each thing that this run has shown to make clips faster, or slower."""
    if report.step:
        yield f"The step: {report.step}."
    if report.obstacle:
        yield f"It would be several times as fast compiled; it is not: {report.obstacle}."
    for clips in CLIPS:
        alone = [
            row for row in report.rows if (row.engine, row.clips, row.busy) == (OURS, clips, 0)
        ]
        if len(alone) > 1:
            best = max(alone, key=lambda row: row.real_time_factor)
            yield f"Fastest here for {_clips(clips)}: {best.precision}."
    for row in report.rows:
        if row.busy and (idle := _idle(row, report)):
            yield (
                f"Beside {_busy(row.busy)} a clip takes {idle / row.real_time_factor:.1f} times as "
                "long; the bot is fastest on a processor that has nothing else to do."
            )


def _idle(row: Measurement, report: Report) -> float | None:
    """Return how fast the same was with nothing beside it."""
    same = (row.engine, row.precision, row.clips, 0)
    rows = (each for each in report.rows if _kind(each) == same)
    return next((each.real_time_factor for each in rows), None)


def _kind(row: Measurement) -> tuple[str, str, int, int]:
    return row.engine, row.precision, row.clips, row.busy


def _step() -> tuple[str, str]:
    """Return what computes a step on a CPU, and why it is not compiled, or nothing."""
    try:
        return str(library()), ""
    except NotCompiled as obstacle:
        return "PyTorch's own operators", str(obstacle)


def _figures(row: Measurement, report: Report) -> Iterator[str]:
    yield _seconds(row)
    yield f"{row.real_time_factor:.2f}"
    for seconds in (row.step_seconds, row.slowest_step_seconds):
        yield f"{1000 * seconds:.1f}" if seconds else ""
    share = report.share(row)
    yield f"{share:.0%}" if share else ""
    yield str(row.threads or "")
    yield f"{row.peak_memory_mb:.0f}"


def _seconds(row: Measurement) -> str:
    return f"{row.clips * SECONDS / row.real_time_factor:.1f} s"


def _title(task: Task) -> str:
    beside = f", beside {_busy(task.busy)}" if task.busy else ""
    return f"{task.engine} {task.precision}, {_clips(task.clips)}{beside}"


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips at once"


def _busy(count: int) -> str:
    return "1 busy process" if count == 1 else f"{count} busy processes"


@contextmanager
def _usual_environment() -> Iterator[None]:
    """Let processes start as they would if this one had not told PyTorch's threads to sleep."""
    told = {name: told for name, told in SLEEPING_THREADS.items() if os.environ.get(name) == told}
    for name in told:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(told)


def _apart(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()
