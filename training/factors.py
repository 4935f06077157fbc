"""The start of the language model: it knows what each state is made of, and what follows it.

A state's embedding is a sum of random vectors, one for each of its factors, so that what is learnt
of a piano's A minor holds for all its frames. A head starts as the linear classifier that reads a
state's successor out of the decoder's input, with the other stems and the position as noise. So
the decoder need not learn a table of thousands of transitions, but only where they are broken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.bank import Stem

_LENGTH = 9.0
"""Length of a state's vector, about; that of a position is 10."""
_OWN = 1.0
"""Size of what is a state's own, against that of a factor's vector."""
_BEGINNING = 0.5
"""How far a state that follows none is expected where one is that shares its other factors."""
_CAUTION = 0.6
"""Part of the scale that would suit the heads: what breaks a note off must not be unthinkable."""
_POSITIONS = 1500
_SAMPLES = 512


@dataclass(frozen=True, slots=True, eq=False)
class _States:
    """A stem's S states as vectors of the decoder's width, about their mean."""

    vectors: Tensor
    """[S, hidden]."""
    kept: Tensor
    """[S, hidden]: of each state what it has in common with its successor."""
    successor: Tensor
    """[S]."""
    weights: Tensor
    """[S]: how often to expect each, 1 on average. Rests last as long as all that leads to them."""


def start_from_factors(decoder: Any, stems: Sequence[Stem]) -> None:
    """Set embeddings and heads of a MusicgenForCausalLM; codes that are no states stay as is.

    Draws from torch's global generator.
    """
    layers = decoder.model.decoder
    hidden = decoder.config.hidden_size
    places = layers.embed_positions.get_embedding(_POSITIONS, hidden).double()
    bank = [_states(stem, hidden) for stem in stems]
    # The head sees the sum of all stems and the position; what tells its own stem's states apart
    # in that is found as a linear discriminant.
    spread = _covariance(places, torch.ones(_POSITIONS))
    spread += sum(_covariance(states.vectors, states.weights) for states in bank)
    drawn = [torch.multinomial(states.weights, _SAMPLES, replacement=True) for states in bank]
    heard = places[torch.randint(_POSITIONS, (_SAMPLES,))]
    heard = heard + sum(states.vectors[codes] for states, codes in zip(bank, drawn, strict=True))
    inputs = F.layer_norm(heard, (hidden,))
    for embedding, head, states, codes in zip(
        layers.embed_tokens, decoder.lm_heads, bank, drawn, strict=True
    ):
        reader = torch.linalg.solve(spread, _followed(states).T).T
        scale = _CAUTION * _best_scale(inputs @ reader.T, states.successor[codes])
        embedding.weight[: len(reader)] = states.vectors.float()
        head.weight[: len(reader)] = scale * reader.float()


def _states(stem: Stem, hidden: int) -> _States:
    columns = torch.from_numpy(stem.factors).unbind(1)
    successor = torch.from_numpy(stem.successor)
    scale = _LENGTH / (hidden * (len(columns) + _OWN**2)) ** 0.5
    vectors = scale * _OWN * torch.randn(len(successor), hidden, dtype=torch.float64)
    kept = torch.zeros_like(vectors)
    for column in columns:
        table = scale * torch.randn(int(column.max()) + 1, hidden, dtype=torch.float64)
        factor = table[column] - table[column].mean(0)
        vectors += factor
        kept += factor * (column == column[successor]).unsqueeze(1)
    weights = torch.ones(len(successor), dtype=torch.float64)
    rests = successor == torch.arange(len(successor))
    weights[rests] = torch.bincount(successor).double()[rests]
    return _States(vectors, kept, successor, weights)


def _covariance(vectors: Tensor, weights: Tensor) -> Tensor:
    return torch.cov(vectors.T, correction=0, aweights=weights)


def _followed(states: _States) -> Tensor:
    """Return for each state the sum of those it follows, over the root of their number.

    That is half-way between their sum, with which rests would be expected everywhere, and their
    mean, with which they would be missed where a note has rung out. [S, hidden].
    """
    weights = states.weights.unsqueeze(1)
    mean = (weights * states.vectors).mean(0) / weights.mean()
    followed = torch.zeros_like(states.vectors)
    followed.index_add_(0, states.successor, weights * (states.vectors - mean))
    number = torch.zeros_like(weights).index_add_(0, states.successor, weights)
    begins = number[:, 0] == 0
    followed[begins] = _BEGINNING * states.kept[begins]
    return followed / number.clamp(min=1).sqrt()


def _best_scale(logits: Tensor, targets: Tensor) -> float:
    """Return the factor for `logits`, [samples, S], that makes `targets` the least surprising."""
    scales = (torch.logspace(-0.5, 2.5, 25) / logits.std()).tolist()
    losses = [F.cross_entropy(scale * logits, targets).item() for scale in scales]
    return float(scales[losses.index(min(losses))])
