"""MusicGen as the rest of the bot sees it: requests in, clips out.

`generate` makes clips from start to end. A worker that lets clips join and leave uses `add`,
`step` and `remove` instead. An engine belongs to one thread at a time.
"""

from __future__ import annotations

import gc
import itertools
import math
import secrets
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from musicgen_bot.engine.batch import AnyDecoder, Batch
from musicgen_bot.engine.codec import WINDOW, Codec, Feed, SoundStream
from musicgen_bot.engine.delay import delayed, lag, undelayed
from musicgen_bot.engine.device import is_out_of_memory, release_memory, synchronize
from musicgen_bot.engine.encoder import Encoder
from musicgen_bot.engine.layout import Track, Window
from musicgen_bot.engine.text import TextEncoder
from musicgen_bot.errors import InvalidRequest, OutOfMemory
from musicgen_bot.generation import (
    MAX_SEED,
    Clip,
    Codes,
    GenerationRequest,
    Progress,
    Samples,
    check_continuation,
)

WINDOW_SECONDS = 30.0
"""Length that MusicGen was trained on; all its checkpoints share it."""
KEPT_SECONDS = 12.0
"""What stays in sight when the window of a longer clip moves on, as in audiocraft."""
MAX_SECONDS = 300.0
_SLICE = 50


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a slice of work came to."""

    progress: dict[int, Progress]
    """How far every clip is that is not finished, by ticket."""
    finished: dict[int, Clip]
    """The clips that are finished, and that the engine has forgotten, by ticket."""


class Engine:
    """A loaded model, and the clips it is making. Made by `load_engine`."""

    def __init__(
        self,
        model: str,
        licence: str,
        precision: str,
        text: TextEncoder,
        decoder: AnyDecoder,
        codec: Codec,
        encoder: Encoder,
    ) -> None:
        self.model = model
        self.licence = licence
        self.precision = precision
        self.device = str(decoder.device)
        self.sample_rate = codec.sample_rate
        self.frame_rate = codec.frame_rate
        self.codebooks = decoder.sizes.codebooks
        self.channels = decoder.sizes.channels
        self.max_seconds = MAX_SECONDS
        self.text = text
        self._decoder = decoder
        self._codec = codec
        self._encoder = encoder
        self.batch = Batch(decoder)
        self._undecoded: deque[Track] = deque()
        self._tickets = itertools.count(1)

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Clip]:
        """Make clips side by side, from start to end.

        Raises InvalidRequest and OutOfMemory as `add` does.
        """
        tickets: list[int] = []
        clips: dict[int, Clip] = {}
        try:
            tickets.extend(self.add(request) for request in requests)
            while len(clips) < len(tickets):
                clips.update(self.step(_SLICE).finished)
        finally:
            for ticket in tickets:
                self.remove(ticket)
        return [clips[ticket] for ticket in tickets]

    @torch.inference_mode()
    def add(self, request: GenerationRequest) -> int:
        """Take a clip into work, and return its ticket.

        Raises InvalidRequest where this model cannot make it, which changes nothing, and
        OutOfMemory, after which the engine holds no clip at all and can be used again.
        """
        frames = self._checked_frames(request)
        seed = secrets.randbelow(MAX_SEED + 1) if request.seed is None else request.seed
        request = replace(request, seed=seed)
        with self._memory_guard():
            context = self.text.encode(request.prompt) if request.prompt else None
            track = Track(
                ticket=next(self._tickets),
                request=request,
                frames=frames,
                window=self._window(self._known(request), frames),
                context=context,
                generator=torch.Generator().manual_seed(seed),
                stream=SoundStream(self._codec),
            )
            self.batch.join(track)
        return track.ticket

    @torch.inference_mode()
    def step(self, frames: int, seconds: float = math.inf) -> StepResult:
        """Advance every clip by `frames` steps of the decoder, or fewer where it is finished.

        After so many `seconds` no more steps are begun, however few there were; but some always
        are, and a GPU is asked for all of them before the time is up.

        A window of one clip is turned into sound, too: of a clip that has all its codes, or else of
        the one with the most to decode. A clip whose last window waits for the next calls is
        reported as complete until then. Raises OutOfMemory, after which the engine holds no clip at
        all and can be used again.
        """
        finished: dict[int, Clip] = {}
        deadline = time.monotonic() + seconds
        with self._memory_guard():
            while frames > 0 and self.batch.tracks:
                made, done = self.batch.run(frames)
                frames -= made
                for track in done:
                    self._move_on(track)
                if time.monotonic() >= deadline:
                    break
            self._decode()
            if self._undecoded and self._undecoded[0].stream.frames == self._undecoded[0].frames:
                track = self._undecoded.popleft()
                finished[track.ticket] = self._clip(track)
            # A GPU runs behind: only now is what was asked for done, and its errors are known.
            synchronize(self._decoder.device)
        waiting = (*self.batch.tracks, *self._undecoded)
        return StepResult({track.ticket: self._progress(track) for track in waiting}, finished)

    @torch.inference_mode()
    def remove(self, ticket: int) -> None:
        """Drop a clip; a ticket that is not, or no longer, in work is ignored.

        Raises OutOfMemory as `step` in the rare case that there is no room to move the others.
        """
        with self._memory_guard():
            self.batch.leave([ticket])
        self._undecoded = deque(track for track in self._undecoded if track.ticket != ticket)

    @torch.inference_mode()
    def decode(self, codes: Codes) -> Samples:
        """Turn codes, [codebooks, frames], into sound, [channels, samples].

        Raises InvalidRequest where they are not codes of this model, and OutOfMemory, after which
        the clips in work are still there.
        """
        self._check_codes(codes)
        with self._memory_guard(keeps_clips=True):
            sound = self._codec.decode(torch.from_numpy(codes.astype(np.int64)))
            return sound.numpy()

    @torch.inference_mode()
    def encode(self, samples: Samples, sample_rate: int) -> Codes:
        """Turn sound, [channels, samples], into the codes that a clip can go on from.

        What is more than whole frames is left out at the start. Raises InvalidRequest where the
        sound has not the model's channels and rate, or not a frame; ModelError where the model's
        files cannot be read any more; and OutOfMemory, after which the clips in work are still
        there.
        """
        if (len(samples), sample_rate) != (self.channels, self.sample_rate):
            raise InvalidRequest(
                "The audio has {channels} channels at {rate} Hz; this model expects "
                "{wanted_channels} at {wanted_rate}.",
                channels=len(samples),
                rate=sample_rate,
                wanted_channels=self.channels,
                wanted_rate=self.sample_rate,
            )
        frames = samples.shape[1] * self.frame_rate // self.sample_rate
        if frames == 0:
            raise InvalidRequest("The sound to continue is too short; use a longer one.")
        whole = samples[:, -frames * self.sample_rate // self.frame_rate :]
        with self._memory_guard(keeps_clips=True):
            features = self._encoder.features(torch.from_numpy(np.ascontiguousarray(whole)))
            return self._codec.quantized(features).numpy().astype(np.int16)

    def close(self) -> None:
        """Give the memory of the model back; the engine is of no use after that."""
        device = self._decoder.device
        del self.text, self._decoder, self._codec, self._encoder, self.batch
        self._undecoded.clear()
        # Modules refer to themselves; memory that is still in use cannot be given back.
        gc.collect()
        release_memory(device)

    def _checked_frames(self, request: GenerationRequest) -> int:
        """Return the length of a request in frames; raises InvalidRequest if it cannot be made."""
        frames = round(request.seconds * self.frame_rate)
        if request.seconds > self.max_seconds:
            raise InvalidRequest(
                "The model can make at most {most} seconds at a time, not {seconds}; please ask "
                "for a shorter clip.",
                most=self.max_seconds,
                seconds=request.seconds,
            )
        if frames == 0:
            raise InvalidRequest(
                "A clip of {seconds} seconds is too short to hear; please ask for a longer one.",
                seconds=request.seconds,
            )
        if request.continue_from is not None:
            self._check_codes(request.continue_from)
            given = request.continue_from.shape[1]
            check_continuation(given / self.frame_rate, frames / self.frame_rate)
        return frames

    def _check_codes(self, codes: Codes) -> None:
        highest = self._decoder.sizes.vocabulary - 1
        if codes.ndim != 2 or codes.shape[0] != self.codebooks or codes.shape[1] == 0:
            raise InvalidRequest(
                "For this model, the codes must be {codebooks} rows of at least one frame; use "
                "those of a clip it made.",
                codebooks=self.codebooks,
            )
        if codes.min() < 0 or codes.max() > highest:
            raise InvalidRequest(
                "For this model, the codes must be between 0 and {highest}; use those of a clip "
                "it made.",
                highest=highest,
            )

    def _known(self, request: GenerationRequest) -> Tensor:
        if request.continue_from is None:
            return torch.empty(self.codebooks, 0, dtype=torch.int64)
        return torch.from_numpy(request.continue_from.astype(np.int64))

    def _window(self, known: Tensor, frames: int, *, own: bool = False) -> Window:
        """Return the window in which a clip of so many frames goes on from its known codes.

        `own` tells that these were made for this clip.
        """
        most, kept = (round(s * self.frame_rate) for s in (WINDOW_SECONDS, KEPT_SECONDS))
        start = known.shape[1] - kept if known.shape[1] >= most else 0
        given = known[:, start:]
        length = min(most, frames - start)
        pattern = delayed(given, length, self.channels, self._decoder.start)
        return Window(known[:, :start], given.shape[1] if own else 0, pattern)

    def _move_on(self, track: Track) -> None:
        """Let a clip whose window is full go on in the next one, or be decoded to its end."""
        earlier = track.window.earlier.shape[1]
        made = earlier + track.steps - lag(self.codebooks, self.channels)
        if made == track.frames:
            self._undecoded.append(track)
            return
        track.window = self._window(self._codes(track, made), track.frames, own=True)
        track.done = 0
        self.batch.join(track)

    def _complete(self, track: Track) -> int:
        """Return how many frames have all their codes: the last codebook lags behind."""
        window = track.window
        made = max(window.given, track.done - lag(self.codebooks, self.channels))
        return window.earlier.shape[1] + made

    def _progress(self, track: Track) -> Progress:
        return Progress(self._complete(track), track.frames)

    def _codes(self, track: Track, frames: int) -> Tensor:
        """Return the first codes of a clip, int64 [codebooks, frames]."""
        earlier = track.window.earlier
        here = max(0, frames - earlier.shape[1])
        codes = undelayed(self.batch.pattern(track), here, self.channels)
        return torch.cat([earlier, codes], dim=1)[:, :frames]

    def _decode(self) -> None:
        """Do a bounded part of what lies between codes and sound.

        As soon as one clip has enough codes for it, those of all pass the codec's LSTM.
        """
        tracks = [*self._undecoded, *self.batch.tracks]
        if any(self._is_due(track) for track in tracks):
            self._codec.advance([self._feed(track) for track in tracks])
        if self._undecoded:
            self._undecoded[0].stream.upsample()
        elif tracks:
            max((track.stream for track in tracks), key=lambda stream: stream.ready).upsample()

    def _is_due(self, track: Track) -> bool:
        waiting = self._complete(track) - track.stream.passed
        return waiting >= WINDOW or (track in self._undecoded and waiting > 0)

    def _feed(self, track: Track) -> Feed:
        frames = self._complete(track)
        return Feed(track.stream, self._codes(track, frames), frames == track.frames)

    def _clip(self, track: Track) -> Clip:
        return Clip(
            codes=self._codes(track, track.frames).numpy().astype(np.int16),
            samples=track.stream.sound().numpy(),
            sample_rate=self.sample_rate,
            request=track.request,
        )

    @contextmanager
    def _memory_guard(self, *, keeps_clips: bool = False) -> Iterator[None]:
        """Turn what PyTorch raises when memory is used up into OutOfMemory, and let go of it.

        Work on the batch leaves it half done, so its clips are dropped unless `keeps_clips`.
        """
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            # The frames that failed still hold tensors.
            traceback.clear_frames(error.__traceback__)
            if not keeps_clips:
                self.batch.clear()
                self._undecoded.clear()
            release_memory(self._decoder.device)
            raise OutOfMemory(
                "The memory of {device} is full; make fewer clips at once, make shorter ones, or "
                "close other programs that use it.",
                device=self.device,
            ) from None
