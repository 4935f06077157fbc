"""A MusicGen with random weights: every part of the real one, in any size, made in a moment.

It makes noise, no music, but it is saved as transformers saves a model and loads like any other, so
it serves wherever a model is needed and its music does not matter: in tests, and to measure speed
and memory in the sizes of a model without its weights. They are drawn so that what comes out
behaves like the real thing: codes vary with prompt and seed, and the sound is audible and does not
clip.
"""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    EncodecConfig,
    EncodecFeatureExtractor,
    GenerationConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForConditionalGeneration,
    MusicgenProcessor,
    T5Config,
    T5Tokenizer,
)

_LETTERS = string.ascii_letters + string.digits + string.punctuation
_PIECES = ("<pad>", "</s>", "<unk>", "▁", *_LETTERS)
_LOUDNESS = 0.08
"""RMS of the sound of random codes."""


@dataclass(frozen=True, slots=True)
class RandomModelSizes:
    """Sizes of a random model; the defaults are as small as is useful."""

    layers: int = 2
    hidden: int = 64
    heads: int = 4
    ffn: int = 128
    codebooks: int = 4
    channels: int = 1
    vocabulary: int = 256
    """Codes of a codebook, a power of 2."""
    text_hidden: int = 32
    text_layers: int = 1
    text_ffn: int = 64
    text_vocabulary: int = 0
    """Of the text encoder, if it shall be larger than the tokenizer needs."""
    codec_filters: int = 4
    codec_hidden: int = 16
    codec_ratios: tuple[int, ...] = (8, 5, 4, 4)
    frame_rate: int = 50


def build_random_model(
    folder: Path, sizes: RandomModelSizes | None = None, *, seed: int = 0
) -> None:
    """Make a model from `seed` and save it to `folder` as transformers does, as safetensors."""
    sizes = sizes or RandomModelSizes()
    tokenizer = _tokenizer()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = MusicgenForConditionalGeneration(random_config(sizes)).eval()  # type: ignore[no-untyped-call]
        _enliven(model.decoder)
        _make_audible(model.audio_encoder)
    model.generation_config = _generation_config(sizes)
    model.save_pretrained(folder)
    rate = model.config.audio_encoder.sampling_rate
    features = EncodecFeatureExtractor(sampling_rate=rate)
    processor = MusicgenProcessor(features, tokenizer)  # type: ignore[no-untyped-call]
    processor.save_pretrained(folder)


def random_config(sizes: RandomModelSizes) -> MusicgenConfig:
    """Return the configuration of a model of these sizes."""
    hop = math.prod(sizes.codec_ratios)
    bits = sizes.vocabulary.bit_length() - 1
    quantizers = sizes.codebooks // sizes.channels
    return MusicgenConfig(
        text_encoder=T5Config(
            vocab_size=max(len(_PIECES), sizes.text_vocabulary),
            d_model=sizes.text_hidden,
            d_kv=sizes.text_hidden // 4,
            d_ff=sizes.text_ffn,
            num_layers=sizes.text_layers,
            num_heads=4,
        ),
        audio_encoder=EncodecConfig(
            # EnCodec derives the number of its codebooks from the bandwidth in kbit/s.
            target_bandwidths=[quantizers * bits * sizes.frame_rate / 1000 + 1e-3],
            sampling_rate=hop * sizes.frame_rate,
            hidden_size=sizes.codec_hidden,
            num_filters=sizes.codec_filters,
            upsampling_ratios=list(sizes.codec_ratios),
            use_causal_conv=False,
            use_conv_shortcut=False,
            codebook_size=sizes.vocabulary,
        ),
        decoder=MusicgenDecoderConfig(
            vocab_size=sizes.vocabulary,
            num_hidden_layers=sizes.layers,
            ffn_dim=sizes.ffn,
            num_attention_heads=sizes.heads,
            hidden_size=sizes.hidden,
            num_codebooks=sizes.codebooks,
            audio_channels=sizes.channels,
            pad_token_id=sizes.vocabulary,
            bos_token_id=sizes.vocabulary,
        ),
    )


def _generation_config(sizes: RandomModelSizes) -> GenerationConfig:
    """Return what facebook/musicgen-small comes with."""
    return GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=True,
        guidance_scale=3.0,
        max_length=1500,
        pad_token_id=sizes.vocabulary,
        bos_token_id=sizes.vocabulary,
        decoder_start_token_id=sizes.vocabulary,
    )


def _tokenizer() -> T5Tokenizer:
    """Return a tokenizer that spells a prompt letter by letter."""
    return T5Tokenizer(vocab=[(piece, 0.0) for piece in _PIECES], extra_ids=0)


def _enliven(decoder: nn.Module) -> None:
    """Draw weights that keep the signal's size, where transformers' would make all codes alike."""
    for part in decoder.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=2 / math.sqrt(part.in_features))
        elif isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight)


def _make_audible(codec: Any) -> None:
    """Fill the codebooks, and set the last layer so that random codes sound at `_LOUDNESS`.

    Biases go, because a hum that is the same for all codes would drown what the codes make.
    """
    for layer in codec.quantizer.layers:
        nn.init.normal_(layer.codebook.embed)
    for part in codec.decoder.modules():
        if isinstance(part, nn.Conv1d | nn.ConvTranspose1d) and part.bias is not None:
            nn.init.zeros_(part.bias)
    quantizers = codec.config.num_quantizers
    codes = torch.randint(codec.config.codebook_size, (1, 1, quantizers, 200))
    sound = codec.decode(codes, [None]).audio_values
    scale = _LOUDNESS / sound.std()
    last = codec.decoder.layers[-1].conv
    last.weight = last.weight * scale
    last.bias.copy_(-sound.mean() * scale)
