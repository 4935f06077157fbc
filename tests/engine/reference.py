"""What transformers itself makes of the same model: the reference the engine is held to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AutoProcessor,
    MusicgenForConditionalGeneration,
    StoppingCriteria,
    StoppingCriteriaList,
)

from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.generation import Codes, Samples


class _Recorder(StoppingCriteria):
    """Keeps the codes that are drawn, of which transformers' `generate` only returns the sound."""

    columns = torch.empty(0)

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: object) -> Tensor:
        self.columns = input_ids
        return torch.zeros(len(input_ids), dtype=torch.bool)


class Reference:
    """Stock transformers with the model of a folder."""

    def __init__(self, folder: Path) -> None:
        with quiet_transformers():
            self._processor = AutoProcessor.from_pretrained(folder)  # type: ignore[no-untyped-call]
            self.model: Any = MusicgenForConditionalGeneration.from_pretrained(folder)
        decoder: Any = self.model.config.decoder
        self._codebooks: int = decoder.num_codebooks
        self._channels: int = decoder.audio_channels

    def inputs(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Prompts as tokens, padded to the longest."""
        return dict(self._processor(text=list(prompts), padding=True, return_tensors="pt"))

    def greedy(
        self, inputs: dict[str, Any], frames: int, known: Codes | None = None, guidance: float = 3.0
    ) -> tuple[list[Codes], list[Samples]]:
        """Codes and sound of clips of `frames` that start with `known`."""
        given = 0 if known is None else known.shape[1]
        if known is not None:
            inputs = {**inputs, "decoder_input_ids": torch.tensor(known, dtype=torch.int64)}
        recorder = _Recorder()
        lag = self._codebooks // self._channels - 1
        with quiet_transformers():
            sound = self.model.generate(
                **{**inputs, "guidance_scale": guidance},
                do_sample=False,
                max_new_tokens=frames - given + lag,
                stopping_criteria=StoppingCriteriaList([recorder]),
            )
        columns = recorder.columns.view(len(sound), self._codebooks, -1)
        codes = [self._frames(clip.numpy(), frames, known) for clip in columns]
        return codes, list(sound.numpy())

    def _frames(self, columns: Codes, frames: int, known: Codes | None) -> Codes:
        """Undo the delay; what transformers drew in place of known codes, it drops later."""
        shifts = [1 + codebook // self._channels for codebook in range(self._codebooks)]
        rows = [row[first : first + frames] for row, first in zip(columns, shifts, strict=True)]
        codes = np.stack(rows)
        if known is not None:
            codes[:, : known.shape[1]] = known
        return codes

    def guided_logits(self, prompt: str, columns: Tensor, guidance: float) -> Tensor:
        """Logits after `columns`, int64 [codebooks, columns]: float32 [codebooks, vocabulary]."""
        inputs = self.inputs([prompt])
        with torch.inference_mode():
            prompted, unprompted = (
                self.model(
                    input_ids=inputs["input_ids"],
                    attention_mask=inputs["attention_mask"] * seen,
                    decoder_input_ids=columns,
                ).logits[:, -1]
                for seen in (1, 0)
            )
        guided: Tensor = unprompted + guidance * (prompted - unprompted)
        return guided
