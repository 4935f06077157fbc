"""Keys and values of attention, kept in place.

One pair of tensors a layer, [rows, heads, length, head_dim], allocated when the batch changes and
written in place from then on, so that a step neither allocates nor moves what is there. In int8,
which only the compiled step reads and writes, each position of a head has four bytes more, for what
its numbers are scaled with, and every 16 positions are a block of their own order
(native/attention.h): a length is a multiple of 16 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from musicgen_bot.engine.weights import DecoderSizes

_SCALE_BYTES = 4


@dataclass(slots=True)
class KeyValueCache:
    """The keys and values of every layer, for the rows of one batch."""

    sizes: DecoderSizes
    dtype: torch.dtype
    device: torch.device
    keys: list[Tensor] = field(default_factory=list)
    """A tensor a layer, [rows, heads, length, head_dim]."""
    values: list[Tensor] = field(default_factory=list)
    _starts: Tensor = field(init=False)
    """Where each row and head begins in a layer seen as [rows * heads * length, head_dim]."""

    def __post_init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self.keys = [self._empty(0, 0) for _ in range(self.sizes.layers)]
        self.values = [self._empty(0, 0) for _ in range(self.sizes.layers)]
        self._starts = torch.empty(0, self.sizes.heads, dtype=torch.int64, device=self.device)

    def rearrange(self, sources: Sequence[int | None], length: int) -> None:
        """Make row i what row `sources[i]` was, or empty for None, with room for `length`.

        Layer by layer, so that no more than one layer is there twice.
        """
        for tensors in (self.keys, self.values):
            for layer in range(self.sizes.layers):
                tensors[layer] = self._rearranged(tensors[layer], sources, length)
        shape = (len(sources), self.sizes.heads)
        starts = torch.arange(shape[0] * shape[1], device=self.device) * length
        self._starts = starts.view(shape)

    def fill(self, row: int, pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Set the first positions of a row to a key and a value a layer, [heads, positions, D]."""
        for layer, (key, value) in enumerate(pairs):
            self.keys[layer][row, :, : key.shape[1]] = key
            self.values[layer][row, :, : value.shape[1]] = value

    def places(self, positions: Tensor) -> Tensor:
        """Return where each row's position lies in a layer seen as [rows * heads * length, D].

        `positions` is int64 [rows]; the answer is int64 [rows * heads]. (Copying to such places is
        many times faster than a scatter along the length, which PyTorch's CPU kernels do by way of
        the whole tensor in 16 bits.)
        """
        return (self._starts + positions.unsqueeze(1)).view(-1)

    def _rearranged(self, old: Tensor, sources: Sequence[int | None], length: int) -> Tensor:
        new = self._empty(len(sources), length)
        shared = min(length, old.shape[2])
        for row, source in enumerate(sources):
            if source is not None:
                new[row, :, :shared] = old[source, :, :shared]
        return new

    def _empty(self, rows: int, length: int) -> Tensor:
        # Zeros, because attention multiplies what is masked by 0, and 0 times garbage may be NaN.
        cell = cell_bytes(self.sizes.head_dim, self.dtype) // self.dtype.itemsize
        shape = (rows, self.sizes.heads, length, cell)
        return torch.zeros(shape, dtype=self.dtype, device=self.device)


def cell_bytes(head_dim: int, dtype: torch.dtype) -> int:
    """Return what the key or value of a head at one position takes."""
    return head_dim * dtype.itemsize + (_SCALE_BYTES if dtype == torch.int8 else 0)
