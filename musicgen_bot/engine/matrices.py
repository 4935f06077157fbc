"""Matrices as the decoder of `decoder.py` multiplies with them.

Each is a weight [out, in], and multiplies rows x [rows, in] to x @ weight.T, [rows, out]. In 8 bits
every output has one scale: its largest weight becomes 127, or 64 where 127 would be too large.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_LARGEST = 127
"""Of a signed byte, as far as it is used: as many steps to either side of zero."""
_LARGEST_OF_PAIRS = 64
"""Of a weight where two products must fit into 16 bits: 2 * 255 * 64 is just below 2 ** 15."""
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
class OneDnnInt8:
    """A matrix that is multiplied in bytes by oneDNN, on a CPU with VNNI; see `exact_int8`.

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
    def pack(cls, matrix: Tensor) -> OneDnnInt8:
        """Round a float32 matrix [out, in] on a CPU."""
        scales = _scales(matrix)
        weight = torch.ops.onednn.qlinear_prepack(_rounded(matrix, scales), None)
        return cls(weight, scales.view(-1), torch.zeros(len(matrix), dtype=torch.int64))

    def multiply(self, x: Tensor) -> Tensor:
        """Return x @ weight.T, for float32 x."""
        rows, scales = len(x), _scales(x)
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


@dataclass(frozen=True, slots=True, eq=False)
class FbgemmInt8:
    """A matrix that is multiplied in bytes by FBGEMM, on a CPU with AVX2; see `exact_int8`.

    Like `OneDnnInt8`, but weights have 7 bits: AVX2 adds pairs of products up in 16 bits.
    """

    packed: Any
    """Weights and scales, in FBGEMM's own order."""

    @classmethod
    def pack(cls, matrix: Tensor) -> FbgemmInt8:
        """Round a float32 matrix [out, in] on a CPU."""
        scales = _scales(matrix, _LARGEST_OF_PAIRS).view(-1)
        zeros = torch.zeros(len(matrix), dtype=torch.int64)
        with warnings.catch_warnings():
            # Later versions of PyTorch will have no such tensors; FBGEMM takes nothing else.
            warnings.simplefilter("ignore")
            rounded = torch.quantize_per_channel(matrix, scales, zeros, 0, torch.qint8)
        return cls(torch.ops.quantized.linear_prepack(rounded, None))

    def multiply(self, x: Tensor) -> Tensor:
        """Return x @ weight.T, for float32 x."""
        scales = _scales(x)
        product: Tensor = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            x.div(scales).round_(),
            1.0,  # one scale for all of x
            _ZERO,
            self.packed,
        )
        return product.mul_(scales)


def exact_int8() -> type[OneDnnInt8 | FbgemmInt8] | None:
    """Return what multiplies bytes fast on this CPU and adds them up exactly; None if nothing does.

    oneDNN does with VNNI; without, it is slow, or adds up in 16 bits what does not fit into them.
    FBGEMM is as fast for a few rows, and exact without VNNI, because its weights have 7 bits.
    """
    known = torch.cpu.get_capabilities()
    vnni = known.get("avx512_vnni") or known.get("avx_vnni")
    if vnni and torch.backends.mkldnn.is_available() and _is_exact(OneDnnInt8):  # type: ignore[no-untyped-call]
        return OneDnnInt8
    engines = torch.backends.quantized.supported_engines
    if known.get("avx2") and "fbgemm" in engines and _is_exact(FbgemmInt8):
        return FbgemmInt8
    return None


def _is_exact(kind: type[OneDnnInt8 | FbgemmInt8]) -> bool:
    """Return whether sums are right where all bytes are the largest ones."""
    product = kind.pack(torch.ones(16, 64)).multiply(torch.ones(2, 64))
    return torch.allclose(product, torch.full_like(product, 64.0))


def _scales(rows: Tensor, largest: int = _LARGEST) -> Tensor:
    """Return what a step of each row's bytes stands for, [rows, 1]."""
    return rows.abs().amax(1, keepdim=True).clamp_min(_LEAST) / largest


def _rounded(matrix: Tensor, scales: Tensor) -> Tensor:
    return (matrix / scales).round().clamp(-_LARGEST, _LARGEST).to(torch.int8)
