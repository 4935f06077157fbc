"""The benchmark measures every engine, and says so to a person and to a program."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from musicgen_bot import bench as benchmark
from musicgen_bot.bench import Report
from musicgen_bot.engine.bench import OURS, SHAPES, THEIRS, Measurement
from musicgen_bot.engine.device import threads
from musicgen_bot.engine.random_model import RandomModelSizes

ROWS = [
    Measurement(OURS, "int8", 1, 600.0, 12.0, 1500.0, 400_000_000, 0.02),
    Measurement(OURS, "int4", 1, 700.0, 14.0, 1300.0, 220_000_000, 0.012, 0.015, 2),
    Measurement(THEIRS, "fp32", 1, 5.5, 0.11, 3500.0, None, None),
    Measurement(OURS, "int8", 1, 300.0, 6.0, 1500.0, 400_000_000, 0.04, 0.06, 1, busy=2),
]
REPORT = Report("a machine", "small", ROWS, 25e9, "avx2, compiled by a compiler")


def shown(thing: object) -> str:
    console = Console(width=160, no_color=True)
    with console.capture() as text:
        console.print(thing)
    return text.get()


def test_a_person_sees_times_and_the_limit() -> None:
    table = shown(benchmark.as_table(REPORT))
    for text in (OURS, THEIRS, "int8", "0.8 s", "90.9 s", "20.0", "80%", "1500"):
        assert text in table
    assert "25.0 GB/s" in benchmark.limit_line(REPORT)
    assert "80%" in benchmark.limit_line(REPORT)


def test_a_person_is_told_what_makes_it_faster() -> None:
    assert list(benchmark.advice(REPORT)) == [
        "The step: avx2, compiled by a compiler.",
        "Fastest here for 1 clip: int4.",
        "Beside 2 busy processes a clip takes 2.0 times as long; the bot is fastest on a processor "
        "that has nothing else to do.",
    ]
    slow = Report("a machine", "small", [], 25e9, "PyTorch's own operators", "the reason")
    assert any("compiled; it is not: the reason." in line for line in benchmark.advice(slow))


def test_a_program_reads_one_line() -> None:
    line = benchmark.as_json(REPORT)
    assert "\n" not in line
    values = json.loads(line)
    assert values["machine"] == "a machine"
    assert values["read_bandwidth_gb_s"] == 25
    assert values["share_of_limit"] == pytest.approx(0.8)
    for row in values["rows"]:
        assert {
            "engine",
            "precision",
            "clips",
            "frames_per_second",
            "real_time_factor",
            "peak_memory_mb",
        } <= set(row)


def test_without_a_limit_none_is_told() -> None:
    report = Report("a GPU", "small", ROWS, None)
    assert report.share_of_limit is None
    assert not benchmark.limit_line(report)
    assert json.loads(benchmark.as_json(report))["share_of_limit"] is None


def test_each_measurement_has_a_process_of_its_own() -> None:
    here, first, second = os.getpid(), benchmark._apart(os.getpid), benchmark._apart(os.getpid)
    assert len({here, first, second}) == 3


def test_transformers_starts_in_the_usual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    monkeypatch.setenv("KMP_BLOCKTIME", "200")  # as the host wants it
    with benchmark._usual_environment():
        assert "OMP_WAIT_POLICY" not in os.environ
        assert os.environ["KMP_BLOCKTIME"] == "200"
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measure everything in one other process, as each takes seconds to import all it needs."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:

        def apart(function: Callable[..., object], *arguments: object) -> object:
            return pool.submit(function, *arguments).result()

        monkeypatch.setattr(benchmark, "_apart", apart)
        yield


@pytest.mark.usefixtures("one_process")
def test_both_engines_are_measured_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "SHAPES", {"small": RandomModelSizes()})
    monkeypatch.setattr(benchmark, "SECONDS", 0.3)
    monkeypatch.setattr(benchmark, "CLIPS", (2,))
    report = benchmark.bench(Console(quiet=True), "small", "cpu", ["fp32"], compare=True)
    assert [(row.engine, row.precision, row.clips) for row in report.rows] == [
        (OURS, "fp32", 2),
        (THEIRS, "fp32", 2),
        (THEIRS, "bf16", 2),
        *((OURS, "fp32", 1) for _ in {1, threads()}),
    ]
    assert [row.busy for row in report.rows[3:]] == sorted({1, threads()})
    for row in report.rows:
        assert row.frames_per_second == pytest.approx(50 * row.real_time_factor)
        assert row.peak_memory_mb > 100
    assert report.rows[0].step_bytes is not None
    assert report.rows[0].step_seconds is not None
    assert report.read_bandwidth is not None


def test_bot_py_starts_nothing_when_a_process_of_the_bench_imports_it() -> None:
    runpy.run_path(str(Path(__file__).parents[1] / "bot.py"), run_name="__mp_main__")


def test_shapes_are_those_of_the_real_models() -> None:
    assert set(SHAPES) == {"small", "medium", "large", "stereo-small"}
    for sizes in SHAPES.values():
        matrices = 4 * sizes.hidden**2 + 4 * sizes.hidden**2 + 2 * sizes.hidden * sizes.ffn
        heads_and_tables = 2 * sizes.codebooks * sizes.vocabulary * sizes.hidden
        parameters = sizes.layers * matrices + heads_and_tables
        assert sizes.hidden // sizes.heads == 64
        # 0.42 and 3.3 billion are known of the small and the large one.
        expected = {1024: 0.42e9, 2048: 3.3e9}.get(sizes.hidden, parameters)
        assert parameters == pytest.approx(expected, rel=0.05)
