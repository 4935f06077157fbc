"""A model's configuration: read, and refused where no MusicGen can be built of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from transformers import MusicgenConfig
from transformers.activations import ACT2FN

from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.errors import ModelError

CONFIG = "config.json"
ADAPTER = "adapter_config.json"
"""Lies beside what PEFT has trained, of which LoRA is one kind."""
_ADAPTERS = (ADAPTER, "adapter_model.safetensors", "adapter_model.bin")
_KINDS = ["musicgen", "t5", "encodec"]
_SIZES = {
    "text_encoder": (
        *("vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads"),
        *("relative_attention_num_buckets", "relative_attention_max_distance"),
    ),
    "audio_encoder": (
        *("sampling_rate", "audio_channels", "hidden_size", "num_filters", "num_lstm_layers"),
        *("num_residual_layers", "kernel_size", "last_kernel_size", "residual_kernel_size"),
        *("dilation_growth_rate", "compress", "codebook_size", "codebook_dim"),
        *("target_bandwidths", "upsampling_ratios"),
    ),
    "decoder": (
        *("vocab_size", "hidden_size", "ffn_dim", "num_hidden_layers", "num_attention_heads"),
        *("num_codebooks", "audio_channels"),
    ),
}
"""What is a size in each part, and therefore more than 0; in lists all of it is."""
_LEAST_HIDDEN = 4
"""With less, there would be one frequency of the positions, and no distance between two."""


def read_config(folder: Path, model: str) -> MusicgenConfig:
    """Return the configuration in a model's folder.

    Raises ModelError if it is not MusicGen's, if no model can have its sizes, or if an adapter
    lies beside it, which would be left out.
    """
    if any((folder / name).exists() for name in _ADAPTERS):
        raise ModelError(
            f"The model {model} has an adapter (such as LoRA), which the bot does not apply; merge "
            "it into its base model with PEFT's merge_and_unload, save that with save_pretrained, "
            "and give the folder of the result."
        )
    path = folder / CONFIG
    obstacle = None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kinds = [content.get("model_type")]
        if kinds == ["musicgen"]:
            with quiet_transformers():
                config: Any = MusicgenConfig.from_pretrained(folder)
            kinds += [config.text_encoder.model_type, config.audio_encoder.model_type]
        if kinds == _KINDS:
            obstacle = next(_impossible_sizes(config), None) or next(_unfitting_sizes(config), None)
    except FileNotFoundError:
        raise ModelError(
            f"The model {model} has no {CONFIG}; give a folder that transformers saved, or a "
            "name such as facebook/musicgen-small."
        ) from None
    except Exception as error:  # transformers raises what it likes on a configuration it dislikes
        raise _unusable(model, first_line(error)) from error
    if kinds != _KINDS:
        raise ModelError(
            f"The model {model} is no MusicGen (it says {kinds[-1]}), but the bot runs nothing "
            "else; choose one such as facebook/musicgen-small."
        )
    if obstacle:
        raise _unusable(model, obstacle)
    return cast("MusicgenConfig", config)


def first_line(error: Exception) -> str:
    """Return what a library's error says, without the pages that follow."""
    return str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__


def _unusable(model: str, reason: str) -> ModelError:
    return ModelError(
        f"The {CONFIG} of the model {model} cannot be used ({reason}); download the model again."
    )


def _impossible_sizes(config: Any) -> Iterator[str]:
    """Yield which sizes are none, in words."""
    for part, names in _SIZES.items():
        for name in names:
            value = getattr(getattr(config, part), name)
            sizes = value if isinstance(value, list | tuple) else [value]
            if not sizes or any(not size or size < 0 for size in sizes):
                yield f"{name} of the {part} is {value}, which is no size"


def _unfitting_sizes(config: Any) -> Iterator[str]:
    """Yield which sizes do not go together, in words; each of them is more than 0."""
    decoder, codec = config.decoder, config.audio_encoder
    hidden, heads = decoder.hidden_size, decoder.num_attention_heads
    if hidden % heads or hidden < _LEAST_HIDDEN:
        yield f"a hidden_size of {hidden} cannot be shared by {heads} attention heads"
    if decoder.activation_function not in ACT2FN:
        yield f"there is no activation function {decoder.activation_function}"
    if codec.sampling_rate % codec.hop_length:
        yield f"a second of {codec.sampling_rate} samples is not a whole number of frames"
    codebooks, channels = decoder.num_codebooks, decoder.audio_channels
    if codebooks % channels or codebooks > channels * codec.num_quantizers:
        yield (
            f"{codebooks} codebooks do not fit a codec of {codec.num_quantizers} and {channels} "
            "channels"
        )
    if decoder.vocab_size > codec.codebook_size:
        yield f"the codec knows {codec.codebook_size} codes, the decoder {decoder.vocab_size}"
