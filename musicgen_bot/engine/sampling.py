"""From logits to codes: guidance, temperature, top-k, and a race that draws.

A code is drawn with the Gumbel-max trick: argmax(logits + noise), where noise is Gumbel
distributed, follows softmax(logits) (Gumbel, 1954). All randomness thus lies in noise that is made
beforehand, from each clip's own generator: one block [codebooks, vocabulary] a step, so that what
is drawn depends neither on the slices nor on the neighbours, and a step does no work on the host.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class SamplingOptions:
    """How the clips of a batch are drawn; every tensor is [clips, 1, 1]."""

    guidance: Tensor
    temperature: Tensor
    top_k: Tensor
    """int64, at most the vocabulary."""
    largest_top_k: int


def draw(prompted: Tensor, unprompted: Tensor, noise: Tensor, options: SamplingOptions) -> Tensor:
    """Draw a code for every clip and codebook, int64 [clips, codebooks].

    `prompted` and `unprompted` logits and `noise` are [clips, codebooks, vocabulary]. A clip that
    has a single row gives it for both, and guidance then changes nothing.
    """
    prompted, unprompted = prompted.float(), unprompted.float()
    logits = unprompted + (prompted - unprompted) * options.guidance
    logits = logits / options.temperature
    logits = logits.masked_fill(logits < _least_of_top_k(logits, options), float("-inf"))
    return (logits + noise).argmax(-1)


def gumbel_noise(generator: torch.Generator, steps: int, codebooks: int, vocabulary: int) -> Tensor:
    """Return float32 noise [steps, codebooks, vocabulary] of the next `steps` of a clip."""
    noise = torch.empty(steps, codebooks, vocabulary)
    for block in noise:
        # One call a step: PyTorch does not promise that one large call draws like many small ones.
        # And uniform numbers, because exponential ones are drawn by threads, which then keep the
        # processor busy with waiting for more.
        block.uniform_(generator=generator).log_().neg_().log_().neg_()
    return noise


def _least_of_top_k(logits: Tensor, options: SamplingOptions) -> Tensor:
    """Return the lowest of the logits that may be drawn, [clips, codebooks, 1]."""
    least = _partitioned if logits.device.type == "cpu" else _sorted
    return least(logits, options)


def _sorted(logits: Tensor, options: SamplingOptions) -> Tensor:
    """As a part of a graph may do it, which must not ask the host for anything."""
    clips, codebooks, _ = logits.shape
    likeliest = logits.topk(options.largest_top_k, dim=-1).values
    return likeliest.gather(-1, (options.top_k - 1).expand(clips, codebooks, 1))


def _partitioned(logits: Tensor, options: SamplingOptions) -> Tensor:
    """Ten times as fast on a CPU: only the one that is asked for is brought into its place."""
    clips, codebooks, vocabulary = logits.shape
    places = vocabulary - options.top_k
    ordered = np.partition(logits.numpy(), np.unique(places.numpy()), axis=-1)
    return torch.from_numpy(ordered).gather(-1, places.expand(clips, codebooks, 1))
