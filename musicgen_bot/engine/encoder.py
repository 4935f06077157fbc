"""EnCodec's first half: from sound to what its quantiser makes codes of, a window at a time.

Few clips go on from a sound that is no clip of this model, so the encoder (28 M parameters of
musicgen-small) is read from the model's files when one does, and let go of afterwards.

The layers before the LSTM look no further than a frame to either side, so the memory they take does
not grow with the sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import EncodecConfig
from transformers.models.encodec.modeling_encodec import EncodecEncoder

from musicgen_bot.engine.codec import fold_weight_norm
from musicgen_bot.engine.device import is_out_of_memory
from musicgen_bot.errors import ModelError

WINDOW = 100
"""Frames that are encoded at once."""
_SIGHT = 2
"""Frames to either side that the layers before the LSTM are given; they look at fewer than 2."""
_PREFIX = "audio_encoder.encoder."
"""Of the encoder's weights in a model's files."""
_AFTER_FRAMES = 3
"""Layers at the end that work on frames: the LSTM, what makes it non-linear, and the last."""


class Encoder:
    """Turns sound into features, and holds nothing in memory while it does not."""

    def __init__(self, files: Sequence[Path], config: EncodecConfig, device: torch.device) -> None:
        """Read the weights from `files`, all those of the model, when they are needed."""
        self._files = files
        self._config = config
        self._device = device

    def features(self, sound: Tensor) -> Tensor:
        """Return the features of float32 [channels, samples], as [channels, dimensions, frames].

        The channels are encoded on their own; the samples must be those of whole frames. Raises
        ModelError where the model's files cannot be read any more.
        """
        layers = self._read().layers
        before, after = layers[:-_AFTER_FRAMES], layers[-_AFTER_FRAMES:]
        hop = self._config.hop_length
        frames = sound.shape[1] // hop
        parts = []
        for start in range(0, frames, WINDOW):
            end = min(start + WINDOW, frames)
            first, last = max(0, start - _SIGHT), min(frames, end + _SIGHT)
            x = sound[:, None, first * hop : last * hop].to(self._device)
            for layer in before:
                x = layer(x)
            parts.append(x[..., start - first : end - first])
        x = torch.cat(parts, dim=2)
        for layer in after:
            x = layer(x)
        return x

    def _read(self) -> EncodecEncoder:
        weights: dict[str, Tensor] = {}
        try:
            for path in self._files:
                with safe_open(path, framework="pt") as file:
                    # SIM118: a file of tensors is no mapping, and cannot be iterated over.
                    names = [name for name in file.keys() if name.startswith(_PREFIX)]  # noqa: SIM118
                    weights |= {name.removeprefix(_PREFIX): file.get_tensor(name) for name in names}
            encoder = EncodecEncoder(self._config)
            encoder.load_state_dict(weights)
        except (OSError, SafetensorError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            raise ModelError(
                "The model's files cannot be read any more; please ask the host to put them back "
                "and to start the bot again."
            ) from error
        fold_weight_norm(encoder)
        return encoder.to(self._device).eval()
