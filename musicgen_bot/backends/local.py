"""The one worker that owns the model on this machine.

The engine is synchronous and not thread-safe, so a single thread touches it, and a single
coroutine hands that thread its work: a slice of about a third of a second, then the next. Between
slices the coroutine lets cancelled jobs go, lets new ones in, and publishes progress; the event
loop is free all the while.

A model that nobody has asked anything of for long can be let go; what is asked next loads it again.

When the device runs out of memory, everything that was in the batch is let go and made again one by
one: the same seed gives the same clip, so nobody loses more than time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from musicgen_bot.backends.engine_thread import EngineThread
from musicgen_bot.errors import GenerationError, MusicgenBotError, OutOfMemory
from musicgen_bot.generation import Clip, Codes, GenerationRequest, Progress, Samples

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine, StepResult

SLICE_SECONDS = 0.3
FIRST_SLICE_FRAMES = 5
LONGEST_SLICE_FRAMES = 500
SPEED_HALF_LIFE_SECONDS = 30.0
"""Of busy time, after which a measurement counts half for the speed."""

NOTHING_DONE = Progress(frames=0, total=1)

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class _Work:
    """A request on its way through the worker."""

    request: GenerationRequest
    on_progress: Callable[[Progress], None]
    clip: asyncio.Future[Clip]
    progress: Progress = NOTHING_DONE
    alone: bool = False
    """Set after the device ran out of memory: nothing else may run beside it."""

    @property
    def frames(self) -> int:
        """How many frames are there; those that it goes on from need not be made."""
        given = self.request.continue_from
        return max(self.progress.frames, 0 if given is None else given.shape[1])


@dataclass(slots=True)
class _Speed:
    """What was measured of late."""

    music: float = 0.0
    """Seconds of music."""
    busy: float = 0.0
    """Seconds it took to make them."""

    def note(self, music: float, busy: float) -> None:
        """Add a measurement, and let those before it fade."""
        fade = 0.5 ** (busy / SPEED_HALF_LIFE_SECONDS)
        self.music = fade * self.music + music
        self.busy = fade * self.busy + busy


class LocalBackend:
    """A Backend on this machine's own device. Made by `LocalBackend.load`, ended by `close`."""

    def __init__(
        self, thread: EngineThread, slots: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.slots = slots
        self.facts = thread.facts
        self._thread = thread
        self._clock = clock
        self._used_at = clock()
        self._turn = asyncio.Lock()
        """Held while clips come, go and are worked on: in between, all that is known is settled."""
        self._inbox: deque[_Work] = deque()
        self._active: dict[int, _Work] = {}
        self._news = asyncio.Event()
        self._seconds_per_frame: float | None = None
        self._latest = _Speed()
        self._speeds: dict[int, _Speed] = {}
        """Of each number of clips at once."""
        self._worker = asyncio.create_task(self._work(), name="GPU worker")

    @classmethod
    async def load(cls, load_engine: Callable[[], Engine], slots: int) -> Self:
        """Load the model on the thread that will own it. Raises ModelError."""
        return cls(await EngineThread.load(load_engine), slots)

    @property
    def model(self) -> str:
        """Name of the model, as the host gave it."""
        return self.facts.model

    @property
    def is_loaded(self) -> bool:
        """Whether the model is there; if not, what is asked for next waits until it is."""
        return self._thread.is_loaded

    @property
    def speed(self) -> float | None:
        """Seconds of music made per second of work; None before it was measured."""
        return self._latest.music / self._latest.busy if self._latest.music else None

    def pace(self, clips: int) -> float | None:
        """Return the seconds of music a second that each of so many clips at once gets.

        Where so many were never made at once, it is told of the nearest number. None before
        anything was measured.
        """
        measured = [count for count, speed in self._speeds.items() if speed.music]
        if not measured:
            return None
        nearest = min(measured, key=lambda count: (abs(count - clips), -count))
        speed = self._speeds[nearest]
        return speed.music / speed.busy / nearest

    @property
    def frame_rate(self) -> float:
        """Frames of codes in a second of music."""
        return self.facts.frame_rate

    async def generate(
        self, request: GenerationRequest, on_progress: Callable[[Progress], None]
    ) -> Clip:
        """Make one clip. Raises InvalidRequest or GenerationError."""
        work = _Work(request, on_progress, asyncio.get_running_loop().create_future())
        self._inbox.append(work)
        self._news.set()
        try:
            return await work.clip
        finally:
            self._news.set()  # so that a cancelled one is let go

    async def decode(self, codes: Codes, request: GenerationRequest) -> Clip:
        """Make a clip's sound again, between two slices. Raises GenerationError."""
        samples = await self._on_thread(lambda engine: engine.decode(codes))
        return Clip(codes, samples, self.facts.sample_rate, request)

    async def rest(self, idle_seconds: float) -> bool:
        """Let go of the model, if nothing was asked of it for so long; return whether it was so."""
        async with self._turn:
            idle = self._clock() - self._used_at
            if not self.is_loaded or self._active or self._inbox or self._thread.is_busy:
                return False
            if idle < idle_seconds:
                return False
            await self._thread.let_go()
        _log.info("The model is let go, after %.0f idle minutes", idle / 60)
        return True

    def memory(self) -> tuple[int | None, int | None]:
        """Return the bytes of main memory, and of a GPU's own, that this process takes.

        None where the system is mute about the first, or there is no GPU for the second.
        """
        # Imported here since it brings PyTorch along, which the model has brought by now.
        from musicgen_bot.engine.device import used_device_memory, used_main_memory

        return used_main_memory(), used_device_memory(self.facts.device)

    async def encode(self, samples: Samples, sample_rate: int) -> Codes:
        """Make codes of a sound, [channels, samples], between two slices.

        Raises InvalidRequest where this model does not hear such a sound, GenerationError or
        ModelError where the machine could not.
        """
        return await self._on_thread(lambda engine: engine.encode(samples, sample_rate))

    async def close(self, patience: float) -> bool:
        """Stop after the slice that runs; return whether that took at most `patience` seconds."""
        self._worker.cancel()
        await asyncio.wait({self._worker})
        return await self._thread.close(patience)

    async def _on_thread(self, call: Callable[[Engine], _T]) -> _T:
        try:
            return await self._thread.call(call)
        finally:
            self._used_at = self._clock()

    async def _work(self) -> None:
        while True:
            self._news.clear()
            async with self._turn:
                await self._take_turn()
            if not self._active and not self._inbox:
                await self._news.wait()

    async def _take_turn(self) -> None:
        """Let clips go and come, and work on those that are there."""
        try:
            await self._let_go()
            await self._let_in()
            if self._active:
                await self._run_slice()
        except OutOfMemory as error:
            await self._one_by_one(list(self._active.values()), error)
        except Exception:
            _log.exception("The engine failed, and the clips it was making with it")
            for work in await self._empty_batch():
                _settle(work.clip, GenerationError("The model failed; please try again."))

    async def _let_go(self) -> None:
        """Drop what was cancelled."""
        self._inbox = deque(work for work in self._inbox if not work.clip.done())
        for ticket in [ticket for ticket, work in self._active.items() if work.clip.done()]:
            del self._active[ticket]
            await self._on_thread(partial(_remove, ticket))

    async def _let_in(self) -> None:
        """Take new work into the batch while there is room."""
        while self._inbox and self._has_room_for(self._inbox[0]):
            work = self._inbox.popleft()
            try:
                ticket = await self._on_thread(partial(_add, work.request))
            except OutOfMemory as error:
                await self._one_by_one([*self._active.values(), work], error)
            except MusicgenBotError as error:
                _settle(work.clip, error)
            except Exception:
                _settle(work.clip, GenerationError("The model failed on this prompt."))
                raise
            else:
                self._active[ticket] = work

    def _has_room_for(self, work: _Work) -> bool:
        if work.alone or any(other.alone for other in self._active.values()):
            return not self._active
        return len(self._active) < self.slots

    async def _run_slice(self) -> None:
        frames = FIRST_SLICE_FRAMES
        if self._seconds_per_frame:
            frames = round(SLICE_SECONDS / self._seconds_per_frame)
        frames = min(max(frames, 1), LONGEST_SLICE_FRAMES)
        start = time.perf_counter()
        # What was measured before tells nothing of a machine that has more to do by now.
        result = await self._on_thread(lambda engine: engine.step(frames, SLICE_SECONDS))
        self._measure(result, time.perf_counter() - start)
        for ticket, progress in result.progress.items():
            work = self._active[ticket]
            work.progress = progress
            work.on_progress(progress)
        for ticket, clip in result.finished.items():
            work = self._active.pop(ticket)
            frames = clip.codes.shape[1]
            work.on_progress(Progress(frames, frames))
            _settle(work.clip, clip)

    def _measure(self, result: StepResult, seconds: float) -> None:
        """Note what sizes the next slice, and what tells people how long they will wait."""
        now = {ticket: progress.frames for ticket, progress in result.progress.items()}
        now |= {ticket: clip.codes.shape[1] for ticket, clip in result.finished.items()}
        done = [count - self._active[ticket].frames for ticket, count in now.items()]
        frames = max(done, default=0)
        if frames and not result.finished:  # with a clip decoded too, it tells little of a frame
            self._seconds_per_frame = seconds / frames
        music = sum(done) / self.facts.frame_rate
        self._latest.note(music, seconds)
        self._speeds.setdefault(len(done), _Speed()).note(music, seconds)

    async def _one_by_one(self, works: list[_Work], error: OutOfMemory) -> None:
        """Empty the batch; what was in it together is made again alone, what was alone fails."""
        _log.warning("Out of memory with %d clips in the batch", len(works))
        await self._empty_batch()
        if len(works) == 1:
            _settle(works[0].clip, error)
            return
        for work in reversed(works):
            work.alone = True
            work.progress = NOTHING_DONE
            self._inbox.appendleft(work)

    async def _empty_batch(self) -> list[_Work]:
        """Make the engine forget its clips, and return what they were for."""
        batch, self._active = self._active, {}
        for ticket in batch:
            try:
                await self._on_thread(partial(_remove, ticket))
            except Exception:  # the worker must go on, whatever state the engine is in
                _log.exception("The engine could not let go of a clip")
        return list(batch.values())


def _add(request: GenerationRequest, engine: Engine) -> int:
    return engine.add(request)


def _remove(ticket: int, engine: Engine) -> None:
    engine.remove(ticket)


def _settle(future: asyncio.Future[Clip], outcome: Clip | MusicgenBotError) -> None:
    """Hand over what became of a request, unless nobody waits for it any more."""
    if future.done():
        return
    if isinstance(outcome, Clip):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)
