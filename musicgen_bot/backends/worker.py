"""The one coroutine that hands the model's thread its work.

It does a slice of about a third of a second, then the next. Between slices it lets cancelled clips
go, lets new ones in, has a sound decoded or encoded, and publishes progress.

When the device runs out of memory, everything that was in the batch is let go and made again one by
one, from the same seeds, so nobody loses more than time. So it is when the model fails, after it
was loaded again; `recovery.py` tells when that is given up, and who is at fault.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from musicgen_bot.backends.engine_thread import EngineThread, LoadFailed
from musicgen_bot.backends.recovery import Recovery
from musicgen_bot.backends.speed import SpeedMeter
from musicgen_bot.backends.work import NOTHING_DONE, Call, Work, settle
from musicgen_bot.errors import GenerationError, MachineError, MusicgenBotError, OutOfMemory
from musicgen_bot.generation import Clip, GenerationRequest, Progress
from musicgen_bot.translations import Text

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine, StepResult

SLICE_SECONDS = 0.3
FIRST_SLICE_FRAMES = 5
LONGEST_SLICE_FRAMES = 500
MOST_FAILURES = 3
"""Of one clip, alone, before it is suspected to be at fault."""

AT_FAULT = Text("The model fails on this clip every time; please change its prompt or its length.")
OUT_OF_ORDER = Text(
    "The model has stopped working and is being restarted; please try again in a few minutes."
)

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Worker:
    """Works on clips and calls in the order they come, several clips at once."""

    def __init__(
        self,
        thread: EngineThread,
        recovery: Recovery,
        meter: SpeedMeter,
        slots: int,
        clock: Callable[[], float],
    ) -> None:
        self._thread = thread
        self._recovery = recovery
        self._meter = meter
        self._slots = slots
        self._clock = clock
        self._used_at = clock()
        self._turn = asyncio.Lock()
        """Held while clips come, go and are worked on: in between, all that is known is settled."""
        self._inbox: deque[Work] = deque()
        self._active: dict[int, Work] = {}
        self._calls: deque[Call] = deque()
        self._news = asyncio.Event()
        self._seconds_per_frame: float | None = None

    async def make(
        self, request: GenerationRequest, on_progress: Callable[[Progress], None]
    ) -> Clip:
        """Make one clip. Raises InvalidRequest or GenerationError."""
        work = Work(request, on_progress, asyncio.get_running_loop().create_future())
        self._inbox.append(work)
        return await self._outcome(work.outcome)

    async def call(self, work: Callable[[Engine], _T], *, patient: bool) -> _T:
        """Do something else with the model, between two slices.

        Waits while the model is out of order, unless it is not `patient`. Raises GenerationError,
        and what the work raises for somebody to read.
        """
        if self._recovery.trouble is not None and not patient:
            raise GenerationError(OUT_OF_ORDER)
        outcome: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._calls.append(Call(work, outcome, patient))
        return await self._outcome(outcome)

    async def rest(self, idle_seconds: float) -> bool:
        """Let go of the model, if nothing was asked of it for so long; return whether it was so."""
        async with self._turn:
            idle = self._clock() - self._used_at
            if not self._thread.is_loaded or self._active or self._inbox or self._calls:
                return False
            if idle < idle_seconds:
                return False
            await self._thread.let_go()
        _log.info("The model is let go, after %.0f idle minutes", idle / 60)
        return True

    async def _outcome(self, outcome: asyncio.Future[_T]) -> _T:
        self._news.set()
        try:
            return await outcome
        finally:
            self._news.set()  # so that a cancelled one is let go

    async def run(self) -> None:
        """Work until the machine is broken, which is told by MachineError."""
        while True:
            self._news.clear()
            async with self._turn:
                await self._take_turn()
            if not (self._active or self._inbox or self._calls):
                await self._news.wait()

    async def _take_turn(self) -> None:
        """Let clips go and come, and work on those that are there."""
        try:
            await self._let_go()
            await self._answer()
            await self._let_in()
            if self._active:
                await self._run_slice()
        except OutOfMemory as error:
            await self._one_by_one(list(self._active.values()), error)
        except MachineError:
            raise
        except Exception as error:
            await self._start_over(list(self._active.values()), error)

    async def _on_thread(self, call: Callable[[Engine], _T]) -> _T:
        try:
            return await self._thread.call(call)
        finally:
            self._used_at = self._clock()

    async def _let_go(self) -> None:
        """Drop what was cancelled."""
        self._calls = deque(call for call in self._calls if not call.outcome.done())
        self._inbox = deque(work for work in self._inbox if not work.outcome.done())
        for ticket in [ticket for ticket, work in self._active.items() if work.outcome.done()]:
            del self._active[ticket]
            await self._on_thread(partial(_remove, ticket))

    async def _answer(self) -> None:
        """Do what was asked for between two slices, one thing at a time."""
        if not self._calls:
            return
        call = self._calls.popleft()
        try:
            result = await self._on_thread(call.work)
        except MusicgenBotError as error:
            settle(call.outcome, error)
        except Exception as error:
            self._calls.appendleft(call)
            await self._start_over([*self._active.values()], error, suspect=call)
        else:
            settle(call.outcome, result)

    async def _let_in(self) -> None:
        """Take new work into the batch while there is room."""
        while self._inbox and self._has_room_for(self._inbox[0]):
            work = self._inbox.popleft()
            try:
                ticket = await self._on_thread(partial(_add, work.request))
            except OutOfMemory as error:
                await self._one_by_one([*self._active.values(), work], error)
            except MusicgenBotError as error:
                settle(work.outcome, error)
            except Exception as error:
                await self._start_over([*self._active.values(), work], error)
                return
            else:
                self._active[ticket] = work

    def _has_room_for(self, work: Work) -> bool:
        if work.alone or any(other.alone for other in self._active.values()):
            return not self._active
        return len(self._active) < self._slots

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
            settle(work.outcome, clip)
            self._thread.has_made_a_clip = True

    def _measure(self, result: StepResult, seconds: float) -> None:
        """Note what sizes the next slice, and what tells people how long they will wait."""
        now = {ticket: progress.frames for ticket, progress in result.progress.items()}
        now |= {ticket: clip.codes.shape[1] for ticket, clip in result.finished.items()}
        done = [count - self._active[ticket].frames for ticket, count in now.items()]
        frames = max(done, default=0)
        if frames and not result.finished:  # with a clip decoded too, it tells little of a frame
            self._seconds_per_frame = seconds / frames
        self._meter.note(len(done), sum(done) / self._thread.facts.frame_rate, seconds)

    async def _one_by_one(self, works: list[Work], error: OutOfMemory) -> None:
        """Empty the batch; what was in it together is made again alone, what was alone fails."""
        _log.warning("Out of memory with %d clips in the batch", len(works))
        await self._empty_batch()
        if len(works) == 1:
            settle(works[0].outcome, error)
            return
        self._put_back(works, alone=True)

    async def _start_over(
        self, works: list[Work], error: Exception, suspect: Work | Call | None = None
    ) -> None:
        """Load the model again after it has failed; then what was in the batch is made again.

        `suspect` is what it failed on, if that is known. Raises MachineError.
        """
        self._active = {}
        if isinstance(error, LoadFailed):  # in which nothing that is to be done had a part
            self._put_back(works, alone=False)
            suspect = None
        else:
            self._put_back(works, alone=suspect is None)
            if suspect is None and len(works) == 1:
                suspect = works[0]
        if suspect is not None:
            suspect.failures += 1
        for call in self._calls:
            if not call.patient:
                settle(call.outcome, GenerationError(OUT_OF_ORDER))
        await self._recovery.load_again(error)
        if suspect is not None and suspect.failures == MOST_FAILURES:
            await self._recovery.try_out()
            settle(suspect.outcome, GenerationError(AT_FAULT))

    def _put_back(self, works: list[Work], *, alone: bool) -> None:
        """Let clips begin anew, before all that wait."""
        for work in reversed(works):
            work.alone = work.alone or alone
            work.progress = NOTHING_DONE
            self._inbox.appendleft(work)

    async def _empty_batch(self) -> None:
        """Make the engine forget its clips."""
        batch, self._active = self._active, {}
        try:
            for ticket in batch:
                await self._on_thread(partial(_remove, ticket))
        except Exception:  # if the engine is in no state to be used, that will show at once
            _log.exception("The engine could not let go of a clip")


def _add(request: GenerationRequest, engine: Engine) -> int:
    return engine.add(request)


def _remove(ticket: int, engine: Engine) -> None:
    engine.remove(ticket)
