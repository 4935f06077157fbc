"""EnCodec's layers from the LSTM to the sound, as matrix products.

Time stands first and channels last, [frames, channels]. So a convolution is one product for each of
its taps, added up in place, and a transposed one is two, whose rows, read on, are the finer frames:
nothing is padded, reordered or copied. PyTorch's convolutions do all three, and take twice as long
on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers.models.encodec.modeling_encodec import (
    EncodecConv1d,
    EncodecConvTranspose1d,
    EncodecResnetBlock,
)


class Upsampler:
    """Layers of an EncodecDecoder, whose weight_norm is folded, and which use no other norm."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        self._layers = [_translated(layer) for layer in layers]

    def __call__(self, x: Tensor) -> Tensor:
        """Return what the layers make of float32 [frames, channels]; that is left as it is."""
        for layer in self._layers:
            x = layer(x)
        return x


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
        y: Tensor = self._bias.repeat(frames, 1)
        for tap, offset in zip(self._taps, self._offsets, strict=True):
            start, end = max(0, -offset), frames - max(0, offset)
            y[start:end].addmm_(x[start + offset : end + offset], tap)
            if offset and self._reflects:
                # Frame -1 is frame 1, and what follows the last one is the last but one.
                if offset < 0:
                    y[:start].addmm_(x[1 : start + 1].flip(0), tap)
                else:
                    y[end:].addmm_(x[end - 1 : frames - 1].flip(0), tap)
        return y


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
    """A residual block."""

    def __init__(self, block: Any) -> None:
        self._block = [_translated(layer) for layer in block.block]
        self._shortcut = _translated(block.shortcut)

    def __call__(self, x: Tensor) -> Tensor:
        y = x
        for layer in self._block:
            y = layer(y)
        return y.add_(self._shortcut(x))


def _translated(layer: nn.Module) -> Any:
    if isinstance(layer, EncodecConv1d):
        return _Convolution(layer)
    if isinstance(layer, EncodecConvTranspose1d):
        return _TransposedConvolution(layer)
    if isinstance(layer, EncodecResnetBlock):
        return _Residual(layer)
    return layer
