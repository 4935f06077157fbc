"""Only the rows that are needed are computed, the prompted ones first."""

from __future__ import annotations

from typing import cast

import torch

from musicgen_bot.engine.codec import SoundStream
from musicgen_bot.engine.layout import Track, Window, rows_of
from musicgen_bot.generation import GenerationRequest


def track(ticket: int, prompt_tokens: int, guidance: float = 3.0) -> Track:
    request = GenerationRequest("lofi" if prompt_tokens else "", guidance=guidance)
    stream = cast(SoundStream, None)
    window = Window(torch.zeros(4, 0), 0, torch.zeros(4, 10))
    context = torch.zeros(prompt_tokens, 64) if prompt_tokens else None
    return Track(ticket, request, 6, window, context, torch.Generator(), stream)


def test_a_guided_clip_has_two_rows_and_others_have_one() -> None:
    tracks = [track(1, 0), track(2, 5), track(3, 7, guidance=1.0)]
    assert rows_of(tracks) == [(2, True), (3, True), (1, False), (2, False)]
