"""EnCodec's second half: from codes to sound, a window at a time.

The first half is dropped, and read anew where it is needed (`encoder.py`); weight_norm is folded
into plain weights, and all of it runs in fp32 whatever the decoder's precision: it is needed once a
clip, and is what one hears.

A clip is decoded in windows, while the rest of it is still being made: what is heard is the same,
and the memory it takes does not grow with the clip. That is possible because the layers after the
LSTM look no further than a frame or two to either side, and the LSTM itself only looks back.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import EncodecModel

from musicgen_bot.engine.upsampler import Upsampler
from musicgen_bot.engine.weights import own_copy

WINDOW = 100
"""Frames that are worth decoding."""
MOST_FRAMES = 2 * WINDOW
"""Frames that are decoded at once, at most."""
_SIGHT = 2
"""Frames to either side that the layers after the LSTM are given; they look at fewer than 2."""


class Codec:
    """Turns codes into samples."""

    def __init__(self, model: EncodecModel, channels: int, device: torch.device) -> None:
        fold_weight_norm(model.decoder)
        self._quantizer: Any = own_copy(model.quantizer, device)
        decoder: Any = own_copy(model.decoder, device)
        self._first, recurrent, *rest = decoder.layers
        self._lstm = recurrent.lstm
        self._upsample = Upsampler(rest)
        self._channels = channels
        self._device = device
        layers: Any = model.decoder.layers
        self.look = int(layers[0].padding_total)
        """Frames that the first layer looks to either side, at most."""
        self.sample_rate: int = model.config.sampling_rate
        self.frame_rate: int = model.config.frame_rate

    def decode(self, codes: Tensor) -> Tensor:
        """Return the sound of codes, int64 [codebooks, frames], as float32 [channels, samples].

        A frame gives sample_rate / frame_rate samples. Left and right of a stereo clip are two mono
        sounds whose codebooks are interleaved.
        """
        stream = SoundStream(self)
        frames = codes.shape[1]
        ends = (*range(WINDOW, frames, WINDOW), frames)
        for end in ends:
            stream.feed(codes[:, :end], complete=end == frames)
        return stream.sound()

    def quantized(self, features: Tensor) -> Tensor:
        """Return the codes nearest to an encoder's features, int64 [codebooks, frames].

        `features` are [channels, dimensions, frames].
        """
        split: Tensor = self._quantizer.encode(features)
        return split.flatten(0, 1).cpu()

    def latents(self, codes: Tensor) -> Tensor:
        """Return what codes stand for, [channels, dimensions, frames]."""
        codebooks, frames = codes.shape
        split = codes.to(self._device).reshape(codebooks // self._channels, self._channels, frames)
        latents: Tensor = self._quantizer.decode(split)
        return latents

    def recurrent(
        self, latents: Tensor, start: int, end: int, state: Any
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the frames `start` to `end` of the LSTM's output, and its state after them.

        `latents` are those of all frames so far, `state` is that after frame `start` - 1, or None.
        """
        first = max(0, start - self.look)
        seen = latents[..., first : end + self.look]
        inputs = self._first(seen)[..., start - first : end - first].permute(2, 0, 1)
        outputs, state = self._lstm(inputs, state)
        return (outputs + inputs).permute(1, 2, 0), state

    def samples(self, features: Tensor, start: int, end: int) -> Tensor:
        """Return the sound of frames `start` to `end` of the LSTM's output, [channels, samples].

        `features` has the frames around them as well.
        """
        sound = torch.stack([self._upsample(channel.t()).squeeze(1) for channel in features])
        hop = self.sample_rate // self.frame_rate
        return sound[:, start * hop : end * hop].clamp(-1, 1)


class SoundStream:
    """The sound of one clip, as far as it is decoded."""

    def __init__(self, codec: Codec) -> None:
        self.frames = 0
        """Frames that are decoded."""
        self._codec = codec
        self._state: tuple[Tensor, Tensor] | None = None
        self._features: Tensor | None = None
        """The LSTM's output from frame `_from` on."""
        self._from = 0
        self._passed = 0
        """Frames that have passed the LSTM."""
        self._parts: list[Tensor] = []

    def feed(self, codes: Tensor, *, complete: bool) -> None:
        """Decode as far as the codes of the clip so far allow, int64 [codebooks, frames].

        `complete` tells that these are all of them.
        """
        codec = self._codec
        known = codes.shape[1]
        first = max(0, self._passed - codec.look)
        passed = known if complete else max(self._passed, known - codec.look)
        if passed == self._passed:
            return
        features, self._state = codec.recurrent(
            codec.latents(codes[:, first:]), self._passed - first, passed - first, self._state
        )
        self._passed = passed
        if self._features is not None:
            features = torch.cat([self._features, features], dim=2)
        end = passed if complete else max(self.frames, passed - _SIGHT)
        sound = codec.samples(features, self.frames - self._from, end - self._from)
        self._parts.append(sound.cpu())
        self.frames = end
        start = max(0, end - _SIGHT)
        self._features = features[..., start - self._from :]
        self._from = start

    def sound(self) -> Tensor:
        """Return all that is decoded, float32 [channels, samples]."""
        return torch.cat(self._parts, dim=1)


def fold_weight_norm(module: nn.Module) -> None:
    """Turn the weights of a module's layers into plain ones."""
    for part in module.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)
