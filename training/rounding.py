"""What it costs to round the weights: losses of the engine's decoders on pieces nobody trained on.

The pieces are given code by code, as if each had been drawn, and without guidance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from musicgen_bot.engine import Engine, load_engine
from musicgen_bot.engine.batch import LENGTH_UNIT
from musicgen_bot.engine.cache import KeyValueCache
from musicgen_bot.engine.delay import delayed, lag
from musicgen_bot.engine.layout import rounded_up
from training.batches import Batch, Shape, Source, draw_batch
from training.captions import caption
from training.choosing import random_plan
from training.pieces import Composer
from training.sounds import build_band

PRECISIONS = ("fp32", "bf16", "int8", "int4")
PIECES = Shape(64, 250)
_SEED = 2_000_003


@dataclass(frozen=True, slots=True)
class Rounded:
    """How a precision does."""

    precision: str
    losses: list[float]
    """Cross-entropy of each codebook in nats a code."""
    unchanged: float
    """How often the likeliest code is the one of fp32."""
    unchanged_decisions: float
    """The same where something new happens in a piece."""


def measure_rounding(folder: Path, shape: Shape = PIECES) -> list[Rounded]:
    """Return how a checkpoint does in each of PRECISIONS on freshly composed pieces."""
    band = build_band()
    source = Source(random_plan, caption, Composer(band).compose)
    batch = draw_batch(source, band.stems, shape, np.random.default_rng(_SEED))
    results: list[Rounded] = []
    exact = torch.empty(0)
    for precision in PRECISIONS:
        logits = _logits(load_engine(str(folder), "cpu", precision), batch)
        losses = F.cross_entropy(logits.permute(0, 3, 1, 2), batch.codes, reduction="none")
        likeliest = logits.argmax(-1)
        exact = likeliest if precision == PRECISIONS[0] else exact
        same = (likeliest == exact).float()
        results.append(
            Rounded(
                precision,
                losses.mean((0, 2)).tolist(),
                same.mean().item(),
                same[batch.decisions].mean().item(),
            )
        )
    return results


def show_rounding(folder: Path) -> None:
    """Print how a checkpoint does in each precision."""
    results = measure_rounding(folder)
    table = Table(title="Held-out loss of each codebook, nats a code; greedy choices unchanged")
    table.add_column("")
    for number in range(len(results[0].losses)):
        table.add_column(str(number), justify="right")
    for heading in ("mean", "greedy", "decisions"):
        table.add_column(heading, justify="right")
    exact = sum(results[0].losses)
    for result in results:
        table.add_row(
            result.precision,
            *(f"{loss:.4f}" for loss in result.losses),
            f"{sum(result.losses) / exact - 1:+.2%}",
            f"{result.unchanged:.2%}",
            f"{result.unchanged_decisions:.2%}",
        )
    Console().print(table)


@torch.inference_mode()
def _logits(engine: Engine, batch: Batch) -> Tensor:
    """Return the logits of every code of the pieces, [pieces, codebooks, frames, vocabulary]."""
    decoder, encode = engine.batch.decoder, engine.text.encode
    pieces, codebooks, frames = batch.codes.shape
    contexts = [encode(text) for text in batch.captions]
    tokens = max(map(len, contexts))
    cache = KeyValueCache(decoder.sizes, decoder.cache_dtype, decoder.device)
    prompts = KeyValueCache(decoder.sizes, decoder.dtype, decoder.device)
    steps = frames + lag(codebooks, channels=1)
    room = rounded_up(steps, LENGTH_UNIT)
    cache.rearrange([None] * pieces, room)
    prompts.rearrange([None] * pieces, tokens)
    mask = torch.full((pieces, 1, 1, tokens), -torch.inf, dtype=decoder.dtype)
    for row, context in enumerate(contexts):
        prompts.fill(row, decoder.prompt_keys_values(context.to(decoder.dtype)))
        mask[row, ..., : len(context)] = 0
    columns = torch.stack([delayed(piece, frames, 1, decoder.start) for piece in batch.codes])
    logits = torch.empty(pieces, codebooks, steps, decoder.sizes.vocabulary)
    for step in range(steps):
        positions = torch.full((pieces,), step)
        logits[:, :, step] = decoder.step(
            columns[:, :, step], positions, cache, room, prompts, mask
        )
    # Every codebook lags one step more behind.
    shifted = [logits[:, codebook, codebook : codebook + frames] for codebook in range(codebooks)]
    return torch.stack(shifted, dim=1)
