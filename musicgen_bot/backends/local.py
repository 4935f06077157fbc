"""The model on this machine's own device.

The engine is synchronous and not thread-safe, so a single thread touches it (`engine_thread.py`),
and a single coroutine hands that thread its work (`worker.py`); the event loop is free all the
while.

A model that nobody has asked anything of for long can be let go; what is asked next loads it again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from musicgen_bot.backends.engine_thread import PATIENCE, EngineThread, Patience
from musicgen_bot.backends.recovery import RELOAD_PAUSES, Recovery
from musicgen_bot.backends.speed import SpeedMeter
from musicgen_bot.backends.worker import Worker
from musicgen_bot.generation import Clip, Codes, GenerationRequest, Progress, Samples

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine


class LocalBackend:
    """A Backend on this machine's own device. Made by `LocalBackend.load`, ended by `close`."""

    def __init__(
        self,
        thread: EngineThread,
        slots: int,
        pauses: Sequence[float] = RELOAD_PAUSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slots = slots
        self.facts = thread.facts
        self._thread = thread
        self._recovery = Recovery(thread, pauses)
        self._meter = SpeedMeter()
        self._worker = Worker(thread, self._recovery, self._meter, slots, clock)
        self._running = asyncio.create_task(self._worker.run(), name="GPU worker")

    @classmethod
    async def load(
        cls,
        load_engine: Callable[[], Engine],
        slots: int,
        *,
        pauses: Sequence[float] = RELOAD_PAUSES,
        patience: Patience = PATIENCE,
    ) -> Self:
        """Load the model on the thread that will own it. Raises ModelError.

        `pauses` are the seconds before each try to load it again after it has failed.
        """
        return cls(await EngineThread.load(load_engine, patience), slots, pauses)

    @property
    def model(self) -> str:
        """Name of the model, as the host gave it."""
        return self.facts.model

    @property
    def is_loaded(self) -> bool:
        """Whether the model is there; if not, what is asked for next waits until it is."""
        return self._thread.is_loaded and self.trouble is None

    @property
    def trouble(self) -> str | None:
        """Why the model is out of order, in a sentence for the host; None while it works."""
        return self._recovery.trouble

    async def until_broken(self) -> None:
        """Wait until only a new process can help; then raises MachineError."""
        await asyncio.shield(self._running)

    @property
    def speed(self) -> float | None:
        """Seconds of music made per second of work; None before it was measured."""
        return self._meter.speed

    def pace(self, clips: int) -> float | None:
        """Return the seconds of music a second that each of so many clips at once gets.

        Where so many were never made at once, it is told of the nearest number. None before
        anything was measured.
        """
        return self._meter.pace(clips)

    @property
    def frame_rate(self) -> float:
        """Frames of codes in a second of music."""
        return self.facts.frame_rate

    async def generate(
        self, request: GenerationRequest, on_progress: Callable[[Progress], None]
    ) -> Clip:
        """Make one clip; waits while the model is out of order.

        Raises InvalidRequest or GenerationError.
        """
        return await self._worker.make(request, on_progress)

    async def decode(
        self, codes: Codes, request: GenerationRequest, *, patient: bool = True
    ) -> Clip:
        """Make a clip's sound again, between two slices.

        Waits while the model is out of order, unless it is not `patient`. Raises GenerationError.
        """
        samples = await self._worker.call(lambda engine: engine.decode(codes), patient=patient)
        return Clip(codes, samples, self.facts.sample_rate, request)

    async def encode(self, samples: Samples, sample_rate: int) -> Codes:
        """Make codes of a sound, [channels, samples], between two slices.

        Raises InvalidRequest where this model does not hear such a sound, GenerationError or
        ModelError where the machine could not.
        """
        return await self._worker.call(
            lambda engine: engine.encode(samples, sample_rate), patient=False
        )

    async def rest(self, idle_seconds: float) -> bool:
        """Let go of the model, if nothing was asked of it for so long; return whether it was so."""
        return await self._worker.rest(idle_seconds)

    def memory(self) -> tuple[int | None, int | None]:
        """Return the bytes of main memory, and of a GPU's own, that this process takes.

        None where the system is mute about the first, or there is no GPU for the second.
        """
        # Imported here since it brings PyTorch along, which the model has brought by now.
        from musicgen_bot.engine.device import used_device_memory, used_main_memory

        return used_main_memory(), used_device_memory(self.facts.device)

    async def close(self, patience: float) -> bool:
        """Stop after the slice that runs; return whether that took at most `patience` seconds."""
        self._running.cancel()
        await asyncio.wait({self._running})
        if not self._running.cancelled():
            self._running.exception()  # which whoever waits for it was told
        return await self._thread.close(patience)
