"""The first lesson: the text encoder learns to tell from a caption what the piece is to be.

Learning to read by way of the music alone takes very long, because little of a piece depends on its
caption at the beginning. So the text encoder first learns to guess the plan that a caption was
written for. The classifiers it does that with are thrown away afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.language import LanguageModel
from training.plan import (
    BASSES,
    BEATS,
    CHORD_INSTRUMENTS,
    GENRES,
    KITS,
    LEAD_INSTRUMENTS,
    Plan,
)

_BATCH = 64
_RATE = 2e-3
_ATTRIBUTES: dict[str, tuple[object, ...]] = {
    "genre": GENRES,
    "beat": BEATS,
    "minor": (False, True),
    "energy": (0, 1, 2),
    "drums": (None, *KITS),
    "bass": (None, *BASSES),
    "chords": (None, *CHORD_INSTRUMENTS),
    "lead": (None, *LEAD_INSTRUMENTS),
}
"""What is to be guessed, and the values it can have. The key is left out: nobody asks for it."""


def pretrain_text(
    model: LanguageModel,
    draw: Callable[[np.random.Generator], tuple[Plan, str]],
    *,
    minutes: float,
    seed: int,
) -> dict[str, float]:
    """Train the text encoder and the projection for so long on plans and their captions.

    Returns the cross-entropy at the end, in nats, of each attribute.
    """
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        guesses = nn.ModuleDict(
            {
                name: nn.Linear(model.projection.out_features, len(values))
                for name, values in _ATTRIBUTES.items()
            }
        )
    parts = (model.text_encoder, model.projection, guesses)
    optimiser = torch.optim.AdamW([p for part in parts for p in part.parameters()], fused=True)
    recent = dict.fromkeys(_ATTRIBUTES, 0.0)
    began = time.monotonic()
    with Progress() as progress:
        bar = progress.add_task("captions", total=1.0)
        while (done := (time.monotonic() - began) / (60 * minutes)) < 1:
            optimiser.param_groups[0]["lr"] = _RATE * min(1, 50 * done) * (1 - done)
            plans, captions = zip(*(draw(rng) for _ in range(_BATCH)), strict=True)
            losses = _losses(model, guesses, plans, list(captions))
            optimiser.zero_grad()
            torch.autograd.backward(list(losses.values()))
            optimiser.step()
            for name, loss in losses.items():
                recent[name] += 0.02 * (loss.item() - recent[name])
            text = " ".join(f"{name} {loss:.2f}" for name, loss in recent.items())
            progress.update(bar, completed=done, description=text)
    return recent


def _losses(
    model: LanguageModel, guesses: nn.ModuleDict, plans: tuple[Plan, ...], captions: list[str]
) -> dict[str, Tensor]:
    context, mask = model.read(captions)
    weights = mask / mask.sum(1, keepdim=True)
    meaning = (context * weights.unsqueeze(2)).sum(1)
    losses = {}
    for name, values in _ATTRIBUTES.items():
        targets = torch.tensor([values.index(getattr(plan, name)) for plan in plans])
        losses[name] = F.cross_entropy(guesses[name](meaning), targets)
    return losses
