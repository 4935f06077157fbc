"""The decoder's weights, taken out of transformers' modules and fused for fast steps.

Query, key and value of self-attention become one matrix, so do key and value of cross-attention,
the heads of all codebooks, and the embeddings of all codebooks. Everything is copied, because what
transformers loads lies in the mapped file, and would keep all of that in memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN
from transformers.models.musicgen.modeling_musicgen import (
    MusicgenDecoderLayer,
    MusicgenSinusoidalPositionalEmbedding,
)

M = TypeVar("M")
"""A matrix [out, in] as a decoder computes with it."""


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
class Layer(Generic[M]):
    """One decoder layer; no matrix has a bias."""

    self_norm: Norm
    self_query_key_value: M
    self_out: M
    cross_norm: Norm
    cross_query: M
    cross_key_value: M
    cross_out: M
    ffn_norm: Norm
    ffn_up: M
    ffn_down: M


@dataclass(frozen=True, slots=True, eq=False)
class DecoderWeights(Generic[M]):
    """Everything the decoder needs for a step."""

    sizes: DecoderSizes
    embedding: Tensor
    """[codebooks * (vocabulary + 1), hidden]: the tables of all codebooks, one after another."""
    positions: Tensor
    """[positions, hidden], sinusoidal."""
    layers: list[Layer[M]]
    final_norm: Norm
    heads: M
    """[codebooks * vocabulary, hidden]."""
    activation: Callable[[Tensor], Tensor]


def take_decoder(
    model: Any,
    positions: int,
    moved: Callable[[Tensor], Tensor],
    matrix: Callable[[Tensor], M],
    fine: Callable[[Tensor], M] | None = None,
) -> DecoderWeights[M]:
    """Move the decoder's weights out of a MusicgenForConditionalGeneration.

    `moved` copies a tensor to where it is wanted; `matrix` makes of a matrix [out, in], which it
    does not keep, what the decoder computes with, and `fine` does so for what is worth more bytes:
    the heads, and the keys and values of the prompt. Layers are taken one at a time and dropped
    from `model`, so that no more than one is there twice; it has no working decoder afterwards.
    `positions` is how many steps the longest clip takes.
    """
    config = model.config.decoder
    decoder = model.decoder.model.decoder
    fine = fine or matrix
    layers = []
    while len(decoder.layers):
        layers.append(_take_layer(decoder.layers[0], moved, matrix, fine))
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
        heads=fine(_fused(*model.decoder.lm_heads)),
        activation=ACT2FN[config.activation_function],
    )


def own_copy(module: nn.Module, device: torch.device) -> nn.Module:
    """Return `module` on `device`, with memory of its own.

    What transformers loads lies in the mapped file, and would keep all of it in memory.
    """
    return copy.deepcopy(module).to(device)


def copier(dtype: torch.dtype, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Return what copies a tensor to a device in another precision."""
    return lambda tensor: tensor.detach().to(device=device, dtype=dtype, copy=True)


def _take_layer(
    layer: MusicgenDecoderLayer,
    moved: Callable[[Tensor], Tensor],
    matrix: Callable[[Tensor], M],
    fine: Callable[[Tensor], M],
) -> Layer[M]:
    own, cross = layer.self_attn, layer.encoder_attn
    return Layer(
        self_norm=_take_norm(layer.self_attn_layer_norm, moved),
        self_query_key_value=matrix(_fused(own.q_proj, own.k_proj, own.v_proj)),
        self_out=matrix(_fused(own.out_proj)),
        cross_norm=_take_norm(layer.encoder_attn_layer_norm, moved),
        cross_query=matrix(_fused(cross.q_proj)),
        cross_key_value=fine(_fused(cross.k_proj, cross.v_proj)),
        cross_out=matrix(_fused(cross.out_proj)),
        ffn_norm=_take_norm(layer.final_layer_norm, moved),
        ffn_up=matrix(_fused(layer.fc1)),
        ffn_down=matrix(_fused(layer.fc2)),
    )


def _fused(*parts: nn.Linear) -> Tensor:
    weights = [part.weight.detach() for part in parts]
    return weights[0] if len(weights) == 1 else torch.cat(weights)


def _take_norm(norm: nn.LayerNorm, moved: Callable[[Tensor], Tensor]) -> Norm:
    return Norm(moved(norm.weight), moved(norm.bias), norm.eps)
