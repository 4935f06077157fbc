"""How much memory a model will need, told before it is loaded."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from transformers import MusicgenConfig, MusicgenForConditionalGeneration

from musicgen_bot.engine.batch import LENGTH_UNIT
from musicgen_bot.engine.delay import lag
from musicgen_bot.engine.device import PRECISIONS
from musicgen_bot.engine.layout import rounded_up
from musicgen_bot.engine.quiet import quiet_transformers

_PROMPT_TOKENS = 64
"""Of a long prompt."""
_CODEC_TENSORS = 5
"""Tensors of the codec's widest layer that are there at once; measured."""
_FP32_BYTES = 4


def estimate_memory(config: MusicgenConfig, precision: str, slots: int, seconds: float) -> int:
    """Return the bytes a loaded model needs while it makes `slots` clips of `seconds` at once.

    `precision` is one of PRECISIONS. Python and PyTorch themselves (about half a gigabyte) are not
    counted.
    """
    with torch.device("meta"), quiet_transformers():
        model: Any = MusicgenForConditionalGeneration(config)
    size = PRECISIONS[precision].itemsize
    codec = _parameters(model.audio_encoder.decoder) + _buffers(model.audio_encoder.quantizer)
    text = _parameters(model.text_encoder)
    if hasattr(model, "enc_to_dec_proj"):
        text += _parameters(model.enc_to_dec_proj)
    weights = _parameters(model.decoder) * size + (codec + text) * _FP32_BYTES
    return weights + slots * _cache_bytes(config, seconds, size) + _codec_bytes(config, seconds)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _buffers(module: nn.Module) -> int:
    return sum(buffer.numel() for buffer in module.buffers())


def _cache_bytes(config: Any, seconds: float, size: int) -> int:
    """Return what the keys and values of one guided clip take."""
    decoder = config.decoder
    steps = round(seconds * config.audio_encoder.frame_rate)
    steps += lag(decoder.num_codebooks, decoder.audio_channels)
    positions = 2 * rounded_up(steps, LENGTH_UNIT) + _PROMPT_TOKENS
    return int(2 * decoder.num_hidden_layers * decoder.hidden_size * positions * size)


def _codec_bytes(config: Any, seconds: float) -> int:
    """Return what turning one clip into sound takes: its last layers are the widest."""
    samples = math.ceil(seconds * config.audio_encoder.sampling_rate)
    wide = samples * config.audio_encoder.num_filters * config.decoder.audio_channels
    return int(_CODEC_TENSORS * wide * _FP32_BYTES)
