"""EnCodec's second half: from codes to sound, a window at a time.

The first half is dropped, and read anew where it is needed (`encoder.py`); weight_norm is folded
into plain weights, and all of it runs in fp32 whatever the decoder's precision: it is needed once a
clip, and is what one hears.

A clip is decoded in windows, while the rest of it is still being made: what is heard is the same,
and the memory it takes does not grow with the clip. That is possible because the layers after the
LSTM look no further than a frame or two to either side, and the LSTM itself only looks back.

Clips pass the LSTM together, since its weights take longer to read than to multiply; the layers
after it take one clip after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import EncodecModel

from musicgen_bot.engine.recurrent import take_lstm
from musicgen_bot.engine.upsampler import Upsampler
from musicgen_bot.engine.weights import own_copy

WINDOW = 100
"""Frames that are worth decoding."""
MOST_FRAMES = 2 * WINDOW
"""Frames of a clip that are decoded at once, at most."""
_MOST_TOGETHER = 10 * WINDOW
"""Frames of all clips that pass the LSTM at once, at most: that bounds the time it takes."""
_SIGHT = 2
"""Frames to either side that the layers after the LSTM are given; they look at fewer than 2."""


class Codec:
    """Turns codes into samples."""

    def __init__(self, model: EncodecModel, channels: int, device: torch.device) -> None:
        fold_weight_norm(model.decoder)
        self._quantizer: Any = own_copy(model.quantizer, device)
        decoder: Any = own_copy(model.decoder, device)
        self._first, recurrent, *rest = decoder.layers
        lstm = recurrent.lstm
        self._lstm = take_lstm(lstm, device)
        self._state_shape = (lstm.num_layers, channels, lstm.hidden_size)
        self._upsample = Upsampler(rest)
        self._channels = channels
        self._device = device
        layers: Any = model.decoder.layers
        self._look = int(layers[0].padding_total)
        """Frames that the first layer looks to either side, at most."""
        self.sample_rate: int = model.config.sampling_rate
        self.frame_rate: int = model.config.frame_rate

    def decode(self, codes: Tensor) -> Tensor:
        """Return the sound of codes, int64 [codebooks, frames], as float32 [channels, samples].

        A frame gives sample_rate / frame_rate samples. Left and right of a stereo clip are two mono
        sounds whose codebooks are interleaved.
        """
        stream = SoundStream(self)
        feed = Feed(stream, codes, complete=True)
        while stream.frames < codes.shape[1]:
            self.advance([feed])
            stream.upsample()
        return stream.sound()

    def quantized(self, features: Tensor) -> Tensor:
        """Return the codes nearest to an encoder's features, int64 [codebooks, frames].

        `features` are [channels, dimensions, frames].
        """
        split: Tensor = self._quantizer.encode(features)
        return split.flatten(0, 1).cpu()

    def advance(self, feeds: Sequence[Feed]) -> None:
        """Let codes of all these clips pass the LSTM together; some are left where there are many.

        On a CPU it makes no difference to a clip which others there are.
        """
        most = min(MOST_FRAMES, max(1, _MOST_TOGETHER // len(feeds)))
        ends = [min(self._passable(feed), feed.stream.passed + most) for feed in feeds]
        going = [
            (feed, end, self._inputs(feed, end))
            for feed, end in zip(feeds, ends, strict=True)
            if end > feed.stream.passed
        ]
        if not going:
            return
        states = zip(*(feed.stream.state for feed, _, _ in going), strict=True)
        outputs, after = self._lstm(
            [row for _, _, rows in going for row in rows],
            (torch.cat(next(states), dim=1), torch.cat(next(states), dim=1)),
        )
        rows = iter(outputs)
        hidden, cells = (torch.split(part, self._channels, dim=1) for part in after)
        for (feed, end, inputs), *state in zip(going, hidden, cells, strict=True):
            features = torch.stack([next(rows) for _ in inputs]).add_(inputs)
            complete = feed.complete and end == feed.codes.shape[1]
            feed.stream.take(features, (state[0], state[1]), complete=complete)

    def samples(self, features: Tensor, start: int, end: int) -> Tensor:
        """Return the sound of frames `start` to `end` of the LSTM's output, [channels, samples].

        `features`, [channels, frames, dimensions], has the frames around them as well.
        """
        sound = torch.stack([self._upsample(channel).squeeze(1) for channel in features])
        hop = self.sample_rate // self.frame_rate
        return sound[:, start * hop : end * hop].clamp(-1, 1)

    def first_state(self) -> tuple[Tensor, Tensor]:
        """Return the LSTM's state before the first frame of a clip."""
        zeros = torch.zeros(self._state_shape, device=self._device)
        return zeros, zeros

    def _passable(self, feed: Feed) -> int:
        """Return how many frames could have passed the LSTM: the first layer looks beyond them."""
        known = feed.codes.shape[1]
        return known if feed.complete else known - self._look

    def _inputs(self, feed: Feed, end: int) -> Tensor:
        """Return what the LSTM is given up to frame `end`, [channels, frames, dimensions]."""
        start = feed.stream.passed
        first = max(0, start - self._look)
        seen = self._latents(feed.codes[:, first : end + self._look])
        inputs: Tensor = self._first(seen)
        return inputs[..., start - first : end - first].transpose(1, 2)

    def _latents(self, codes: Tensor) -> Tensor:
        """Return what codes stand for, [channels, dimensions, frames]."""
        codebooks, frames = codes.shape
        split = codes.to(self._device).reshape(codebooks // self._channels, self._channels, frames)
        latents: Tensor = self._quantizer.decode(split)
        return latents


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """What there is of a clip by now."""

    stream: SoundStream
    codes: Tensor
    """From its first one on, int64 [codebooks, frames]."""
    complete: bool
    """Whether these are all of them."""


class SoundStream:
    """The sound of one clip, as far as it is decoded."""

    def __init__(self, codec: Codec) -> None:
        self.frames = 0
        """Frames that are decoded."""
        self.passed = 0
        """Frames that have passed the LSTM."""
        self.state = codec.first_state()
        """The LSTM's after these."""
        self._codec = codec
        self._complete = False
        """Whether all frames of the clip have passed it."""
        self._features: Tensor | None = None
        """Its output from frame `_from` on, [channels, frames, dimensions]."""
        self._from = 0
        self._parts: list[Tensor] = []

    @property
    def ready(self) -> int:
        """How many frames `upsample` could decode."""
        known = self.passed if self._complete else self.passed - _SIGHT
        return max(0, known - self.frames)

    def take(self, features: Tensor, state: tuple[Tensor, Tensor], *, complete: bool) -> None:
        """Take the LSTM's output for the next frames, and its state after them."""
        before = () if self._features is None else (self._features,)
        self._features = torch.cat([*before, features], dim=1)
        self.passed += features.shape[1]
        self.state = state
        self._complete = complete

    def upsample(self) -> None:
        """Decode what has passed the LSTM, at most MOST_FRAMES of it."""
        count = min(self.ready, MOST_FRAMES)
        if self._features is None or count == 0:
            return
        start = self.frames - self._from
        end = start + count
        seen = self._features[:, : end + _SIGHT]
        self._parts.append(self._codec.samples(seen, start, end).cpu())
        self.frames += count
        first = max(0, self.frames - _SIGHT)
        self._features = self._features[:, first - self._from :]
        self._from = first

    def sound(self) -> Tensor:
        """Return all that is decoded, float32 [channels, samples]."""
        return torch.cat(self._parts, dim=1)


def fold_weight_norm(module: nn.Module) -> None:
    """Turn the weights of a module's layers into plain ones."""
    for part in module.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)
