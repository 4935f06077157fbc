"""The long lesson: the language model learns to play, for as long as it is given.

What is kept is a moving average of the weights, which does better than the last ones. Every other
minute all that is needed to go on is saved, and the model is tested on pieces it does not learn.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from training.bank import Stem
from training.batches import CYCLE, Batch, Shape, Source, draw_batch
from training.language import LanguageModel, held_out, stem_losses
from training.schedule import cosine

CHECKPOINT = "language.pt"
LOG = "language.jsonl"
_RATE = 1.5e-3
_WARM_UP = 100
_WEIGHT_DECAY = 0.01
_AVERAGING = 0.998
_WITHHELD = 0.12
"""How many captions are withheld, for the unprompted half of guidance."""
_MINUTES_BETWEEN_SAVES = 2.0
_HELD_OUT = Shape(64, 100)
_HELD_OUT_SEED = 1_000_003


class _Run:
    """A training run: weights, their average, the optimiser, and how far it is."""

    def __init__(self, model: LanguageModel, seed: int) -> None:
        self.average: Any = AveragedModel(model, avg_fn=_averaged)
        self.minutes = 0.0
        self.step = 0
        self.rng = np.random.default_rng(seed)
        self.recent = [0.0]
        """Loss of each stem in the last steps."""
        self._model = model
        self._optimiser = torch.optim.AdamW(
            model.parameters(), betas=(0.9, 0.98), weight_decay=_WEIGHT_DECAY, fused=True
        )

    def learn(self, batch: Batch, done: float) -> None:
        """Take one step; `done` tells which part of the run is over."""
        told = torch.from_numpy(self.rng.random(len(batch.captions)) >= _WITHHELD)
        warmth = min(1, (self.step + 1) / _WARM_UP)
        self._optimiser.param_groups[0]["lr"] = warmth * _RATE * cosine(done)
        with torch.autocast("cpu", torch.bfloat16):
            losses = stem_losses(self._model(batch.captions, batch.codes, told), batch)
        self._optimiser.zero_grad()
        torch.autograd.backward(losses.mean())
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimiser.step()
        self.average.update_parameters(self._model)
        self.step += 1
        now = losses.tolist()
        old = self.recent if len(self.recent) == len(now) else now
        self.recent = [0.98 * a + 0.02 * b for a, b in zip(old, now, strict=True)]

    def save(self, path: Path) -> None:
        """Write everything that `restore` needs; an interruption leaves the old file."""
        fresh = path.with_suffix(".new")
        state = {
            "model": self._model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "rng": self.rng.bit_generator.state,
            "step": self.step,
            "minutes": self.minutes,
            "recent": self.recent,
        }
        torch.save(state, fresh)
        fresh.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from a file of `save`, if there is one."""
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        self._model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.rng.bit_generator.state = state["rng"]
        self.step, self.minutes, self.recent = state["step"], state["minutes"], state["recent"]

    def log(self, path: Path, exam: Batch) -> None:
        """Add a line about how the averaged weights do on `exam`."""
        entry = {
            "step": self.step,
            "minutes": round(self.minutes, 2),
            "training": [round(loss, 4) for loss in self.recent],
            **asdict(held_out(self.average.module, exam)),
        }
        with path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def _averaged(average: Tensor, weight: Tensor, steps: Tensor | int) -> Tensor:
    """Return the average with one more weight; what it began with is soon forgotten."""
    kept = min(_AVERAGING, (1 + float(steps)) / (10 + float(steps)))
    return average.lerp(weight, 1 - kept)


def train(
    model: LanguageModel,
    source: Source,
    stems: tuple[Stem, ...],
    folder: Path,
    *,
    minutes: float,
    seed: int,
) -> None:
    """Train `model` for so long, going on from what an earlier run left in `folder`.

    `model` has the averaged weights afterwards. The minutes of all runs count; CHECKPOINT and LOG
    in `folder` are what one leaves to the next.
    """
    folder.mkdir(parents=True, exist_ok=True)
    exam = draw_batch(source, stems, _HELD_OUT, np.random.default_rng(_HELD_OUT_SEED))
    run = _Run(model, seed)
    run.restore(folder / CHECKPOINT)
    before, began, saved = run.minutes, time.monotonic(), run.minutes
    with Progress() as progress:
        bar = progress.add_task("music", total=minutes)
        while run.minutes < minutes:
            shape = CYCLE[run.step % len(CYCLE)]
            run.learn(draw_batch(source, stems, shape, run.rng), run.minutes / minutes)
            run.minutes = before + (time.monotonic() - began) / 60
            text = " ".join(f"{loss:.3f}" for loss in run.recent)
            progress.update(bar, completed=run.minutes, description=f"{run.step}: {text}")
            if run.minutes - saved > _MINUTES_BETWEEN_SAVES or run.minutes >= minutes:
                saved = run.minutes
                run.save(folder / CHECKPOINT)
                run.log(folder / LOG, exam)
    model.load_state_dict(run.average.module.state_dict())
