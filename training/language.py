"""The bundled model's language model: a T5 that reads the caption, a decoder that plays to it.

They are transformers' own modules, put together as every MusicGen is. `LanguageModel` is these
modules in training: it takes whole pieces, and says how much each of their codes surprised it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import (
    EncodecModel,
    GenerationConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerBase,
    T5Config,
)

from training.bank import CODES, Stem
from training.batches import Batch
from training.factors import start_from_factors

_SLOWEST = 40
"""Numbers from here on may be tempos."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of the language model; the defaults are those of the bundled model."""

    hidden: int = 192
    layers: int = 5
    heads: int = 3
    text_hidden: int = 128
    text_layers: int = 2
    text_heads: int = 4


def build_model(
    stems: Sequence[Stem],
    tokenizer: PreTrainedTokenizerBase,
    codec: EncodecModel,
    sizes: Sizes | None = None,
    *,
    seed: int = 0,
) -> Any:
    """Return an untrained MusicgenForConditionalGeneration around `codec`."""
    sizes = sizes or Sizes()
    config = MusicgenConfig(
        text_encoder=_text_config(sizes, len(tokenizer)),
        audio_encoder=codec.config,
        decoder=_decoder_config(sizes, len(stems)),
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = MusicgenForConditionalGeneration(config)
        model.audio_encoder = codec
        # Large enough that the cross-attention has something to say from the first step on.
        nn.init.normal_(model.enc_to_dec_proj.weight, std=2 / sizes.text_hidden**0.5)
        _order_numbers(model.text_encoder.shared.weight, tokenizer)
        start_from_factors(model.decoder, stems)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=True,
        guidance_scale=3.0,
        max_length=1500,
        pad_token_id=CODES,
        bos_token_id=CODES,
        decoder_start_token_id=CODES,
    )
    return model


class LanguageModel(nn.Module):
    """Text encoder, projection and decoder of a MusicGen, which it shares with that model."""

    def __init__(self, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.text_encoder = model.text_encoder
        self.projection = model.enc_to_dec_proj
        self.decoder = model.decoder
        self._tokenizer = tokenizer
        # In bf16 on a CPU, two matrix products are faster than PyTorch's fused attention.
        self.decoder.set_attn_implementation("eager")

    def read(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """Return captions as contexts for the decoder, [captions, tokens, hidden].

        The second tensor, int64 [captions, tokens], is 0 where a caption is padded.
        """
        tokens = self._tokenizer(captions, padding=True, return_tensors="pt")
        mask: Tensor = tokens.attention_mask
        states = self.text_encoder(input_ids=tokens.input_ids, attention_mask=mask)
        return self.projection(states.last_hidden_state), mask

    def forward(self, captions: list[str], codes: Tensor, told: Tensor | None = None) -> Tensor:
        """Return the cross-entropy of every code, [pieces, stems, frames].

        `codes` is int64 [pieces, stems, frames]. Where `told`, bool [pieces], is False, the
        caption is withheld: its context is all zeros, as in the unprompted rows of guidance.
        """
        context, mask = self.read(captions)
        if told is not None:
            context = context * told[:, None, None]
        frames = codes.shape[2]
        hidden: Tensor = self.decoder.model.decoder(
            input_ids=_delayed(codes, self.decoder.config.bos_token_id),
            encoder_hidden_states=context,
            encoder_attention_mask=mask,
            use_cache=False,
        ).last_hidden_state
        losses = []
        for stem, head in enumerate(self.decoder.lm_heads):
            # Having seen the codes before column s + 1, the decoder predicts frame s - stem.
            logits = head(hidden[:, stem : stem + frames]).float().flatten(0, 1)
            losses.append(F.cross_entropy(logits, codes[:, stem].flatten(), reduction="none"))
        return torch.stack(losses, dim=1).view(-1, frames, len(losses)).mT


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Cross-entropy, in nats a code, on pieces that the model was not trained on."""

    codes: list[float]
    """Of all codes, stem by stem."""
    decisions: float
    """Of those where something new happens."""
    decisions_shuffled: float
    """The same with each piece given another one's caption."""


@torch.inference_mode()
def held_out(model: LanguageModel, batch: Batch) -> HeldOut:
    """Return how well the model predicts pieces, and how much of it is due to their captions."""
    matched = model(batch.captions, batch.codes)
    shuffled = model([*batch.captions[1:], batch.captions[0]], batch.codes)
    return HeldOut(
        codes=stem_losses(matched, batch).tolist(),
        decisions=matched[batch.decisions].mean().item(),
        decisions_shuffled=shuffled[batch.decisions].mean().item(),
    )


def stem_losses(losses: Tensor, batch: Batch) -> Tensor:
    """Return the mean of `losses`, [pieces, stems, frames], of each stem over what counts."""
    return (losses * batch.counted[:, None]).sum((0, 2)) / batch.counted.sum()


def _order_numbers(embeddings: Tensor, tokenizer: PreTrainedTokenizerBase) -> None:
    """Start the embeddings, [pieces, hidden], of numbers such that near tempos are alike.

    They are random Fourier features (Rahimi and Recht, 2007) of the number's logarithm, some as
    fine as from one beat a minute to the next and some as coarse as from slow to fast.
    """
    numbers = {
        int(word[1:]): piece for word, piece in tokenizer.get_vocab().items() if word[1:].isdigit()
    }
    places = torch.tensor([number for number in numbers if number >= _SLOWEST])
    hidden = embeddings.shape[1]
    reach = torch.exp(torch.empty(hidden).uniform_(math.log(0.01), math.log(0.5)))
    angles = places.log()[:, None] * torch.randn(hidden) / reach + 2 * math.pi * torch.rand(hidden)
    embeddings[[numbers[int(place)] for place in places]] = 2**0.5 * torch.cos(angles)


def _delayed(codes: Tensor, start: int) -> Tensor:
    """Spread pieces over time as `musicgen_bot.engine.delay` does, but for the last column.

    Returns int64 [pieces * stems, frames + stems - 1], as transformers' decoder wants it.
    """
    pieces, stems, frames = codes.shape
    columns = codes.new_full((pieces, stems, frames + stems), start)
    for stem in range(stems):
        columns[:, stem, 1 + stem : 1 + stem + frames] = codes[:, stem]
    return columns[..., :-1].reshape(pieces * stems, -1)


def _text_config(sizes: Sizes, vocabulary: int) -> T5Config:
    return T5Config(
        vocab_size=vocabulary,
        d_model=sizes.text_hidden,
        d_kv=sizes.text_hidden // sizes.text_heads,
        d_ff=4 * sizes.text_hidden,
        num_layers=sizes.text_layers,
        num_heads=sizes.text_heads,
        dropout_rate=0.0,
    )


def _decoder_config(sizes: Sizes, stems: int) -> MusicgenDecoderConfig:
    return MusicgenDecoderConfig(
        vocab_size=CODES,
        num_hidden_layers=sizes.layers,
        ffn_dim=4 * sizes.hidden,
        num_attention_heads=sizes.heads,
        hidden_size=sizes.hidden,
        num_codebooks=stems,
        pad_token_id=CODES,
        bos_token_id=CODES,
        dropout=0.0,
    )
