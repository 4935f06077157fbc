"""One step of MusicGen's decoder: from the codes of one time step to the logits of the next.

The transformer is the usual pre-norm one (self-attention, cross-attention to the prompt, a
feed-forward of two matrices), here for one position of every row. Rows that have a prompt stand
before those that have none: an unprompted row's cross-attention adds exactly zero (its context is
all zeros, and no projection has a bias), so it is only computed for the first ones.

Shapes: R rows, P of them prompted, K codebooks, V codes, C hidden, H heads, D head_dim, L cached
positions, T prompt tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from musicgen_bot.engine.cache import KeyValueCache
from musicgen_bot.engine.matrices import Matrix
from musicgen_bot.engine.weights import DecoderSizes, DecoderWeights, Layer, Norm


class Decoder:
    """The decoder's weights and what is computed with them; it keeps no state between steps."""

    def __init__(self, weights: DecoderWeights[Matrix]) -> None:
        self.weights = weights
        self.sizes = weights.sizes
        self.device = weights.embedding.device
        self.dtype = self.cache_dtype = weights.embedding.dtype
        self.start = self.sizes.vocabulary
        first_ids = torch.arange(self.sizes.codebooks) * (self.sizes.vocabulary + 1)
        self._first_ids = first_ids.to(self.device)
        self._places = torch.arange(len(weights.positions), device=self.device)

    def prompt_keys_values(self, context: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the cross-attention's keys and values of a prompt, [H, T, D] each, layer by layer.

        `context` is the encoded prompt, [T, C].
        """
        return [
            split_keys_values(layer.cross_key_value.multiply(context), self.sizes)
            for layer in self.weights.layers
        ]

    def step(
        self,
        codes: Tensor,
        positions: Tensor,
        cache: KeyValueCache,
        length: int,
        prompts: KeyValueCache,
        prompt_mask: Tensor,
    ) -> Tensor:
        """Return the logits of the next codes, [R, K, V].

        `codes`, int64 [R, K], stand at `positions`, int64 [R]. Their keys and values are written to
        `cache`, of which the first `length` positions are attended to as far as a row has come.
        `prompts` are the cross-attention's keys and values of the first P rows, and `prompt_mask`,
        [P, 1, 1, T], is added to their attention.
        """
        weights = self.weights
        ahead = self._places.narrow(0, 0, length) > positions.unsqueeze(1)  # [R, L]
        mask = torch.zeros_like(ahead, dtype=self.dtype).masked_fill_(ahead, float("-inf"))
        mask = mask.view(-1, 1, 1, length)
        here = cache.places(positions)

        x = F.embedding(codes + self._first_ids, weights.embedding).sum(1)
        x = x + weights.positions.index_select(0, positions)  # [R, C]
        prompted = len(prompt_mask)
        for number, layer in enumerate(weights.layers):
            keys, values = cache.keys[number], cache.values[number]
            x = x + self._self_attention(layer, x, here, keys, values, mask)
            if prompted:
                first = x.narrow(0, 0, prompted)  # a view: adding to it adds to x
                first += self._cross_attention(
                    layer, first, prompts.keys[number], prompts.values[number], prompt_mask
                )
            x = x + self._feed_forward(layer, x)
        logits = weights.heads.multiply(_normed(x, weights.final_norm))
        return logits.view(-1, self.sizes.codebooks, self.sizes.vocabulary)

    def _self_attention(
        self,
        layer: Layer[Matrix],
        x: Tensor,
        here: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
    ) -> Tensor:
        rows, heads, head_dim = len(x), self.sizes.heads, self.sizes.head_dim
        length = mask.shape[-1]
        fused = layer.self_query_key_value.multiply(_normed(x, layer.self_norm))
        query, key, value = fused.view(rows, 3, heads, head_dim).unbind(1)
        keys.view(-1, head_dim).index_copy_(0, here, key.reshape(-1, head_dim))
        values.view(-1, head_dim).index_copy_(0, here, value.reshape(-1, head_dim))
        attended = F.scaled_dot_product_attention(
            query.unsqueeze(2),
            keys.narrow(2, 0, length),
            values.narrow(2, 0, length),
            attn_mask=mask,
        )
        return layer.self_out.multiply(attended.reshape(rows, self.sizes.hidden))

    def _cross_attention(
        self, layer: Layer[Matrix], x: Tensor, keys: Tensor, values: Tensor, mask: Tensor
    ) -> Tensor:
        rows, heads, head_dim = len(x), self.sizes.heads, self.sizes.head_dim
        query = layer.cross_query.multiply(_normed(x, layer.cross_norm))
        attended = F.scaled_dot_product_attention(
            query.view(rows, heads, 1, head_dim), keys, values, attn_mask=mask
        )
        return layer.cross_out.multiply(attended.reshape(rows, self.sizes.hidden))

    def _feed_forward(self, layer: Layer[Matrix], x: Tensor) -> Tensor:
        raised = self.weights.activation(layer.ffn_up.multiply(_normed(x, layer.ffn_norm)))
        return layer.ffn_down.multiply(raised)


def split_keys_values(fused: Tensor, sizes: DecoderSizes) -> tuple[Tensor, Tensor]:
    """Return keys and values, [H, T, D] each, of what stands side by side, [T, 2 * C]."""
    keys, values = fused.view(len(fused), 2, sizes.heads, sizes.head_dim).unbind(1)
    return keys.transpose(0, 1), values.transpose(0, 1)


def _normed(x: Tensor, norm: Norm) -> Tensor:
    return F.layer_norm(x, (x.shape[-1],), norm.weight, norm.bias, norm.epsilon)
