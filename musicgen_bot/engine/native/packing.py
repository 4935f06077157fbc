"""Matrices as step.cpp reads them: in blocks of 16 outputs, in 32, 16, 8 or 4 bits.

In 8 bits an output has one scale, in 4 bits every 32 of its inputs have one. What quantisation
costs was measured, see docs/performance.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

LANES = 16
GROUP = 32
"""Inputs that share a scale in 4 bits."""
_HEAD_DIMS = (16, 32, 64, 128)
"""What step.cpp is made for."""
_SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8)
"""Parts of the scale that would hold a group's largest weight: losing that one may pay."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedMatrix:
    """A matrix [out, in] in blocks of outputs."""

    weights: Tensor
    scales: Tensor
    bits: int
    out: int
    inputs: int


def fits(config: Any) -> bool:
    """Return whether step.cpp can compute a decoder of this configuration."""
    return (
        config.activation_function == "gelu"
        and config.hidden_size // config.num_attention_heads in _HEAD_DIMS
        and config.hidden_size % GROUP == 0
        and config.ffn_dim % GROUP == 0
        and config.num_codebooks * config.vocab_size % LANES == 0
    )


def pack(matrix: Tensor, bits: int) -> PackedMatrix:
    """Return a float32 matrix [out, in], out a multiple of 16 and in of 32, in 32 to 4 bits."""
    out, inputs = matrix.shape
    weights, scales = {32: _pack_32, 16: _pack_16, 8: _pack_8, 4: _pack_4}[bits](matrix)
    return PackedMatrix(weights, scales, bits, out, inputs)


def _pack_32(matrix: Tensor) -> tuple[Tensor, Tensor]:
    out, inputs = matrix.shape
    return matrix.reshape(out // LANES, LANES, inputs).mT.contiguous(), torch.empty(0)


def _pack_16(matrix: Tensor) -> tuple[Tensor, Tensor]:
    return _pack_32(matrix.to(torch.bfloat16))


def _pack_8(matrix: Tensor) -> tuple[Tensor, Tensor]:
    largest = torch.linalg.vector_norm(matrix, torch.inf, dim=1)
    scales = largest.clamp_min(1e-12) / 127
    bytes_ = (matrix / scales.unsqueeze(1)).round_().add_(128).to(torch.uint8)
    return _in_fours(bytes_).contiguous(), scales.contiguous()


def _pack_4(matrix: Tensor) -> tuple[Tensor, Tensor]:
    out, inputs = matrix.shape
    groups = matrix.reshape(out, -1, GROUP)
    # The largest weight of a group, whatever its sign, becomes -8: there is one more of those.
    largest = groups.gather(2, groups.abs().argmax(2, keepdim=True))
    best, best_error = groups, torch.full_like(largest, torch.inf)
    scales = largest
    for shrink in _SHRINKS:
        tried = (largest * (-shrink / 8)).to(torch.bfloat16).float()
        tried = torch.where(tried == 0, torch.ones_like(tried), tried)
        nibbles = (groups / tried).round().clamp(-8, 7)
        error = (nibbles * tried - groups).square().sum(2, keepdim=True)
        better = error < best_error
        best = torch.where(better, nibbles, best)
        scales = torch.where(better, tried, scales)
        best_error = torch.minimum(error, best_error)
    fours = _in_fours(best.view(out, inputs).add(8).to(torch.uint8))  # [blocks, in / 4, 16, 4]
    low, high = fours[:, ::2], fours[:, 1::2]
    scales = scales.view(out // LANES, LANES, -1).mT.contiguous().to(torch.bfloat16)
    return (low | (high << 4)).contiguous(), scales


def _in_fours(matrix: Tensor) -> Tensor:
    """Return [out, in] as [out / 16, in / 4, 16, 4]."""
    out, inputs = matrix.shape
    return matrix.view(out // LANES, LANES, inputs // 4, 4).transpose(1, 2)
