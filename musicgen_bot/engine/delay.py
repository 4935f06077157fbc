"""The delay pattern: how the codebooks of one frame are spread over time.

MusicGen predicts one code of every codebook a step, but not of the same frame: codebook k lags k
steps behind, so that it can see what the coarser ones of its frame became. In the stereo models
left and right are interleaved (2k, 2k + 1) and each pair shares a delay. For three frames of four
codebooks (`S` is the start token):

    S 0 1 2 S S S
    S S 0 1 2 S S
    S S S 0 1 2 S
    S S S S 0 1 2

The start tokens at the edges, and the codes a clip goes on from, are known beforehand; every other
place is UNKNOWN and is sampled. See `build_delay_pattern_mask` in transformers' modeling_musicgen.
"""

from __future__ import annotations

import torch
from torch import Tensor

UNKNOWN = -1


def lag(codebooks: int, channels: int) -> int:
    """Return by how many steps the last codebook lags behind the first."""
    return (codebooks - 1) // channels


def delayed(known: Tensor, frames: int, channels: int, start: int) -> Tensor:
    """Spread codes over time.

    `known`, int64 [codebooks, known frames], are the first codes of a clip of `frames`; the answer
    is int64 [codebooks, 1 + frames + lag], with UNKNOWN for what is to be sampled.
    """
    codebooks, given = known.shape
    pattern = torch.full((codebooks, 1 + frames + lag(codebooks, channels)), start)
    for codebook in range(codebooks):
        first = 1 + codebook // channels
        pattern[codebook, first : first + frames] = UNKNOWN
        pattern[codebook, first : first + given] = known[codebook]
    return pattern


def undelayed(pattern: Tensor, frames: int, channels: int) -> Tensor:
    """Undo `delayed`: [codebooks, 1 + frames + lag or more] to [codebooks, frames]."""
    shifted = [
        row.narrow(0, 1 + codebook // channels, frames) for codebook, row in enumerate(pattern)
    ]
    return torch.stack(shifted)
