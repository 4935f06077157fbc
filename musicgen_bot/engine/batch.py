"""Clips in the making, side by side.

All rows advance one step at a time over buffers that stay where they are; only when a clip joins or
leaves are they laid out anew. Between two such changes a step asks nothing of the host: it reads
and writes each clip's delayed codes in place, each clip at its own position. On a GPU it is a graph
therefore (see `graphs.py`), one for each length that self-attention looks at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor

from musicgen_bot.engine.cache import KeyValueCache
from musicgen_bot.engine.decoder import Decoder
from musicgen_bot.engine.delay import UNKNOWN
from musicgen_bot.engine.device import one_thread
from musicgen_bot.engine.graphs import Graphs, graphs_for
from musicgen_bot.engine.layout import Layout, Track, lay_out, prompt_room, rounded_up, rows_of
from musicgen_bot.engine.native.decoder import NativeDecoder
from musicgen_bot.engine.sampling import draw, gumbel_noise

LENGTH_UNIT = 128
"""Self-attention looks at a multiple of this many positions, so that shapes repeat."""
_PREFILL = 64
"""Known codes that are taken in at once."""
_PREFILL_STEPS = 8
"""What that counts for in a slice."""
_MOST_STEPS = 32
"""Steps that noise is made for at once; bounds its memory."""


AnyDecoder = Decoder | NativeDecoder


class Batch:
    """The clips in the making, and the memory they need."""

    def __init__(self, decoder: AnyDecoder, graphs: Graphs | None = None) -> None:
        """Make a batch without clips; `graphs` are those of the decoder's device if not given."""
        self.decoder = decoder
        self._graphs = graphs or graphs_for(decoder.device)
        self.cache = KeyValueCache(decoder.sizes, decoder.cache_dtype, decoder.device)
        self._prompts = KeyValueCache(decoder.sizes, decoder.dtype, decoder.device)
        self._layout: Layout | None = None
        self.tracks: list[Track] = []

    def clear(self) -> None:
        """Drop every clip."""
        self._graphs.clear()
        self.tracks = []
        self._layout = None
        self.cache.clear()
        self._prompts.clear()

    def join(self, track: Track) -> None:
        """Take a clip in."""
        self._arrange([*self.tracks, track])
        if track.context is not None:
            row = rows_of(self.tracks).index((track.ticket, True))
            pairs = self.decoder.prompt_keys_values(track.context.to(self.decoder.dtype))
            self._prompts.fill(row, pairs)

    def leave(self, tickets: Iterable[int]) -> None:
        """Let clips go, and free their memory; tickets of other clips are ignored."""
        leaving = set(tickets)
        staying = [track for track in self.tracks if track.ticket not in leaving]
        if len(staying) < len(self.tracks):
            self._arrange(staying)

    def run(self, most: int) -> tuple[int, list[Track]]:
        """Advance all clips by at most `most` steps.

        Stops where the first clip is finished, so that no step is made for nothing. Returns how
        many steps were made, and the clips that are finished and have left.
        """
        layout = self._layout
        if layout is None:
            return 0, []
        if self._prefill(layout):
            return min(most, _PREFILL_STEPS), []
        left = min(track.steps - track.done for track in self.tracks)
        steps = min(most, left, _MOST_STEPS)
        furthest = max(track.done for track in self.tracks)
        with _threads_for(self.decoder):
            noise = self._noise(steps)
            for number in range(steps):
                length = rounded_up(furthest + number + 1, LENGTH_UNIT)
                layout.noise.copy_(noise.select(0, number))
                self._graphs.run(length, partial(self._step, layout, length))
        for track in self.tracks:
            track.done += steps
        finished = [track for track in self.tracks if track.done == track.steps]
        self.leave(track.ticket for track in finished)
        return steps, finished

    def pattern(self, track: Track) -> Tensor:
        """Return the delayed codes of a clip so far, int64 [codebooks, steps + 1]."""
        if self._layout is None or track not in self.tracks:
            return track.window.pattern
        return self._layout.codes[self.tracks.index(track), :, : track.steps + 1].cpu()

    def _prefill(self, layout: Layout) -> bool:
        """Take in some of the codes that a clip goes on from; tell whether there were any."""
        if isinstance(self.decoder, Decoder):
            return False
        for clip, track in enumerate(self.tracks):
            pattern = track.window.pattern
            # Before that, no step would draw anything.
            known = int((pattern == UNKNOWN).any(0).nonzero()[0]) - 1
            count = min(known - track.done, _PREFILL)
            if count <= 0:
                continue
            codes = pattern[:, track.done : track.done + count]
            rows = [row for row, (of, _) in enumerate(rows_of(self.tracks)) if of == track.ticket]
            mask = layout.prompt_mask
            self.decoder.prefill(codes, track.done, rows, self.cache, self._prompts, mask)
            track.done += count
            layout.positions[clip] = track.done
            return True
        return False

    def _step(self, layout: Layout, length: int) -> None:
        """Advance every clip by one step.

        All that differs from the last step lies in tensors that stay: so it can be a graph.
        """
        here = layout.positions.view(-1, 1, 1).expand(-1, layout.codes.shape[1], 1)
        codes = layout.codes.gather(2, here).squeeze(2)
        logits = self.decoder.step(
            codes.index_select(0, layout.clip_of_row),
            layout.positions.index_select(0, layout.clip_of_row),
            self.cache,
            length,
            self._prompts,
            layout.prompt_mask,
        )
        drawn = draw(
            logits.index_select(0, layout.prompted_row),
            logits.index_select(0, layout.unprompted_row),
            layout.noise,
            layout.options,
        )
        known = layout.codes.gather(2, here + 1)
        layout.codes.scatter_(2, here + 1, torch.where(known == UNKNOWN, drawn.unsqueeze(2), known))
        layout.positions.add_(1)

    def _noise(self, steps: int) -> Tensor:
        """Return the noise of the next steps, [steps, clips, codebooks, vocabulary].

        That of a greedy clip is zero, so that among equals the first code wins, as in an argmax.
        """
        sizes = self.decoder.sizes
        shape = (steps, sizes.codebooks, sizes.vocabulary)
        noise = [
            torch.zeros(shape)
            if track.request.top_k == 1
            else gumbel_noise(track.generator, *shape)
            for track in self.tracks
        ]
        return _sent(torch.stack(noise, dim=1), self.decoder.device)

    def _arrange(self, tracks: Sequence[Track]) -> None:
        """Make `tracks` the clips of the batch, and keep what those that stay have come to."""
        self._read_codes()
        before, after = rows_of(self.tracks), rows_of(tracks)
        self.tracks = list(tracks)
        if not tracks:
            self.clear()
            return
        self._graphs.clear()
        places = {row: place for place, row in enumerate(before)}
        sources = [places.get(row) for row in after]
        prompted = sum(track.prompted for track in tracks)
        room = rounded_up(max(track.steps for track in tracks), LENGTH_UNIT)
        self.cache.rearrange(sources, room)
        self._prompts.rearrange(sources[:prompted], prompt_room(tracks))
        self._layout = lay_out(tracks, self.decoder.sizes, self.decoder.dtype, self.decoder.device)

    def _read_codes(self) -> None:
        if self._layout is not None:
            for track, codes in zip(self.tracks, self._layout.codes.cpu(), strict=True):
                track.window.pattern = codes[:, : track.steps + 1].clone()


def _threads_for(decoder: AnyDecoder) -> AbstractContextManager[None]:
    """Keep PyTorch's threads out of the way of those that the compiled step has of its own.

    What is left to PyTorch around that step is too little to wake a thread for.
    """
    return one_thread() if isinstance(decoder, NativeDecoder) else nullcontext()


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a CPU's tensor on a device; a GPU fetches it by itself while the host goes on."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
