"""Measures how fast a machine makes music, with our engine and with transformers', and its limit.

Weights are random, in the sizes of a real model: speed does not depend on what they are. What is
measured runs in a process of its own (see `musicgen_bot.bench`), so its memory is its own, too.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from musicgen_bot.engine.batch import Batch
from musicgen_bot.engine.delay import lag
from musicgen_bot.engine.device import (
    PRECISIONS,
    choose_device,
    limit_threads,
    synchronize,
    threads,
)
from musicgen_bot.engine.engine import Engine
from musicgen_bot.engine.loader import load_engine
from musicgen_bot.engine.native.decoder import NativeDecoder, Team
from musicgen_bot.engine.native.library import NotCompiled, library
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.engine.random_model import RandomModelSizes, build_random_model
from musicgen_bot.generation import GenerationRequest

OURS, THEIRS = "musicgen-bot", "transformers"
_PROMPT = "lofi beat with warm piano, 80 bpm"
_SMALL = RandomModelSizes(
    layers=24,
    hidden=1024,
    heads=16,
    ffn=4096,
    vocabulary=2048,
    text_hidden=768,
    text_layers=12,
    text_ffn=3072,
    text_vocabulary=32128,
    codec_filters=64,
    codec_hidden=128,
)
SHAPES = {
    "small": _SMALL,
    "medium": replace(_SMALL, layers=48, hidden=1536, heads=24, ffn=6144),
    "large": replace(_SMALL, layers=48, hidden=2048, heads=32, ffn=8192),
    "stereo-small": replace(_SMALL, codebooks=8, channels=2),
}
"""Sizes of facebook/musicgen-*, as their configurations have them."""
_WARM_UP_SECONDS = 1.0
_MOST_RUNS = 3
_ENOUGH_SECONDS = 40.0
"""Of one measurement; runs stop there, but one is always made."""
_STEPS = 200
_BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    pass"
"""What another program does that has much to compute; it ends with the one that started it."""
_READ_BYTES = 1 << 29
_READS = 7


@dataclass(frozen=True, slots=True)
class Task:
    """One measurement."""

    engine: str
    """OURS or THEIRS."""
    precision: str
    clips: int
    """At once."""
    seconds: float
    """Length of each clip."""
    busy: int = 0
    """Other processes beside it, each of which has enough to do for a processor."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a task came to."""

    engine: str
    precision: str
    clips: int
    frames_per_second: float
    """Frames of all clips, by the seconds from prompt to samples; the median of the runs."""
    real_time_factor: float
    """Seconds of music that are made in a second."""
    peak_memory_mb: float
    """Of the whole process, or of an NVIDIA GPU's memory, in 10^6 bytes, while clips are made."""
    step_bytes: int | None
    """What a step in the middle of the clips must read; only of ours."""
    step_seconds: float | None
    """The median time of such steps."""
    slowest_step_seconds: float | None = None
    threads: int | None = None
    """What the compiled step computed with in the end."""
    busy: int = 0
    """Other processes that were beside it."""


def make_checkpoint(folder: Path, sizes: RandomModelSizes) -> None:
    """Write a checkpoint of random weights into a folder."""
    with quiet_transformers():
        build_random_model(folder, sizes)


def measure(task: Task, folder: Path, device: str) -> Measurement:
    """Carry out a task with the checkpoint in a folder."""
    where = choose_device(device)
    limit_threads(where)
    load = _ours if task.engine == OURS else _theirs
    make, engine = load(task, folder, where)
    make(_WARM_UP_SECONDS)
    _forget_peak_memory(where)
    times: list[float] = []
    with _busy_processes(task.busy):
        while len(times) < _MOST_RUNS and sum(times) < _ENOUGH_SECONDS:
            started = time.perf_counter()
            frame_rate = make(task.seconds)
            times.append(time.perf_counter() - started)
        seconds = statistics.median(times)
        music = task.clips * task.seconds
        result = Measurement(
            engine=task.engine,
            precision=task.precision,
            clips=task.clips,
            frames_per_second=music * frame_rate / seconds,
            real_time_factor=music / seconds,
            peak_memory_mb=_peak_memory(where) / 1e6,
            step_bytes=None,
            step_seconds=None,
            busy=task.busy,
        )
        return result if engine is None else _with_steps(result, task, engine)


