"""The encoder's lesson: to tell from the sum of five stems what each of them plays.

Only the encoder's slow layers learn; the fast ones were made to fold samples into channels, which
can be had in a moment. What is learnt is each code's vector: the quantiser takes the nearest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.bank import Codes, Stem, render
from training.codec import BLOCK, LEARNING_LAYERS, LIFT, blocks
from training.schedule import cosine

_BATCH = 16
_RATE = 6e-3
_WARM_UP = 50
_SILENT_SHARE = 0.1
"""Weight of the silent stem in the loss: hard to hear, and of little use."""


def train_encoder(
    model: Any,
    stems: tuple[Stem, ...],
    pieces: Iterator[Codes],
    *,
    steps: int,
    report: Callable[[int, float], None],
) -> None:
    """Teach the encoder to find the codes of pieces, all [stems, frames] of the same length.

    A step takes some pieces from `pieces` and calls `report` with its number and loss. What is
    learnt is each code's vector, by its distance, and by telling it from the vectors of the other
    codes; how sharply distances tell codes apart is learnt alongside.
    """
    layers = model.encoder.layers[-LEARNING_LAYERS:]
    lesson = _Lesson(model, stems)
    optimiser = torch.optim.Adam(
        [{"params": layers.parameters()}, {"params": lesson.parameters()}], betas=(0.9, 0.99)
    )
    for step in range(steps):
        rate = _RATE * min(1, (step + 1) / _WARM_UP) * cosine(step / steps)
        for group, factor in zip(optimiser.param_groups, (1, 10), strict=True):
            group["lr"] = factor * rate
        codes = list(islice(pieces, _BATCH))
        sounds = np.stack([render(stems, piece) for piece in codes])
        latents = _folded(torch.from_numpy(sounds), layers[0].block[1].conv.in_channels)
        for layer in layers:
            latents = layer(latents)
        loss = lesson(latents, torch.from_numpy(np.stack(codes)))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(layers.parameters(), 1.0)
        optimiser.step()
        report(step, loss.item())


def share_recognised(model: Any, stems: tuple[Stem, ...], codes: Codes) -> list[float]:
    """Return for each stem how many frames of a piece get a code that sounds like the right one."""
    sound = torch.from_numpy(render(stems, codes)).reshape(1, 1, -1)
    with torch.inference_mode():
        found = model.encode(sound).audio_codes[0, 0]
    shares = []
    for layer, row, right in zip(
        model.quantizer.layers, found, torch.from_numpy(codes), strict=True
    ):
        vectors = layer.codebook.embed
        same = torch.isclose(vectors[row], vectors[right], atol=1e-4).all(dim=1)
        shares.append(same.float().mean().item())
    return shares


class _Lesson(nn.Module):
    """How far latents are from those of the right codes."""

    def __init__(self, model: Any, stems: Sequence[Stem]) -> None:
        super().__init__()
        self._own = blocks(stems)
        self._vectors = [
            layer.codebook.embed[: len(stem.waves), own].clone()
            for layer, stem, own in zip(model.quantizer.layers, stems, self._own, strict=True)
        ]
        self._spreads = [float(vectors.var(0).sum()) for vectors in self._vectors]
        self._shares = [1.0 if stem.waves.any() else _SILENT_SHARE for stem in stems]
        self.sharpness = nn.Parameter(-torch.tensor(self._spreads).log())

    def forward(self, latents: Tensor, codes: Tensor) -> Tensor:
        """Return the loss of latents, [pieces, dimensions, frames].

        `codes` are the right ones, [pieces, stems, frames]. For each stem the loss is the
        cross-entropy of the right code, where a code is the likelier the nearer its vector, and the
        squared distance to the right vector.
        """
        loss = torch.zeros(())
        for number, (own, vectors) in enumerate(zip(self._own, self._vectors, strict=True)):
            found = latents[:, own].transpose(1, 2).flatten(0, 1)
            right = codes[:, number].flatten()
            # The square of what was found is left out: it is the same for all codes.
            nearness = found @ vectors.T - vectors.square().sum(1) / 2
            unlikely = nn.functional.cross_entropy(self.sharpness[number].exp() * nearness, right)
            distance = (found - vectors[right]).square().sum(1).mean() / self._spreads[number]
            loss = loss + self._shares[number] * (unlikely + distance)
        return loss


def _folded(sounds: Tensor, channels: int) -> Tensor:
    """Return what the encoder's fast layers make of sounds, [pieces, samples], in a moment."""
    folded = torch.zeros(len(sounds), channels, sounds.shape[1] // BLOCK)
    folded[:, :BLOCK] = sounds.reshape(len(sounds), -1, BLOCK).transpose(1, 2) + LIFT
    return folded
