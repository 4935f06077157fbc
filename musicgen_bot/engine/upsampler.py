"""EnCodec's layers from the LSTM to the sound, as matrix products.

Time stands first and channels last, [frames, channels]. So a convolution is one product for each of
its taps, added up in place, and a transposed one is two, whose rows, read on, are the finer frames:
nothing is padded, reordered or copied. PyTorch's convolutions do all three, and take twice as long
on a CPU. What lies between the products, the memory bounds: so it is done in place wherever the
numbers before it are of no more use.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers.models.encodec.modeling_encodec import (
    EncodecConv1d,
    EncodecConvTranspose1d,
    EncodecResnetBlock,
)

_BLOCK = 1 << 18
"""Numbers that an ELU takes at once: they stay in the cache between its passes."""


class Upsampler:
    """Layers of an EncodecDecoder, whose weight_norm is folded, and which use no other norm."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        self._layers = _translated(layers)

    def __call__(self, x: Tensor) -> Tensor:
        """Return what the layers make of float32 [frames, channels]; that is left as it is."""
        for layer in self._layers:
            x = layer(x)
        return x


class _Elu:
    """An ELU: max(x, exp(min(x, 0)) - 1), exact to the last bit of 1.

    PyTorch's own, which is exact near 0 as well, takes twice as long on a CPU.
    """

    def __init__(self, *, in_place: bool) -> None:
        self._in_place = in_place

    def __call__(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            return F.elu(x, inplace=self._in_place)
        y = x if self._in_place else torch.empty_like(x)
        rows = max(1, _BLOCK // x.shape[1])
        for start in range(0, len(x), rows):
            source = x[start : start + rows]
            negative = source.clamp_max(0).exp_().sub_(1)
            torch.maximum(source, negative, out=y[start : start + rows])
        return y


class _Convolution:
    """A convolution with a stride of 1 that gives as many frames as it takes."""

    def __init__(self, layer: Any) -> None:
        conv = layer.conv
        # [taps, in, out]
        self._taps = conv.weight.detach().permute(2, 1, 0).contiguous()
        self._bias = conv.bias.detach()
        total = (conv.kernel_size[0] - 1) * conv.dilation[0]
        before = total if layer.causal else total - total // 2
        self._offsets = [number * conv.dilation[0] - before for number in range(len(self._taps))]
        self._reflects = layer.pad_mode == "reflect"

    def __call__(self, x: Tensor) -> Tensor:
        frames = len(x)
        missing = max(map(abs, self._offsets)) + 1 - frames
        if missing > 0:
            # There is not enough to be reflected; EnCodec fills it up with zeros.
            return self(F.pad(x, (0, 0, 0, missing)))[:frames]
        return self._add_products(self._bias.repeat(frames, 1), x)

    def add_to(self, y: Tensor, x: Tensor) -> Tensor:
        """Add what becomes of x to y, in place."""
        if len(self._taps) > 1:
            return y.add_(self(x))
        return self._add_products(y.add_(self._bias), x)

    def _add_products(self, y: Tensor, x: Tensor) -> Tensor:
        frames = len(x)
        if len(self._bias) == 1:
            # Products with a single column are slow: all of them are made at once, [frames, taps].
            x = x @ self._taps.squeeze(2).t()
        for number, offset in enumerate(self._offsets):
            start, end = max(0, -offset), frames - max(0, offset)
            self._add_product(y[start:end], x[start + offset : end + offset], number)
            if offset and self._reflects:
                # Frame -1 is frame 1, and what follows the last one is the last but one.
                if offset < 0:
                    self._add_product(y[:start], x[1 : start + 1].flip(0), number)
                else:
                    self._add_product(y[end:], x[end - 1 : frames - 1].flip(0), number)
        return y

    def _add_product(self, y: Tensor, x: Tensor, number: int) -> None:
        if len(self._bias) == 1:
            y.add_(x[:, number : number + 1])
        else:
            y.addmm_(x, self._taps[number])


class _TransposedConvolution:
    """One whose kernel is twice its stride: an input takes part in two strides of outputs."""

    def __init__(self, layer: Any) -> None:
        conv = layer.conv
        self._stride = conv.stride[0]
        # [in, out, 2 * stride] -> [2, in, stride * out]
        taps = conv.weight.detach().unflatten(2, (2, self._stride)).permute(2, 0, 3, 1)
        self._taps = taps.flatten(2).contiguous()
        self._bias = conv.bias.detach().repeat(self._stride)
        ratio = layer.trim_right_ratio
        self._right = math.ceil(self._stride * ratio) if layer.causal else self._stride // 2

    def __call__(self, x: Tensor) -> Tensor:
        y: Tensor = self._bias.repeat(len(x) + 1, 1)
        y[:-1].addmm_(x, self._taps[0])
        y[1:].addmm_(x, self._taps[1])
        left = self._stride - self._right
        return y.view((len(x) + 1) * self._stride, -1)[left : -self._right or None]


class _Residual:
    """A residual block. Without a convolution beside it, it overwrites what it is given."""

    def __init__(self, block: Any) -> None:
        *self._block, self._last = _translated(block.block)
        (self._shortcut,) = _translated([block.shortcut])

    def __call__(self, x: Tensor) -> Tensor:
        y = x
        for layer in self._block:
            y = layer(y)
        result: Tensor = self._last.add_to(self._shortcut(x), y)
        return result


def _translated(layers: Iterable[nn.Module]) -> list[Any]:
    """Return layers that follow each other; the first one leaves what it is given as it is."""
    return [_translated_one(layer, number) for number, layer in enumerate(layers)]


def _translated_one(layer: nn.Module, number: int) -> Any:
    if isinstance(layer, EncodecConv1d):
        return _Convolution(layer)
    if isinstance(layer, EncodecConvTranspose1d):
        return _TransposedConvolution(layer)
    if isinstance(layer, EncodecResnetBlock):
        return _Residual(layer)
    if isinstance(layer, nn.ELU):
        return _Elu(in_place=number > 0)
    return layer
