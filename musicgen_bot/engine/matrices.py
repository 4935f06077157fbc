"""Matrices as the decoder of `decoder.py` multiplies with them.

Each is a weight [out, in], and multiplies rows x [rows, in] to x @ weight.T, [rows, out]. In 8 bits
every output has one scale: its largest weight becomes 127.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_LARGEST = 127
"""Of a signed byte, as far as it is used: as many steps to either side of zero."""
_ZERO = 128
"""The unsigned byte that stands for zero."""
_LEAST = 1e-12
"""Taken for the largest number where all are zero."""


class Matrix(Protocol):
    """What the decoder needs of a matrix."""

    def multiply(self, x: Tensor) -> Tensor:
        """Return x @ weight.T, [rows, out], for x [rows, in], in the precision of x."""


@dataclass(frozen=True, slots=True, eq=False)
class PlainMatrix:
    """A matrix as it is."""

    weight: Tensor
    """[out, in], in the precision of what it is multiplied with."""

    def multiply(self, x: Tensor) -> Tensor:
        """Return x @ weight.T."""
        # For a few rows in fp32, PyTorch's CPU kernels take half the time or less when the large
        # matrix stands first.
        if x.dtype == torch.float32 and x.device.type == "cpu":
            return (self.weight @ x.t()).t().contiguous()
        return F.linear(x, self.weight)


@dataclass(frozen=True, slots=True, eq=False)
class WeightOnlyInt8:
    """A matrix that takes half the memory of a 16-bit one, on any device.

    It is spread out to the precision of x whenever it is used: that saves memory and no time.
    """

    weight: Tensor
    """int8 [out, in]."""
    scales: Tensor
    """[out, 1], in the precision of x."""

    @classmethod
    def pack(cls, matrix: Tensor) -> WeightOnlyInt8:
        """Round a matrix [out, in], in the precision in which it will be multiplied."""
        # A scale below the least normal number would itself be rounded coarsely.
        scales = _scales(matrix.float()).clamp_min(torch.finfo(matrix.dtype).tiny).to(matrix.dtype)
        return cls(_rounded(matrix.float(), scales.float()), scales)

    def multiply(self, x: Tensor) -> Tensor:
        """Return x @ weight.T."""
        # Scaled before it is multiplied, because sums of unscaled bytes may not fit into fp16.
        return F.linear(x, self.weight * self.scales)


@dataclass(frozen=True, slots=True, eq=False)
class DynamicInt8:
    """A matrix that is multiplied in bytes, by oneDNN; see `sums_bytes_exactly`.

    x is rounded to bytes, too, with a scale for each row. Sums of bytes are exact, so what becomes
    of a row does not depend on the others, to the bit.
    """

    weight: Tensor
    """int8, in oneDNN's own order."""
    scales: Tensor
    """float32 [out]."""
    zeros: Tensor
    """int64 [out], all zero: the bytes that stand for zero."""

    @classmethod
    def pack(cls, matrix: Tensor) -> DynamicInt8:
        """Round a float32 matrix [out, in] on a CPU."""
        scales = _scales(matrix)
        weight = torch.ops.onednn.qlinear_prepack(_rounded(matrix, scales), None)
        return cls(weight, scales.view(-1), torch.zeros(len(matrix), dtype=torch.int64))

    def multiply(self, x: Tensor) -> Tensor:
        """Return x @ weight.T, for float32 x."""
        rows = len(x)
        largest = torch.linalg.vector_norm(x, torch.inf, dim=1, keepdim=True)
        scales = largest.clamp_min_(_LEAST).div_(_LARGEST)
        rounded = x.div(scales).add_(_ZERO + 0.5).to(torch.uint8)
        if rows == 1:
            # oneDNN has no fast kernel for a single row.
            rounded = rounded.expand(2, -1).contiguous()
        product: Tensor = torch.ops.onednn.qlinear_pointwise(
            rounded,
            1.0,  # one scale for all of x
            _ZERO,
            self.weight,
            self.scales,
            self.zeros,
            None,  # no bias
            1.0,
            0,
            torch.float32,
            "none",  # nothing is done with the product afterwards
            [],
            "",
        )
        return product.narrow(0, 0, rows).mul_(scales)


def sums_bytes_exactly() -> bool:
    """Return whether oneDNN multiplies bytes fast on this processor, and adds them up exactly.

    It does both with VNNI. Without, it adds pairs of products up in 16 bits, which do not hold the
    largest ones.
    """
    known = torch.cpu.get_capabilities()
    if not (known.get("avx512_vnni") or known.get("avx_vnni")):
        return False
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    # All bytes are the largest ones.
    product = DynamicInt8.pack(torch.ones(16, 64)).multiply(torch.ones(2, 64))
    return torch.allclose(product, torch.full_like(product, 64.0))


def _scales(matrix: Tensor) -> Tensor:
    """Return what a step of each output's bytes stands for, [out, 1]."""
    return matrix.abs().amax(1, keepdim=True).clamp_min(_LEAST) / _LARGEST


def _rounded(matrix: Tensor, scales: Tensor) -> Tensor:
    return (matrix / scales).round().clamp(-_LARGEST, _LARGEST).to(torch.int8)
