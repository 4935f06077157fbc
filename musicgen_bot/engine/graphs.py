"""Work that a GPU repeats without being told of each kernel anew.

A step is several hundred small kernels, and launching one takes a CPU longer than many of them run.
A CUDA graph records them once, and launches all of them in one call. What it repeats is frozen:
kernels read and write at the addresses they had, and every number that came from Python (a length,
a scale) is the one it was. So all that changes must lie in tensors that stay where they are; what
else makes a difference is the key under which a graph is kept.

See "CUDA Graphs" in PyTorch's notes on CUDA semantics.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from typing import Any, Protocol

import torch

Work = Callable[[], None]

_log = logging.getLogger(__name__)


class Recorder(Protocol):
    """What makes graphs."""

    def warm_up(self, work: Work) -> None:
        """Do the work, and so all that libraries prepare when they do it for the first time."""

    def record(self, work: Work) -> Work:
        """Return what does the work again, without doing it now.

        Raises RuntimeError where that cannot be had, for instance for want of memory.
        """

    def forget(self) -> None:
        """Learn that all graphs so far are dropped."""


class Graphs:
    """The graphs of some work, made when they are first needed."""

    def __init__(self, recorder: Recorder | None) -> None:
        """Make graphs with `recorder`; without one, work is done as it comes."""
        self._recorder = recorder
        self._warm: set[Hashable] = set()
        self._graphs: dict[Hashable, Work] = {}
        self._failed = False

    def clear(self) -> None:
        """Drop all graphs; to be called before any tensor that they work on moves."""
        self._warm.clear()
        self._graphs.clear()
        self._failed = False
        if self._recorder is not None:
            self._recorder.forget()

    def run(self, key: Hashable, work: Work) -> None:
        """Do the work once; under the same key it must always be the same.

        Work changes what it works on (a step moves on), so it must never be done once too often.
        The first time under a key it is done without a graph: that is the warm-up, and counts. The
        second time it is recorded, which changes nothing on the device, and the graph is launched;
        from then on it only is launched.
        """
        if key in self._graphs:
            self._graphs[key]()
        elif self._recorder is None or self._failed:
            work()
        elif key not in self._warm:
            self._recorder.warm_up(work)
            self._warm.add(key)
        else:
            self._record(self._recorder, key, work)
            self.run(key, work)

    def _record(self, recorder: Recorder, key: Hashable, work: Work) -> None:
        try:
            self._graphs[key] = recorder.record(work)
        except RuntimeError as error:
            # Graphs only save time, and may take memory that is not there: go on without new ones.
            _log.warning("Steps are made without new CUDA graphs for now: %s", error)
            self._failed = True


def graphs_for(device: torch.device) -> Graphs:
    """Return what repeats work fastest on a device."""
    return Graphs(CudaRecorder(device) if device.type == "cuda" else None)


class CudaRecorder:
    """Makes CUDA graphs that share one pool of memory.

    They may, since none leaves anything there that another run of any of them still needs.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        # Warm-up and recording use the same one, because cuBLAS has a workspace for each.
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool: Any = None

    def warm_up(self, work: Work) -> None:
        """Do the work on the stream that is recorded later."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        try:
            with torch.cuda.stream(self._stream):
                work()
        finally:
            # Even if it failed halfway: what it works on may be freed now, and used for other work.
            current.wait_stream(self._stream)

    def record(self, work: Work) -> Work:
        """Return what launches the work as a graph."""
        graph = torch.cuda.CUDAGraph()
        # Entered here as well, because `torch.cuda.graph` leaves its stream and device in place if
        # the end of the recording fails. Other threads may use CUDA meanwhile.
        with (
            torch.cuda.device(self._device),
            torch.cuda.stream(self._stream),
            torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"),
        ):
            work()
        self._pool = graph.pool()
        return graph.replay

    def forget(self) -> None:
        """Begin a new pool: one whose last graph is gone cannot be used again."""
        self._pool = None
