"""The one worker that owns the model on this machine.

The engine is synchronous and not thread-safe, so a single thread touches it, and a single
coroutine hands that thread its work: a slice of about half a second, then the next. Between slices
the coroutine lets cancelled jobs go, lets new ones in, and publishes progress; the event loop is
free all the while.

When the device runs out of memory, everything that was in the batch is let go and made again one by
one: the same seed gives the same clip, so nobody loses more than time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from musicgen_bot.errors import GenerationError, MusicgenBotError, OutOfMemory
from musicgen_bot.generation import Clip, Codes, GenerationRequest, Progress, Samples

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine, StepResult

SLICE_SECONDS = 0.5
FIRST_SLICE_FRAMES = 5
LONGEST_SLICE_FRAMES = 500
SMOOTHING = 0.3
"""Weight of the newest slice in the running averages of time and speed."""

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


class LocalBackend:
    """A Backend on this machine's own device. Made by `LocalBackend.load`, ended by `close`."""

    def __init__(self, engine: Engine, thread: ThreadPoolExecutor, slots: int) -> None:
        self.engine = engine
        self.slots = slots
        self.speed: float | None = None
        self._thread = thread
        self._calls: set[Future[Any]] = set()
        self._inbox: deque[_Work] = deque()
        self._active: dict[int, _Work] = {}
        self._news = asyncio.Event()
        self._seconds_per_frame: float | None = None
        self._worker = asyncio.create_task(self._work(), name="GPU worker")

    @classmethod
    async def load(cls, load_engine: Callable[[], Engine], slots: int) -> Self:
        """Load the model on the thread that will own it. Raises ModelError."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        try:
            engine = await asyncio.get_running_loop().run_in_executor(thread, load_engine)
        except BaseException:
            thread.shutdown(wait=False, cancel_futures=True)
            raise
        return cls(engine, thread, slots)

    @property
    def model(self) -> str:
        """Name of the model, as the host gave it."""
        return self.engine.model

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

    async def decode(self, codes: Codes) -> Samples:
        """Turn codes into sound, between two slices. Raises GenerationError."""
        return await self._on_thread(partial(self.engine.decode, codes))

    async def close(self, patience: float) -> bool:
        """Stop after the slice that runs; return whether that took at most `patience` seconds."""
        self._worker.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.wait({self._worker})
        running = {asyncio.wrap_future(call) for call in self._calls}
        if running:
            _, running = await asyncio.wait(running, timeout=patience)
        return not running

    async def _on_thread(self, call: Callable[[], _T]) -> _T:
        future = self._thread.submit(call)
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        return await asyncio.wrap_future(future)

    async def _work(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._let_go()
                await self._let_in()
                if self._active:
                    await self._run_slice()
                else:
                    await self._news.wait()
            except OutOfMemory as error:
                await self._one_by_one(error)
            except Exception:
                _log.exception("The engine failed, and the clips it was making with it")
                await self._empty_batch(
                    GenerationError("The model stopped on an error; please try again.")
                )

    async def _let_go(self) -> None:
        """Drop what was cancelled."""
        self._inbox = deque(work for work in self._inbox if not work.clip.done())
        for ticket in [ticket for ticket, work in self._active.items() if work.clip.done()]:
            del self._active[ticket]
            await self._on_thread(partial(self.engine.remove, ticket))

    async def _let_in(self) -> None:
        """Take new work into the batch while there is room."""
        while self._inbox and self._has_room_for(self._inbox[0]):
            work = self._inbox.popleft()
            try:
                ticket = await self._on_thread(partial(self.engine.add, work.request))
            except OutOfMemory as error:
                if not self._active:
                    _settle(work.clip, error)
                    continue
                work.alone = True
                self._inbox.appendleft(work)
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
        result = await self._on_thread(partial(self.engine.step, frames))
        self._measure(result, time.perf_counter() - start)
        for ticket, progress in result.progress.items():
            work = self._active[ticket]
            work.progress = progress
            work.on_progress(progress)
        for ticket, clip in result.finished.items():
            _settle(self._active.pop(ticket).clip, clip)

    def _measure(self, result: StepResult, seconds: float) -> None:
        """Keep the averages that size the next slice and tell people how long they will wait."""
        done = {
            ticket: progress.frames - self._active[ticket].progress.frames
            for ticket, progress in result.progress.items()
        }
        if frames := max(done.values(), default=0):
            if not result.finished:  # a slice that also decoded a clip says little about a frame
                self._seconds_per_frame = _average(self._seconds_per_frame, seconds / frames)
            music = sum(done.values()) / self.engine.frame_rate
            self.speed = _average(self.speed, music / seconds)

    async def _one_by_one(self, error: OutOfMemory) -> None:
        """Empty the batch; what was in it together is made again alone, what was alone fails."""
        _log.warning("Out of memory with %d clips in the batch", len(self._active))
        if len(self._active) == 1:
            await self._empty_batch(error)
            return
        works = list(self._active.values())
        await self._empty_batch(None)
        for work in works:
            work.alone = True
            work.progress = NOTHING_DONE
        self._inbox.extendleft(reversed(works))

    async def _empty_batch(self, error: MusicgenBotError | None) -> None:
        tickets = list(self._active)
        for ticket in tickets:
            work = self._active.pop(ticket)
            if error:
                _settle(work.clip, error)
        for ticket in tickets:
            await self._on_thread(partial(self.engine.remove, ticket))


def _settle(future: asyncio.Future[Clip], outcome: Clip | MusicgenBotError) -> None:
    """Hand over what became of a request, unless nobody waits for it any more."""
    if future.done():
        return
    if isinstance(outcome, Clip):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


def _average(old: float | None, new: float) -> float:
    return new if old is None else (1 - SMOOTHING) * old + SMOOTHING * new
