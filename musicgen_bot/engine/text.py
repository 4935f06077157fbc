"""The prompt, as the decoder's cross-attention wants it.

T5 encodes it once a clip. An empty prompt is no prompt, as in audiocraft: the end token that T5
would see is masked out, and what remains is unconditional generation.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import PreTrainedTokenizerBase

from musicgen_bot.engine.weights import own_copy


class TextEncoder:
    """T5 and the projection to the decoder's width; both compute in fp32."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        encoder: nn.Module,
        projection: nn.Module,
        device: torch.device,
        *,
        compact: bool,
    ) -> None:
        """Take modules over; with `compact` in half the memory, their weights being bfloat16."""
        self._tokenizer = tokenizer
        self._encoder = own_copy(_compacted(encoder) if compact else encoder, device)
        self._projection = own_copy(projection, device)
        self._device = device

    def encode(self, prompt: str) -> Tensor:
        """Return the prompt as a context for the decoder, float32 [tokens, hidden]."""
        ids = torch.tensor([self._tokenizer(prompt).input_ids], device=self._device)
        hidden: Tensor = self._projection(self._encoder(input_ids=ids).last_hidden_state)
        return hidden[0]


class _CompactLinear(nn.Module):
    """A linear layer that is unpacked whenever it is used."""

    weight = None
    """T5 would turn what comes in into the precision of this."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._packed: Tensor
        self.register_buffer("_packed", linear.weight.detach().to(torch.bfloat16))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self._packed.float())


class _CompactEmbedding(nn.Module):
    """A table of vectors, unpacked as far as it is read."""

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self._packed: Tensor
        self.register_buffer("_packed", embedding.weight.detach().to(torch.bfloat16))

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self._packed).float()


def _compacted(encoder: Any) -> Any:
    """Return T5 with its large weights in bfloat16; what it takes is not used any more."""
    shared = _CompactEmbedding(encoder.shared)
    for name, module in list(encoder.named_modules()):
        parent, _, child = name.rpartition(".")
        if isinstance(module, nn.Linear) and module.bias is None:
            setattr(encoder.get_submodule(parent), child, _CompactLinear(module))
    encoder.shared = shared
    encoder.encoder.embed_tokens = shared
    return encoder
