"""The decoder of `decoder.py`, computed by step.cpp.

It is used like the other one. Keys and values are int8 where the weights are 8 or 4 bits, and else
bfloat16; those of the prompt, which are few, are always that.
"""

from __future__ import annotations

import ctypes
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from musicgen_bot.engine.cache import KeyValueCache
from musicgen_bot.engine.decoder import split_keys_values
from musicgen_bot.engine.native.packing import PackedMatrix
from musicgen_bot.engine.native.thread_count import ThreadCount
from musicgen_bot.engine.weights import DecoderWeights, Layer, Norm


class _Norm(ctypes.Structure):
    _fields_ = (("weight", ctypes.c_void_p), ("bias", ctypes.c_void_p))


class Matrix(ctypes.Structure):
    """A matrix as step.cpp is told of it."""

    _fields_ = (
        ("weights", ctypes.c_void_p),
        ("scales", ctypes.c_void_p),
        *((name, ctypes.c_int32) for name in ("bits", "out", "in")),
    )


class _Layer(ctypes.Structure):
    _fields_ = (
        *((name, _Norm) for name in ("self_norm", "cross_norm", "ffn_norm")),
        *((name, Matrix) for name in ("query_key_value", "self_out", "cross_query", "cross_out")),
        *((name, Matrix) for name in ("up", "down")),
        *((name, ctypes.c_void_p) for name in ("keys", "values", "prompt_keys", "prompt_values")),
    )


class _Step(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("rows", "prompted", "layers", "hidden", "heads")),
        *((name, ctypes.c_int32) for name in ("room", "prompt_room", "cell_bits", "threads")),
        ("epsilon", ctypes.c_float),
        ("layer", ctypes.POINTER(_Layer)),
        ("final_norm", _Norm),
        ("heads_matrix", Matrix),
        *((name, ctypes.c_void_p) for name in ("positions", "cache_rows", "prompt_lengths")),
        *((name, ctypes.c_void_p) for name in ("x", "logits")),
    )


class _Product(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("rows", "threads")),
        ("matrix", Matrix),
        *((name, ctypes.c_void_p) for name in ("x", "y")),
    )


class Team:
    """Threads that stay, and what step.cpp does with them."""

    def __init__(self, library: Path, target: str, threads: int) -> None:
        """Start threads; `target` is the kind of processor whose code of the library is run."""
        self.threads = threads
        self._library = ctypes.CDLL(str(library))
        self._target = target
        start = self._function("decoder")
        start.restype = ctypes.c_void_p
        self._handle = ctypes.c_void_p(start(threads))
        if not self._handle:
            raise MemoryError
        weakref.finalize(self, self._function("close"), self._handle)

    def call(self, name: str, arguments: ctypes.Structure) -> None:
        """Have them compute `step`, `multiply` or `lstm`. Raises MemoryError."""
        if self._function(name)(self._handle, ctypes.byref(arguments)):
            raise MemoryError

    def read(self, memory: Tensor) -> None:
        """Read a tensor, a multiple of 64 KiB, as fast as can be."""
        size = ctypes.c_int64(memory.nbytes)
        read = self._function("read")
        read(self._handle, ctypes.c_void_p(memory.data_ptr()), size, self.threads)

    def _function(self, name: str) -> Any:
        return self._library[f"musicgen_{name}_{self._target}"]


