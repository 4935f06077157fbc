"""The decoder's weights, taken out of transformers' modules and fused for fast steps.

Query, key and value of self-attention become one matrix, so do key and value of cross-attention,
the heads of all codebooks, and the embeddings of all codebooks. Everything is copied, because what
transformers loads lies in the mapped file, and would keep all of that in memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN
from transformers.models.musicgen.modeling_musicgen import (
    MusicgenDecoderLayer,
    MusicgenSinusoidalPositionalEmbedding,
)


@dataclass(frozen=True, slots=True)
class DecoderSizes:
    """The decoder's dimensions."""

    layers: int
    hidden: int
    heads: int
    codebooks: int
    channels: int
    """1 for mono, 2 for stereo, whose codebooks are interleaved left and right."""
    vocabulary: int
    """Codes of a codebook; the id after the last one is the start token."""

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.heads


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """A layer norm."""

    weight: Tensor
    bias: Tensor
    epsilon: float


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One decoder layer; every matrix is [out, in] and has no bias."""

    self_norm: Norm
    self_query_key_value: Tensor
    self_out: Tensor
    cross_norm: Norm
    cross_query: Tensor
    cross_key_value: Tensor
    cross_out: Tensor
    ffn_norm: Norm
    ffn_up: Tensor
    ffn_down: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class DecoderWeights:
    """Everything the decoder needs for a step."""

    sizes: DecoderSizes
    embedding: Tensor
    """[codebooks * (vocabulary + 1), hidden]: the tables of all codebooks, one after another."""
    positions: Tensor
    """[positions, hidden], sinusoidal."""
    layers: list[Layer]
    final_norm: Norm
    heads: Tensor
    """[codebooks * vocabulary, hidden]."""
    activation: Callable[[Tensor], Tensor]


def take_decoder(
    model: Any,
    positions: int,
    dtype: torch.dtype,
    device: torch.device,
) -> DecoderWeights:
    """Move the decoder's weights out of a MusicgenForConditionalGeneration.

    Layers are taken one at a time and dropped from `model`, so that no more than one is there
    twice; it has no working decoder afterwards. `positions` is how many steps the longest clip
    takes.
    """
    config = model.config.decoder
    decoder = model.decoder.model.decoder

    def moved(tensor: Tensor) -> Tensor:
        return tensor.detach().to(device=device, dtype=dtype, copy=True)

    layers = []
    while len(decoder.layers):
        layers.append(_take_layer(decoder.layers[0], moved))
        del decoder.layers[0]
    table = MusicgenSinusoidalPositionalEmbedding.get_embedding(positions, config.hidden_size)
    return DecoderWeights(
        sizes=DecoderSizes(
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            heads=config.num_attention_heads,
            codebooks=config.num_codebooks,
            channels=config.audio_channels,
            vocabulary=config.vocab_size,
        ),
        embedding=moved(torch.cat([table.weight for table in decoder.embed_tokens])),
        positions=moved(table),
        layers=layers,
        final_norm=_take_norm(decoder.layer_norm, moved),
        heads=moved(torch.cat([head.weight for head in model.decoder.lm_heads])),
        activation=ACT2FN[config.activation_function],
    )


def own_copy(module: nn.Module, device: torch.device) -> nn.Module:
    """Return `module` on `device`, with memory of its own.

    What transformers loads lies in the mapped file, and would keep all of it in memory.
    """
    return copy.deepcopy(module).to(device)


def _take_layer(layer: MusicgenDecoderLayer, moved: Callable[[Tensor], Tensor]) -> Layer:
    own, cross = layer.self_attn, layer.encoder_attn
    return Layer(
        self_norm=_take_norm(layer.self_attn_layer_norm, moved),
        self_query_key_value=moved(
            torch.cat([own.q_proj.weight, own.k_proj.weight, own.v_proj.weight])
        ),
        self_out=moved(own.out_proj.weight),
        cross_norm=_take_norm(layer.encoder_attn_layer_norm, moved),
        cross_query=moved(cross.q_proj.weight),
        cross_key_value=moved(torch.cat([cross.k_proj.weight, cross.v_proj.weight])),
        cross_out=moved(cross.out_proj.weight),
        ffn_norm=_take_norm(layer.final_layer_norm, moved),
        ffn_up=moved(layer.fc1.weight),
        ffn_down=moved(layer.fc2.weight),
    )


def _take_norm(norm: nn.LayerNorm, moved: Callable[[Tensor], Tensor]) -> Norm:
    return Norm(moved(norm.weight), moved(norm.bias), norm.eps)
