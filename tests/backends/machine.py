"""A machine that fails as a test says, under the real worker on its real thread."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np

from musicgen_bot.engine import Engine, StepResult
from musicgen_bot.generation import Clip, Codes, GenerationRequest, Progress, Samples

FRAME_RATE = 50


class Machine:
    """Loads engines, and says when they fail."""

    def __init__(self) -> None:
        self.engines: list[FakeEngine] = []
        self.load_errors: list[Exception] = []
        """What the next tries to load fail with, in their order."""
        self.fails: Callable[[FakeEngine, list[GenerationRequest]], bool] = lambda *_: False
        """Whether an engine fails on what it has in its batch, or is asked to decode or encode."""
        self.go_on = threading.Event()
        """While it is not set, what an engine does hangs."""
        self.go_on.set()
        self.is_hanging = threading.Event()

    def load(self) -> Engine:
        self.pass_door()
        if self.load_errors:
            raise self.load_errors.pop(0)
        self.engines.append(FakeEngine(self))
        return self.engines[-1]  # type: ignore[return-value]

    def pass_door(self) -> None:
        """Wait for the test's leave."""
        if not self.go_on.is_set():
            self.is_hanging.set()
            assert self.go_on.wait(60)


class FakeEngine:
    """Makes clips of zeros, as long as its machine lets it."""

    model = "fake"
    licence = "none"
    precision = "fp32"
    device = "cpu"
    sample_rate = 32_000
    channels = 1
    frame_rate = FRAME_RATE

    def __init__(self, machine: Machine) -> None:
        self.is_closed = False
        self.batches: list[list[int | None]] = []
        """The seeds of those in the batch, at each step."""
        self._machine = machine
        self._tickets = itertools.count(1)
        self._clips: dict[int, tuple[GenerationRequest, Progress]] = {}

    def add(self, request: GenerationRequest) -> int:
        self._machine.pass_door()
        ticket = next(self._tickets)
        self._clips[ticket] = (request, Progress(0, round(request.seconds * FRAME_RATE)))
        return ticket

    def step(self, frames: int, seconds: float) -> StepResult:
        requests = [request for request, _ in self._clips.values()]
        self.batches.append([request.seed for request in requests])
        self._work_on(requests)
        finished: dict[int, Clip] = {}
        for ticket, (request, progress) in list(self._clips.items()):
            done = min(progress.frames + frames, progress.total)
            self._clips[ticket] = (request, Progress(done, progress.total))
            if done == progress.total:
                finished[ticket] = self._finish(ticket)
        return StepResult({ticket: p for ticket, (_, p) in self._clips.items()}, finished)

    def generate(self, requests: list[GenerationRequest]) -> list[Clip]:
        self._work_on(requests)
        return [self._clip(request) for request in requests]

    def remove(self, ticket: int) -> None:
        self._clips.pop(ticket, None)

    def decode(self, codes: Codes) -> Samples:
        self._work_on([])
        return np.zeros((1, codes.shape[1] * 640), np.float32)

    def encode(self, samples: Samples, sample_rate: int) -> Codes:
        self._work_on([])
        return np.zeros((4, samples.shape[1] // 640), np.int16)

    def close(self) -> None:
        self.is_closed = True

    def _work_on(self, requests: list[GenerationRequest]) -> None:
        assert not self.is_closed
        self._machine.pass_door()
        if self._machine.fails(self, requests):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def _finish(self, ticket: int) -> Clip:
        return self._clip(self._clips.pop(ticket)[0])

    def _clip(self, request: GenerationRequest) -> Clip:
        frames = round(request.seconds * FRAME_RATE)
        codes = np.zeros((4, frames), np.int16)
        samples = np.zeros((1, frames * 640), np.float32)
        return Clip(codes, samples, self.sample_rate, request)