@contextmanager
def _busy_processes(count: int) -> Iterator[None]:
    """Keep so many processors as busy as other programs would."""
    command = [sys.executable, "-S", "-c", _BUSY]
    # It is this Python, and runs what is written here.
    processes = [subprocess.Popen(command) for _ in range(count)]  # noqa: S603
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def read_bandwidth() -> float:
    """Return the bytes a second that all cores together read from memory, the best of some runs."""
    memory = torch.zeros(_READ_BYTES, dtype=torch.uint8)
    try:
        step = library()
        read: Callable[[Tensor], object] = Team(step.path, step.target, threads()).read
    except NotCompiled:
        read = torch.sum
        memory = memory.view(torch.int64)
    times = []
    for _ in range(_READS):
        started = time.perf_counter()
        read(memory)
        times.append(time.perf_counter() - started)
    return _READ_BYTES / min(times)


def _requests(task: Task, seconds: float) -> list[GenerationRequest]:
    return [GenerationRequest(_PROMPT, seconds, seed=number) for number in range(task.clips)]


def _ours(task: Task, folder: Path, device: torch.device) -> tuple[Callable[[float], int], Engine]:
    engine = load_engine(str(folder), str(device), task.precision)

    def make(seconds: float) -> int:
        engine.generate(_requests(task, seconds))
        return engine.frame_rate

    return make, engine


def _theirs(task: Task, folder: Path, device: torch.device) -> tuple[Callable[[float], int], None]:
    from transformers import AutoTokenizer, MusicgenForConditionalGeneration

    load: Any = MusicgenForConditionalGeneration.from_pretrained
    with quiet_transformers():
        model = load(folder, dtype=PRECISIONS[task.precision]).eval().to(device)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer([_PROMPT] * task.clips, return_tensors="pt").to(device)
    frame_rate: int = model.config.audio_encoder.frame_rate
    decoder = model.config.decoder
    delay = lag(decoder.num_codebooks, decoder.audio_channels)

    @torch.inference_mode()
    def make(seconds: float) -> int:
        with quiet_transformers():
            model.generate(**inputs, max_new_tokens=round(seconds * frame_rate) + delay).cpu()
        return frame_rate

    return make, None


@torch.inference_mode()
def _with_steps(result: Measurement, task: Task, engine: Engine) -> Measurement:
    """Add to a measurement what steps in the middle of the clips take."""
    for request in _requests(task, task.seconds):
        engine.add(request)
    batch: Batch = engine.batch
    steps = min(_STEPS, batch.tracks[0].steps // 2)
    left = batch.tracks[0].steps // 2 - steps // 2
    while left > 0:
        left -= batch.run(left)[0]
    times = []
    for _ in range(steps):
        synchronize(batch.decoder.device)
        started = time.perf_counter()
        batch.run(1)
        synchronize(batch.decoder.device)
        times.append(time.perf_counter() - started)
    positions = batch.tracks[0].done - steps // 2
    read = _weight_bytes(batch.decoder.weights) + _cache_bytes(batch, positions)
    decoder = batch.decoder
    batch.clear()
    return replace(
        result,
        precision=engine.precision,
        step_bytes=read,
        step_seconds=statistics.median(times),
        slowest_step_seconds=max(times),
        threads=decoder.threads if isinstance(decoder, NativeDecoder) else None,
    )


def _weight_bytes(weights: Any) -> int:
    """Return the bytes of all matrices that a step reads from end to end."""
    layers = [
        getattr(layer, field.name)
        for layer in weights.layers
        for field in fields(layer)
        if field.name != "cross_key_value"
    ]
    return sum(map(_bytes_of, [*layers, weights.heads]))


def _bytes_of(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.nbytes
    if is_dataclass(value):
        return sum(_bytes_of(getattr(value, field.name)) for field in fields(value))
    return 0


def _cache_bytes(batch: Batch, positions: int) -> int:
    """Return the bytes of keys and values that a step reads when rows have so many positions."""
    cache = batch.cache
    rows, heads, _, head_dim = cache.keys[0].shape
    cells = rows * heads * positions * head_dim
    return 2 * len(cache.keys) * cells * cache.keys[0].itemsize


def _forget_peak_memory(device: torch.device) -> None:
    """Let the peak begin anew, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def _peak_memory(device: torch.device) -> int:
    """Return the most bytes that this process had in its memory, or in that of an NVIDIA GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    if sys.platform == "win32":
        return 0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
