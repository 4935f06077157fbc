"""How much memory a model will need, told before it is loaded."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import MusicgenConfig, MusicgenForConditionalGeneration
from transformers.models.encodec.modeling_encodec import EncodecEncoder

from musicgen_bot.engine.batch import LENGTH_UNIT
from musicgen_bot.engine.cache import cell_bytes
from musicgen_bot.engine.codec import MOST_FRAMES
from musicgen_bot.engine.delay import lag
from musicgen_bot.engine.device import PRECISIONS, QUANTISED, why_not_compiled, working_dtype
from musicgen_bot.engine.encoder import WINDOW as ENCODER_WINDOW
from musicgen_bot.engine.layout import rounded_up
from musicgen_bot.engine.native.packing import GROUP
from musicgen_bot.engine.quiet import quiet_transformers

_PROMPT_TOKENS = 64
"""Of a long prompt."""
_CODEC_TENSORS = 5
"""Tensors of the codec's widest layer that are there at once; measured."""
_PROCESS_BYTES = 380_000_000
"""Of a process that has imported PyTorch and transformers; measured."""
_FP32_BYTES = 4
_HALF_BYTES = 2


def estimate_memory(
    config: MusicgenConfig, precision: str, slots: int, seconds: float, device: torch.device
) -> int:
    """Return the bytes a loaded model needs while it makes `slots` clips of `seconds` at once.

    `precision` is one of PRECISIONS or QUANTISED that is to be had on `device`. Python and PyTorch
    themselves count where they share the model's memory, which is on a CPU.
    """
    process = _PROCESS_BYTES if device.type == "cpu" else 0
    caches = slots * _cache_bytes(config, seconds, precision, device)
    listening = _encoder_bytes(config) + _codec_bytes(config, ENCODER_WINDOW)
    codec = max(_codec_bytes(config, MOST_FRAMES), listening)
    return process + weight_bytes(config, precision, device) + caches + codec


def weight_bytes(config: MusicgenConfig, precision: str, device: torch.device) -> int:
    """Return the bytes of the weights that a loaded model keeps."""
    with torch.device("meta"), quiet_transformers():
        model: Any = MusicgenForConditionalGeneration(config)
    codec = _parameters(model.audio_encoder.decoder) + _buffers(model.audio_encoder.quantizer)
    codec += _parameters(getattr(model, "enc_to_dec_proj", nn.Identity()))
    text_size = _FP32_BYTES if precision in PRECISIONS else _HALF_BYTES
    text = _parameters(model.text_encoder) * text_size
    return _decoder_bytes(model, precision, device) + codec * _FP32_BYTES + text


def _encoder_bytes(config: Any) -> int:
    """Return what the codec's first half takes, which is there only while a sound is read."""
    with torch.device("meta"), quiet_transformers():
        return _FP32_BYTES * _parameters(EncodecEncoder(config.audio_encoder))


def _decoder_bytes(model: Any, precision: str, device: torch.device) -> int:
    everything = _parameters(model.decoder)
    if precision in PRECISIONS:
        return everything * PRECISIONS[precision].itemsize
    layers = model.decoder.model.decoder.layers
    prompt: int = sum(part.encoder_attn.k_proj.weight.numel() * 2 for part in layers)
    heads: int = sum(head.weight.numel() for head in model.decoder.lm_heads)
    matrices: int = (
        sum(weight.numel() for weight in layers.parameters() if weight.dim() == 2) - prompt
    )
    bits = QUANTISED[precision]
    packed = matrices * bits // 8
    if bits == 4:
        packed += matrices // GROUP * _HALF_BYTES
    rest = everything - matrices - prompt - heads
    return packed + prompt + heads + rest * working_dtype(precision, device).itemsize


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _buffers(module: nn.Module) -> int:
    return sum(buffer.numel() for buffer in module.buffers())


def _cache_bytes(config: Any, seconds: float, precision: str, device: torch.device) -> int:
    """Return what the keys and values of one guided clip take."""
    decoder = config.decoder
    steps = round(seconds * config.audio_encoder.frame_rate)
    steps += lag(decoder.num_codebooks, decoder.audio_channels)
    heads = decoder.num_attention_heads
    head_dim = decoder.hidden_size // heads
    if precision in QUANTISED and device.type == "cpu" and not why_not_compiled(decoder):
        own, prompt = (cell_bytes(head_dim, dtype) for dtype in (torch.int8, torch.bfloat16))
    else:
        own = prompt = cell_bytes(head_dim, working_dtype(precision, device))
    cells = 2 * rounded_up(steps, LENGTH_UNIT) * own + _PROMPT_TOKENS * prompt
    return int(2 * decoder.num_hidden_layers * heads * cells)


def _codec_bytes(config: Any, frames: int) -> int:
    """Return what turning a window of codes into sound, or back, takes: its finest layers.

    The channels of a stereo clip go through them one after another.
    """
    samples = frames * config.audio_encoder.sampling_rate // config.audio_encoder.frame_rate
    return int(_CODEC_TENSORS * samples * config.audio_encoder.num_filters * _FP32_BYTES)
