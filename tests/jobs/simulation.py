"""A model that takes simulated time, behind the real worker, queue and store.

The engine stops at the door of each slice until the test lets it through; meanwhile all that
follows from the slice before has come to rest. So what happens when is the same in every run.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.backends.local import LocalBackend
from musicgen_bot.engine import StepResult
from musicgen_bot.generation import Clip, Codes, GenerationRequest, Progress, Samples
from musicgen_bot.job import Address, Job, Order, Submission
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.limits import NO_LIMITS
from musicgen_bot.jobs.service_mode import ServiceMode
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import GuildSettingsStore
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.personal import PersonalData
from musicgen_bot.translations import Text

FRAME_RATE = 50
ADD_SECONDS = 0.02
DECODE_SECONDS = 0.04
"""For each second of music; sound is made while the clips still grow."""


class SimulatedEngine:
    """Takes `step_seconds(clips)` of simulated time for a step of so many clips."""

    model = "simulated"
    licence = "none"
    precision = "fp32"
    device = "cpu"
    sample_rate = 32_000
    channels = 1
    frame_rate = FRAME_RATE

    def __init__(self, step_seconds: Callable[[int], float]) -> None:
        self.now = 0.0
        self.made: Counter[str] = Counter()
        """Clips that are finished, by their prompt."""
        self.at_the_door = threading.Semaphore(0)
        self.door = threading.Semaphore(0)
        self._step_seconds = step_seconds
        self._tickets = itertools.count(1)
        self._clips: dict[int, tuple[GenerationRequest, Progress]] = {}

    def add(self, request: GenerationRequest) -> int:
        self.now += ADD_SECONDS
        ticket = next(self._tickets)
        self._clips[ticket] = (request, Progress(0, round(request.seconds * FRAME_RATE)))
        return ticket

    def remove(self, ticket: int) -> None:
        self._clips.pop(ticket, None)

    def decode(self, codes: Codes) -> Samples:
        raise NotImplementedError

    def step(self, frames: int, seconds: float) -> StepResult:
        self.at_the_door.release()
        self.door.acquire()
        finished: dict[int, Clip] = {}
        while frames > 0 and self._clips:
            steps = min(frames, *(p.total - p.frames for _, p in self._clips.values()))
            self.now += steps * self._step_seconds(len(self._clips))
            self.now += steps / FRAME_RATE * DECODE_SECONDS * len(self._clips)
            frames -= steps
            for ticket, (request, progress) in list(self._clips.items()):
                further = Progress(progress.frames + steps, progress.total)
                self._clips[ticket] = (request, further)
                if further.frames == further.total:
                    finished[ticket] = self._finish(ticket)
        return StepResult({ticket: p for ticket, (_, p) in self._clips.items()}, finished)

    def _finish(self, ticket: int) -> Clip:
        request, progress = self._clips.pop(ticket)
        self.made[request.prompt] += 1
        codes = np.zeros((4, progress.total), np.int16)
        return Clip(codes, np.sin(np.arange(10, dtype=np.float32))[None], self.sample_rate, request)


class Busy(LocalBackend):
    """The real worker, which tells when it has been asked for enough clips."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self._asked = 0
        self._busy = asyncio.Event()

    async def generate(
        self, request: GenerationRequest, on_progress: Callable[[Progress], None]
    ) -> Clip:
        self._count(1)
        try:
            return await super().generate(request, on_progress)
        finally:
            self._count(-1)

    async def until_busy(self) -> None:
        """Wait until it has work for each of its slots."""
        await self._busy.wait()

    def _count(self, change: int) -> None:
        self._asked += change
        if self._asked >= self.slots:
            self._busy.set()
        else:
            self._busy.clear()


class Simulation:
    """A bot that never runs out of work: as one job starts, another comes in."""

    def __init__(self, engine: SimulatedEngine, backend: Busy, database: Database) -> None:
        self.jobs: list[ActiveJob] = []
        self.delivered_at: dict[int, float] = {}
        self.engine, self._backend = engine, backend
        self._has_begun = False
        admission = Admission(
            host=NO_LIMITS,
            jobs=JobStore(database),
            settings=GuildSettingsStore(database),
            blocklist=Blocklist(BlockStore(database), HostBlockStore(database)),
        )
        self.dispatcher = Dispatcher(
            jobs=JobStore(database),
            backend=backend,
            target=self,
            admission=admission,
            personal=PersonalData(database),
            service_mode=ServiceMode(NoteStore(database)),
            events=Events(prompts=False),
            pool=SoundPool(),
        )

    async def submit(self, seconds: float, variations: int) -> None:
        """Let a guild of its own ask for a job, so that none comes before an earlier one."""
        number = len(self.jobs) + 1
        address = Address(number, number, 3, None, "", 0.0)
        request = GenerationRequest(f"job {number}", seconds)
        active = await self.dispatcher.submit(Submission(request, address, Order(variations)))
        await self.dispatcher.answered(active, number)
        self.jobs.append(active)

    async def slice(self) -> None:
        """Let the engine through one slice, once all is at rest, until it is before the next."""
        await self.rest()
        if not self._has_begun:
            self._has_begun = True
            await asyncio.to_thread(self.engine.at_the_door.acquire)
        self.engine.door.release()
        await asyncio.to_thread(self.engine.at_the_door.acquire)

    async def rest(self) -> None:
        """Wait until what was finished is delivered, and what follows it has started."""
        for active in self.jobs:
            if self.engine.made[active.job.request.prompt] == active.variations:
                await active.ended.wait()
        await self._backend.until_busy()

    async def deliver(self, job: Job, clips: Sequence[Clip]) -> int | None:
        self.delivered_at[job.id] = self.engine.now
        return None

    async def tell(self, job: Job, text: Text, *, own_doing: bool) -> None:
        raise AssertionError(text)