class NativeDecoder:
    """The decoder's weights and the threads that compute with them."""

    def __init__(
        self, weights: DecoderWeights[PackedMatrix], library: Path, target: str, threads: int
    ) -> None:
        self.weights = weights
        self.sizes = weights.sizes
        self.device = torch.device("cpu")
        self.dtype = torch.bfloat16
        self.cache_dtype = torch.bfloat16 if weights.heads.bits == 16 else torch.int8
        self.start = self.sizes.vocabulary
        self._first_ids = torch.arange(self.sizes.codebooks) * (self.sizes.vocabulary + 1)
        self._team = Team(library, target, threads)
        self._thread_count = ThreadCount(threads)
        self._layers = (_Layer * len(weights.layers))(*map(_layer, weights.layers))
        self._step = _Step(
            layers=len(weights.layers),
            hidden=self.sizes.hidden,
            heads=self.sizes.heads,
            cell_bits=8 * self.cache_dtype.itemsize,
            epsilon=weights.final_norm.epsilon,
            layer=self._layers,
            final_norm=_norm(weights.final_norm),
            heads_matrix=described(weights.heads),
        )

    @property
    def threads(self) -> int:
        """How many threads computed the last step."""
        return int(self._step.threads)

    def prompt_keys_values(self, context: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the cross-attention's keys and values of a prompt, as the other decoder does."""
        x = context.float().contiguous()
        return [
            split_keys_values(self._multiply(x, layer.cross_key_value), self.sizes)
            for layer in self.weights.layers
        ]

    def step(
        self,
        codes: Tensor,
        positions: Tensor,
        cache: KeyValueCache,
        length: int,
        prompts: KeyValueCache,
        prompt_mask: Tensor,
    ) -> Tensor:
        """Return the logits of the next codes, [R, K, V], as the other decoder does.

        `length` plays no role here: a row costs what it has come to, not what the longest has.
        """
        logits = torch.empty(len(codes), self.sizes.codebooks, self.sizes.vocabulary)
        rows = torch.arange(len(codes))
        self._run(codes, positions, rows, len(prompt_mask), cache, prompts, prompt_mask, logits)
        return logits

    def prefill(
        self,
        codes: Tensor,
        start: int,
        rows: Sequence[int],
        cache: KeyValueCache,
        prompts: KeyValueCache,
        prompt_mask: Tensor,
    ) -> None:
        """Write the keys and values of known codes, int64 [K, T], at `start` and after.

        They are those of one clip, which has these rows.
        """
        count = codes.shape[1]
        # Those of rows with a prompt first, as everywhere.
        ordered = sorted(rows)
        self._run(
            codes.t().repeat(len(ordered), 1),
            torch.arange(start, start + count).repeat(len(ordered)),
            torch.tensor(ordered).repeat_interleave(count),
            count * sum(row < len(prompt_mask) for row in ordered),
            cache,
            prompts,
            prompt_mask,
            None,
        )

    def _multiply(self, x: Tensor, matrix: PackedMatrix) -> Tensor:
        """Return x @ matrix.T, [rows, out], for float32 x [rows, in]."""
        y = torch.empty(len(x), matrix.out)
        product = _Product(
            rows=len(x),
            threads=self._team.threads,
            matrix=described(matrix),
            x=x.data_ptr(),
            y=y.data_ptr(),
        )
        self._team.call("multiply", product)
        return y

    def _run(
        self,
        codes: Tensor,
        positions: Tensor,
        cache_rows: Tensor,
        prompted: int,
        cache: KeyValueCache,
        prompts: KeyValueCache,
        prompt_mask: Tensor,
        logits: Tensor | None,
    ) -> None:
        x = F.embedding(codes + self._first_ids, self.weights.embedding).sum(1)
        x += self.weights.positions.index_select(0, positions)
        prompt_lengths = (prompt_mask == 0).flatten(1).sum(1)
        for number, layer in enumerate(self._layers):
            layer.keys = cache.keys[number].data_ptr()
            layer.values = cache.values[number].data_ptr()
            layer.prompt_keys = prompts.keys[number].data_ptr()
            layer.prompt_values = prompts.values[number].data_ptr()
        step = self._step
        step.rows, step.prompted = len(x), prompted
        step.threads = self._thread_count.of_next_step(len(x))
        step.room, step.prompt_room = cache.keys[0].shape[2], prompts.keys[0].shape[2]
        step.positions, step.cache_rows = positions.data_ptr(), cache_rows.data_ptr()
        step.prompt_lengths = prompt_lengths.data_ptr()
        step.x, step.logits = x.data_ptr(), None if logits is None else logits.data_ptr()
        started = time.perf_counter()
        self._team.call("step", step)
        self._thread_count.took(time.perf_counter() - started)


def _norm(norm: Norm) -> _Norm:
    return _Norm(norm.weight.data_ptr(), norm.bias.data_ptr())


def described(matrix: PackedMatrix) -> Matrix:
    """Return what step.cpp is told of a matrix, which has to stay where it is."""
    return Matrix(
        matrix.weights.data_ptr(),
        matrix.scales.data_ptr(),
        matrix.bits,
        matrix.out,
        matrix.inputs,
    )


def _layer(layer: Layer[PackedMatrix]) -> _Layer:
    return _Layer(
        self_norm=_norm(layer.self_norm),
        cross_norm=_norm(layer.cross_norm),
        ffn_norm=_norm(layer.ffn_norm),
        query_key_value=described(layer.self_query_key_value),
        self_out=described(layer.self_out),
        cross_query=described(layer.cross_query),
        cross_out=described(layer.cross_out),
        up=described(layer.ffn_up),
        down=described(layer.ffn_down),
    )
