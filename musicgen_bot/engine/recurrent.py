"""The LSTM of EnCodec's decoder, which clips pass together where that costs none of them anything.

Its weights take longer to read than to multiply, so eight clips together take little longer than
one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from musicgen_bot.engine.device import threads
from musicgen_bot.engine.native.decoder import Team
from musicgen_bot.engine.native.library import NotCompiled, library
from musicgen_bot.engine.native.lstm import NativeLstm, fits

State = tuple[Tensor, Tensor]
"""What is hidden and the cells, float32 [layers, rows, width]."""
Lstm = Callable[[Sequence[Tensor], State], tuple[list[Tensor], State]]
"""Takes rows [frames, width] and the state before them, and returns both as they are after it."""


def take_lstm(module: nn.LSTM, device: torch.device) -> Lstm:
    """Return what computes an LSTM that lies on a device, the fastest way there is."""
    if device.type != "cpu":
        return _Together(module)
    try:
        step = library()
    except NotCompiled:
        return _OneByOne(module)
    if not fits(module):
        return _OneByOne(module)
    return NativeLstm(module, Team(step.path, step.target, threads()))


class _Together:
    """PyTorch's, for all rows at once: they may round differently with another number of rows."""

    def __init__(self, module: nn.LSTM) -> None:
        self._module = module

    def __call__(self, rows: Sequence[Tensor], state: State) -> tuple[list[Tensor], State]:
        outputs, after = self._module(pack_sequence(list(rows), enforce_sorted=False), state)
        return unpack_sequence(outputs), after


class _OneByOne:
    """PyTorch's, for one row after the other: each is the same whatever the others are."""

    def __init__(self, module: nn.LSTM) -> None:
        self._module = module

    def __call__(self, rows: Sequence[Tensor], state: State) -> tuple[list[Tensor], State]:
        states = zip(*(torch.split(part, 1, dim=1) for part in state), strict=True)
        passed = [
            self._module(row.unsqueeze(1), (hidden.contiguous(), cells.contiguous()))
            for row, (hidden, cells) in zip(rows, states, strict=True)
        ]
        after = [torch.cat(parts, dim=1) for parts in zip(*(s for _, s in passed), strict=True)]
        return [output.squeeze(1) for output, _ in passed], (after[0], after[1])
