"""A graph repeats a step as it was recorded, and the clips are the same.

There is no GPU here, so `Tape` is what a CUDA graph is, on a CPU: it records PyTorch's calls with
the tensors and numbers that they got, without carrying out those that change anything; when it is
played, it makes the same calls with the same tensors. Before that, all that is in between is filled
with garbage, since other graphs use that memory, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from musicgen_bot.engine import Engine, load_engine, loader, sampling
from musicgen_bot.engine.batch import Batch
from musicgen_bot.engine.graphs import CudaRecorder, Graphs, Work, graphs_for
from musicgen_bot.engine.matrices import WeightOnlyInt8
from musicgen_bot.generation import Codes, GenerationRequest
from tests.engine.test_batching import REQUESTS

HOST = {"_local_scalar_dense", "nonzero", "masked_select", "lift_fresh", "item", "equal"}
"""Calls for which a CPU has to wait for the GPU, or copies memory of its own to it."""


def tensors(values: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]


def storages(values: object) -> set[int]:
    return {tensor.untyped_storage().data_ptr() for tensor in tensors(values)}


def poison(tensor: Tensor) -> None:
    if tensor.is_floating_point():
        tensor.fill_(torch.nan)
    else:
        tensor.fill_(True if tensor.dtype == torch.bool else torch.iinfo(tensor.dtype).max)


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """What was recorded."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.between: list[Tensor] = []
        self.dropped = False

    def __torch_dispatch__(
        self, call: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = call._schema.name.removeprefix("aten::")
        assert name not in HOST, f"{name} cannot be part of a graph"
        if call._schema.is_mutable:
            # A recording does nothing; what would be changed is the result.
            result = args[0]
        else:
            result = call(*args, **kwargs)
            taken = storages((args, kwargs))
            self.between += [each for each in tensors(result) if not storages(each) & taken]
        self.calls.append((call, args, kwargs, result))
        return result

    def play(self) -> None:
        assert not self.dropped, "the tensors of this graph may have moved"
        for tensor in self.between:
            poison(tensor)
        for call, args, kwargs, recorded in self.calls:
            result = call(*args, **kwargs)
            for old, new in zip(tensors(recorded), tensors(result), strict=True):
                if not storages(old) & storages(new):
                    old.copy_(new)


class TapeRecorder:
    """Makes tapes where a GPU makes graphs."""

    def __init__(self) -> None:
        self.warm_ups = 0
        self.tapes: list[Tape] = []
        self.plays = 0

    def warm_up(self, work: Work) -> None:
        self.warm_ups += 1
        work()

    def record(self, work: Work) -> Work:
        tape = Tape()
        with tape:
            work()
        self.tapes.append(tape)

        def play() -> None:
            self.plays += 1
            tape.play()

        return play

    def forget(self) -> None:
        for tape in self.tapes:
            tape.dropped = True


@contextmanager
def taped(engine: Engine) -> Iterator[TapeRecorder]:
    """Let an engine make its steps as graphs, and draw from the logits as a GPU does."""
    recorder, batch = TapeRecorder(), engine.batch
    engine.batch = Batch(batch.decoder, Graphs(recorder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "_partitioned", sampling._sorted)
        yield recorder
    engine.batch = batch


def come_and_go(engine: Engine) -> list[Codes]:
    """Make clips that join and leave at any time, and across lengths of attention."""
    requests = [*REQUESTS, GenerationRequest("rock", 6.0, 6, guidance=2.0, top_k=3)]
    found: dict[int, Codes] = {}
    tickets = []

    def step(frames: int) -> None:
        found.update({t: clip.codes for t, clip in engine.step(frames).finished.items()})

    for number, request in enumerate(requests):
        tickets.append(engine.add(request))
        leaving = engine.add(GenerationRequest("leaves", 4.0, 100 + number))
        step(7 + 5 * number)
        engine.remove(leaving)
        step(3)
    while len(found) < len(requests):
        step(20)
    return [found[ticket] for ticket in tickets]


def assert_same(found: Sequence[Codes], expected: Sequence[Codes]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_clips_of_graphs_are_those_made_without(small: Engine) -> None:
    expected = come_and_go(small)
    with taped(small) as recorder:
        assert_same(come_and_go(small), expected)
    # Of a few hundred steps, each layout's and each length's first ones only are made in full.
    assert recorder.plays > 10 * recorder.warm_ups > 10 * len(recorder.tapes) > 100


def test_so_are_those_of_a_model_in_8_bits(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "_matrix_type", lambda *_: WeightOnlyInt8.pack)
    engine = load_engine(str(random_checkpoint), "cpu", "fp32")
    requests = [GenerationRequest("lofi", 3.0, 1), GenerationRequest("", 2.0, 2)]
    expected = [clip.codes for clip in engine.generate(requests)]
    with taped(engine) as recorder:
        assert_same([clip.codes for clip in engine.generate(requests)], expected)
    assert recorder.plays > 100


def test_lengths_have_graphs_of_their_own(small: Engine) -> None:
    with taped(small) as recorder:
        small.generate([GenerationRequest("lofi", 6.0, 1)])
    assert recorder.warm_ups == len(recorder.tapes) == 3
    assert recorder.plays == 303 - 3


def out_of_memory(_: Work) -> Work:
    torch.empty(1 << 60)
    raise AssertionError


def test_without_memory_for_a_graph_clips_are_made_without(
    small: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    request = GenerationRequest("lofi", 1.0, 1)
    (expected,) = small.generate([request])
    with taped(small) as recorder:
        monkeypatch.setattr(recorder, "record", out_of_memory)
        with caplog.at_level(logging.WARNING):
            (clip,) = small.generate([request])
        assert len(caplog.records) == 1
        np.testing.assert_array_equal(clip.codes, expected.codes)
        # The next clips have graphs again.
        monkeypatch.undo()
        (clip,) = small.generate([request])
        assert recorder.plays == 53 - 1
    np.testing.assert_array_equal(clip.codes, expected.codes)


def count(tensor: Tensor) -> None:
    tensor.add_(1)


def test_graphs_that_are_there_are_used_when_no_more_can_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder, done = TapeRecorder(), torch.zeros(1)
    graphs = Graphs(recorder)
    for key in ("one", "one", "other", "other", "one", "other"):
        graphs.run(key, partial(count, done))
        if recorder.tapes:
            monkeypatch.setattr(recorder, "record", out_of_memory)
    assert done == 6
    assert (recorder.warm_ups, recorder.plays) == (2, 2)


def test_work_is_done_exactly_as_often_as_asked_for() -> None:
    one, other = torch.zeros(1), torch.zeros(1)
    graphs = Graphs(TapeRecorder())

    for number in range(1, 8):
        graphs.run("one", partial(count, one))
        if number % 2:
            graphs.run("other", partial(count, other))
        if number == 5:
            graphs.clear()
    assert one == 7
    assert other == 4


def test_a_tape_keeps_numbers_and_addresses() -> None:
    """What a graph cannot do, a tape cannot either; else the tests above would show nothing."""
    total, number = torch.zeros(1), 1

    def add() -> None:
        total.add_(number * torch.ones(1))

    play = TapeRecorder().record(add)
    assert total == 0
    play()
    first, total, number = total, torch.zeros(1), 5
    play()
    assert first == 2
    assert total == 0


@pytest.mark.parametrize("wait", [Tensor.item, Tensor.nonzero])
def test_a_tape_cannot_wait(wait: Callable[[Tensor], object]) -> None:
    def work() -> None:
        wait(torch.ones(1))

    with pytest.raises(AssertionError, match="cannot be part"):
        TapeRecorder().record(work)


def test_a_cpu_does_its_work_as_it_comes() -> None:
    done: list[int] = []
    graphs = graphs_for(torch.device("cpu"))
    for number in range(3):
        graphs.run("key", partial(done.append, number))
    assert done == [0, 1, 2]


class Cuda:
    """Stands in for `torch.cuda`, and writes down what is done with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.fails = False
        cuda = self

        class Stream:
            def __init__(self, name: object) -> None:
                self.name = "main" if name == "main" else "side"

            def wait_stream(self, other: Stream) -> None:
                cuda.log.append(f"{self.name} waits for {other.name}")

        class Graph:
            def pool(self) -> str:
                return "pool"

            def replay(self) -> None:
                cuda.log.append("replay")

        @contextmanager
        def stream(stream: Stream) -> Iterator[None]:
            cuda.log.append(f"on {stream.name}")
            try:
                yield
            finally:
                cuda.log.append(f"off {stream.name}")

        @contextmanager
        def graph(
            graph: Graph, pool: object, stream: Stream, *, capture_error_mode: str
        ) -> Iterator[None]:
            cuda.log.append(f"record on {stream.name} in {pool}, {capture_error_mode}")
            yield
            if cuda.fails:
                raise RuntimeError("the recording is not valid")

        for name, thing in {"Stream": Stream, "CUDAGraph": Graph}.items():
            monkeypatch.setattr(torch.cuda, name, thing)
        monkeypatch.setattr(torch.cuda, "stream", stream)
        monkeypatch.setattr(torch.cuda, "graph", graph)
        monkeypatch.setattr(torch.cuda, "device", nullcontext)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream("main"))

    def did(self, action: Callable[[], object]) -> list[str]:
        self.log.clear()
        action()
        return list(self.log)


def test_cuda_is_told_the_right_things_in_the_right_order(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = Cuda(monkeypatch)
    graphs = Graphs(CudaRecorder(torch.device("cuda", 0)))

    def run() -> None:
        graphs.run(128, lambda: cuda.log.append("work"))

    warm_up = ["side waits for main", "on side", "work", "off side", "main waits for side"]
    assert cuda.did(run) == warm_up
    assert cuda.did(run) == [
        "on side",
        "record on side in None, thread_local",
        "work",
        "off side",
        "replay",
    ]
    assert cuda.did(run) == ["replay"]
    graphs.run(256, run)
    cuda.log.clear()
    graphs.run(256, lambda: None)
    assert "record on side in pool, thread_local" in cuda.log
    graphs.clear()
    assert cuda.did(run) == warm_up
    cuda.fails = True
    # The stream is the main one again, and there the work is done.
    assert cuda.did(run)[-3:] == ["work", "off side", "work"]
    assert cuda.did(run) == ["work"]
