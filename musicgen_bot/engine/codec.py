"""EnCodec's second half: from codes to sound.

The first half (sound to codes) is dropped, weight_norm is folded into plain weights, and it runs
in fp32 whatever the decoder's precision: it is needed once a clip, and is what one hears.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import EncodecModel

from musicgen_bot.engine.weights import own_copy


class Codec:
    """Turns codes into samples."""

    def __init__(self, model: EncodecModel, channels: int, device: torch.device) -> None:
        _fold_weight_norm(model.decoder)
        self._quantizer: Any = own_copy(model.quantizer, device)
        self._decoder = own_copy(model.decoder, device)
        self._channels = channels
        self._device = device
        self.sample_rate: int = model.config.sampling_rate
        self.frame_rate: int = model.config.frame_rate

    def decode(self, codes: Tensor) -> Tensor:
        """Return the sound of codes, int64 [codebooks, frames], as float32 [channels, samples].

        A frame gives sample_rate / frame_rate samples. Left and right of a stereo clip are two mono
        sounds whose codebooks are interleaved.
        """
        codebooks, frames = codes.shape
        channels = codes.to(self._device).reshape(
            codebooks // self._channels, self._channels, frames
        )
        sound: Tensor = self._decoder(self._quantizer.decode(channels))
        return sound.squeeze(1).clamp(-1, 1)


def _fold_weight_norm(module: nn.Module) -> None:
    for part in module.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)
