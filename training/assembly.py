"""Puts the trained parts together and saves them as transformers saves any MusicGen, in fp16."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from transformers import EncodecFeatureExtractor, MusicgenProcessor, PreTrainedTokenizerBase

SHARPNESS = 1.15
"""What the heads are multiplied by, so that the model plays at its best at temperature 1."""


def save_checkpoint(model: Any, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write weights, configuration, tokenizer and processor to `folder`.

    `model` is a MusicgenForConditionalGeneration; it stays as it is.
    """
    finished = copy.deepcopy(model).eval()
    with torch.no_grad():
        for head in finished.decoder.lm_heads:
            head.weight.mul_(SHARPNESS)
    finished.half().save_pretrained(folder)
    features = EncodecFeatureExtractor(sampling_rate=finished.config.audio_encoder.sampling_rate)
    processor = MusicgenProcessor(features, tokenizer)  # type: ignore[no-untyped-call]
    processor.save_pretrained(folder)
