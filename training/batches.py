"""What the language model is trained on: pieces in batches, composed as they are needed.

Some batches hold nothing but the starts of pieces, where most of what a caption asks for is
decided: who plays, and how fast. Others hold many short pieces, because those are cheap and show
the many ways to play something; a few hold pieces of up to half a minute, so that the model can
keep on that long. Half of the short ones start somewhere within a piece. No start of a clip should
be learnt from those: their first frame is given, but not to be predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.bank import Codes, Stem, decisions
from training.plan import Plan

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Source:
    """Where pieces come from."""

    plan: Callable[[Rng], Plan]
    caption: Callable[[Plan, Rng], str]
    compose: Callable[[Plan, int, Rng], Codes]
    """Of a plan the first so many frames."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much a batch holds."""

    pieces: int
    frames: int
    latest_start: int = 0
    """Half of the pieces start at any frame up to this one, the others at frame 0."""


START = Shape(96, 12)
SHORT = Shape(32, 72, latest_start=600)
MEDIUM = Shape(12, 250, latest_start=400)
LONG = Shape(4, 750)
WHOLE = Shape(2, 1500)
CYCLE = (
    *(START, SHORT, START, MEDIUM, START, SHORT, START, LONG),
    *(START, SHORT, START, MEDIUM, START, SHORT, START, WHOLE),
)
"""The shapes of successive batches, over and over."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pieces of equal length."""

    captions: list[str]
    codes: Tensor
    """int64 [pieces, stems, frames]."""
    counted: Tensor
    """bool [pieces, frames]: what is to be predicted."""
    decisions: Tensor
    """bool [pieces, stems, frames]: where something new happens, and is to be predicted."""


def draw_batch(source: Source, stems: tuple[Stem, ...], shape: Shape, rng: Rng) -> Batch:
    """Return freshly composed pieces with their captions."""
    captions: list[str] = []
    codes: list[Codes] = []
    starts: list[int] = []
    for _ in range(shape.pieces):
        plan = source.plan(rng)
        start = int(rng.integers(1, shape.latest_start + 1)) if _late(shape, rng) else 0
        captions.append(source.caption(plan, rng))
        codes.append(source.compose(plan, start + shape.frames, rng)[:, start:])
        starts.append(start)
    return make_batch(stems, captions, codes, starts)


def make_batch(
    stems: tuple[Stem, ...],
    captions: Sequence[str],
    codes: Sequence[Codes],
    starts: Sequence[int],
) -> Batch:
    """Return pieces as a batch; `starts` are the frames at which they begin in their piece."""
    counted = np.ones((len(codes), codes[0].shape[1]), dtype=bool)
    counted[:, 0] = [start == 0 for start in starts]
    new = np.stack([decisions(stems, piece) for piece in codes])
    return Batch(
        captions=list(captions),
        codes=torch.from_numpy(np.stack(codes)),
        counted=torch.from_numpy(counted),
        decisions=torch.from_numpy(new & counted[:, None]),
    )


def _late(shape: Shape, rng: Rng) -> bool:
    return shape.latest_start > 0 and rng.random() < 0.5
