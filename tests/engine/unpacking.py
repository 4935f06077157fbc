"""What of a matrix is still there after it was packed for the compiled step."""

from __future__ import annotations

import torch
from torch import Tensor

from musicgen_bot.engine.native.packing import GROUP, LANES, PackedMatrix


def unpack(packed: PackedMatrix) -> Tensor:
    """Return the matrix that was packed, as far as it is still there, float32 [out, in]."""
    blocks, inputs = packed.out // LANES, packed.inputs
    if packed.bits >= 16:
        return packed.weights.view(blocks, inputs, LANES).mT.reshape(packed.out, inputs).float()
    if packed.bits == 8:
        bytes_ = packed.weights.view(blocks, inputs // 4, LANES, 4).transpose(1, 2)
        return (bytes_.reshape(packed.out, inputs).float() - 128) * packed.scales.unsqueeze(1)
    both = packed.weights.view(blocks, inputs // 8, 1, LANES, 4)
    nibbles = torch.cat([both & 15, both >> 4], dim=2)  # [blocks, in / 8, 2, 16, 4]
    values = nibbles.permute(0, 3, 1, 2, 4).reshape(packed.out, -1, GROUP).float() - 8
    scales = packed.scales.float().mT.reshape(packed.out, -1, 1)
    return (values * scales).view(packed.out, inputs)
