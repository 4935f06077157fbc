"""The LSTM of EnCodec's decoder, computed by lstm.h for several clips at once.

Other than PyTorch's, it makes the same of a clip, to the bit, whatever passes beside it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from musicgen_bot.engine.native.decoder import Matrix, Team, described
from musicgen_bot.engine.native.packing import LANES, PackedMatrix, pack

_GATES = 4


class _LstmLayer(ctypes.Structure):
    _fields_ = (("input", Matrix), ("recurrent", Matrix), ("bias", ctypes.c_void_p))


class _Lstm(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("rows", "layers", "width", "threads")),
        ("layer", ctypes.POINTER(_LstmLayer)),
        *((name, ctypes.c_void_p) for name in ("lengths", "x", "hidden", "cells")),
    )


class NativeLstm:
    """An LSTM whose layers all take and give numbers of the same width."""

    def __init__(self, module: nn.LSTM, team: Team) -> None:
        self._team = team
        self._width = module.hidden_size
        self._weights = [_packed(module, number) for number in range(module.num_layers)]
        self._layers = (_LstmLayer * module.num_layers)(
            *(
                _LstmLayer(described(taken), described(recurrent), bias.data_ptr())
                for taken, recurrent, bias in self._weights
            )
        )

    def __call__(
        self, rows: Sequence[Tensor], state: tuple[Tensor, Tensor]
    ) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
        """Return what becomes of rows [frames, width], and the state after them.

        A state is what is hidden and the cells, float32 [layers, rows, width]. Raises MemoryError.
        """
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]), reverse=True)
        lengths = torch.tensor([len(rows[row]) for row in order])
        x = torch.cat([rows[row] for row in order])
        hidden, cells = (part[:, order].contiguous() for part in state)
        arguments = _Lstm(
            rows=len(rows),
            layers=len(self._layers),
            width=self._width,
            threads=self._team.threads,
            layer=self._layers,
            lengths=lengths.data_ptr(),
            x=x.data_ptr(),
            hidden=hidden.data_ptr(),
            cells=cells.data_ptr(),
        )
        self._team.call("lstm", arguments)
        back = [order.index(row) for row in range(len(rows))]
        parts = torch.split(x, lengths.tolist())
        return [parts[place] for place in back], (hidden[:, back], cells[:, back])


def fits(module: nn.LSTM) -> bool:
    """Return whether lstm.h can compute an LSTM."""
    return module.input_size == module.hidden_size and module.hidden_size % (2 * LANES) == 0


def _packed(module: nn.LSTM, number: int) -> tuple[PackedMatrix, PackedMatrix, Tensor]:
    """Return a layer's matrices and the sum of its biases, in the order of lstm.h."""

    def ordered(name: str) -> Tensor:
        weight: Tensor = getattr(module, f"{name}_l{number}").detach()
        blocks = weight.reshape(_GATES, module.hidden_size // LANES, LANES, -1)
        return blocks.transpose(0, 1).reshape(weight.shape).contiguous()

    bias = ordered("bias_ih") + ordered("bias_hh")
    return pack(ordered("weight_ih"), 32), pack(ordered("weight_hh"), 32), bias
