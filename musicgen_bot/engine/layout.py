"""How clips in the making share the rows of a batch.

A clip has one row of the decoder, or two: one that sees the prompt and, for guidance, one that does
not. The prompted rows of all clips stand first, because only they need cross-attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from musicgen_bot.engine.codec import SoundStream
from musicgen_bot.engine.sampling import SamplingOptions
from musicgen_bot.engine.weights import DecoderSizes
from musicgen_bot.generation import GenerationRequest

PROMPT_UNIT = 16
"""Prompts are padded to a multiple of this many tokens, so that shapes repeat."""

Row = tuple[int, bool]
"""A clip's ticket, and whether this row of it sees the prompt."""


@dataclass(slots=True, eq=False)
class Window:
    """The part of a clip that the model has in sight; a clip of 30 s or less is one window."""

    earlier: Tensor
    """Codes that are out of sight, int64 [codebooks, frames]."""
    given: int
    """Frames of this window that an earlier one has made."""
    pattern: Tensor
    """The delayed codes, int64 [codebooks, steps + 1], as they were when the batch last changed."""


@dataclass(slots=True, eq=False)
class Track:
    """A clip in the making, as the host sees it."""

    ticket: int
    request: GenerationRequest
    frames: int
    """Of the whole clip."""
    window: Window
    """What of it is being made."""
    context: Tensor | None
    """The encoded prompt, [tokens, hidden]."""
    generator: torch.Generator
    stream: SoundStream
    """The sound of what is made."""
    done: int = 0
    """Steps made in this window."""

    @property
    def prompt_tokens(self) -> int:
        """0 without a prompt."""
        return 0 if self.context is None else len(self.context)

    @property
    def steps(self) -> int:
        """Steps the window takes."""
        return self.window.pattern.shape[1] - 1

    @property
    def prompted(self) -> bool:
        """Whether the clip has a row that sees a prompt."""
        return self.prompt_tokens > 0

    @property
    def unprompted(self) -> bool:
        """Whether the clip has a row that sees no prompt."""
        return not self.prompted or self.request.guidance > 1


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What a step reads and writes besides the caches, for C clips in R rows."""

    codes: Tensor
    """The clips' delayed codes, int64 [C, codebooks, longest]."""
    positions: Tensor
    """Where each clip is, int64 [C]."""
    clip_of_row: Tensor
    """int64 [R]."""
    prompted_row: Tensor
    """Each clip's row that sees the prompt, or its only one, int64 [C]."""
    unprompted_row: Tensor
    """Each clip's row that sees no prompt, or its only one, int64 [C]."""
    prompt_mask: Tensor
    """Added to cross-attention's scores, [prompted rows, 1, 1, tokens]."""
    options: SamplingOptions
    noise: Tensor
    """Of the next step, float32 [C, codebooks, vocabulary]."""


def rows_of(tracks: Sequence[Track]) -> list[Row]:
    """Return the rows of a batch, in order."""
    prompted = [(track.ticket, True) for track in tracks if track.prompted]
    unprompted = [(track.ticket, False) for track in tracks if track.unprompted]
    return prompted + unprompted


def prompt_room(tracks: Sequence[Track]) -> int:
    """Return the tokens that cross-attention needs room for."""
    return rounded_up(max((track.prompt_tokens for track in tracks), default=0), PROMPT_UNIT)


def lay_out(
    tracks: Sequence[Track], sizes: DecoderSizes, dtype: torch.dtype, device: torch.device
) -> Layout:
    """Put the clips' state into the tensors that a step works on."""
    rows = rows_of(tracks)
    clips = {track.ticket: number for number, track in enumerate(tracks)}

    def row(track: Track, prompted: bool) -> int:
        wanted = (track.ticket, prompted)
        return rows.index(wanted if wanted in rows else (track.ticket, not prompted))

    def integers(values: list[int]) -> Tensor:
        return torch.tensor(values, device=device)

    return Layout(
        codes=_stacked_patterns(tracks, sizes).to(device),
        positions=integers([track.done for track in tracks]),
        clip_of_row=integers([clips[ticket] for ticket, _ in rows]),
        prompted_row=integers([row(track, True) for track in tracks]),
        unprompted_row=integers([row(track, False) for track in tracks]),
        prompt_mask=_prompt_mask(tracks, dtype).to(device),
        options=_options(tracks, sizes.vocabulary, device),
        noise=torch.empty(len(tracks), sizes.codebooks, sizes.vocabulary, device=device),
    )


def rounded_up(number: int, unit: int) -> int:
    """Return the least multiple of `unit` that is `number` or more."""
    return -(-number // unit) * unit


def _stacked_patterns(tracks: Sequence[Track], sizes: DecoderSizes) -> Tensor:
    longest = max(track.steps for track in tracks) + 1
    codes = torch.full((len(tracks), sizes.codebooks, longest), sizes.vocabulary)
    for clip, track in zip(codes, tracks, strict=True):
        clip[:, : track.steps + 1] = track.window.pattern
    return codes


def _prompt_mask(tracks: Sequence[Track], dtype: torch.dtype) -> Tensor:
    lengths = torch.tensor([track.prompt_tokens for track in tracks if track.prompted])
    padding = torch.arange(prompt_room(tracks)) >= lengths.unsqueeze(1)
    mask = torch.zeros(padding.shape, dtype=dtype).masked_fill_(padding, float("-inf"))
    return mask.view(len(lengths), 1, 1, -1) if len(lengths) else mask.view(0, 1, 1, 0)


def _options(tracks: Sequence[Track], vocabulary: int, device: torch.device) -> SamplingOptions:
    requests = [track.request for track in tracks]
    top_k = [min(request.top_k, vocabulary) for request in requests]
    return SamplingOptions(
        guidance=_column([request.guidance for request in requests], device),
        temperature=_column([request.temperature for request in requests], device),
        top_k=_column(top_k, device),
        largest_top_k=max(top_k),
    )


def _column(values: Sequence[float], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device).view(-1, 1, 1)
