"""The prompt, as the decoder's cross-attention wants it.

T5 encodes it once a clip. An empty prompt is no prompt, as in audiocraft: the end token that T5
would see is masked out, and what remains is unconditional generation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from musicgen_bot.engine.weights import own_copy


class TextEncoder:
    """T5 and the projection to the decoder's width, both in fp32."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        encoder: nn.Module,
        projection: nn.Module,
        device: torch.device,
    ) -> None:
        self._tokenizer = tokenizer
        self._encoder = own_copy(encoder, device)
        self._projection = own_copy(projection, device)
        self._device = device

    def encode(self, prompt: str) -> Tensor:
        """Return the prompt as a context for the decoder, float32 [tokens, hidden]."""
        ids = torch.tensor([self._tokenizer(prompt).input_ids], device=self._device)
        hidden: Tensor = self._projection(self._encoder(input_ids=ids).last_hidden_state)
        return hidden[0]
