"""A backend and a target of deliveries that do what a test says, when it says so.

The real ones are driven in the tests of the backends and in the end-to-end tests; here a test must
be able to stop time between two steps of a job.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence

import numpy as np

from musicgen_bot.errors import MusicgenBotError
from musicgen_bot.generation import Clip, Codes, GenerationRequest, Progress
from musicgen_bot.job import Address, Job, JobState
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.translations import Text

_ids = itertools.count(1)


def address(user_id: int = 1, guild_id: int | None = 1, at: float = 0.0) -> Address:
    return Address(user_id, guild_id, 3, None, "token", at)


def request(prompt: str = "x", seconds: float = 10.0) -> GenerationRequest:
    return GenerationRequest(prompt, seconds, seed=1)


def waiting(name: str, user_id: int, guild_id: int | None) -> ActiveJob:
    """Return a job that waits, for tests of the queue alone."""
    return ActiveJob(Job(next(_ids), JobState.WAITING, request(name), address(user_id, guild_id)))


def named(request: GenerationRequest) -> str:
    """Return what a request is called here: its prompt, and its seed where that is not 1."""
    return request.prompt if request.seed == 1 else f"{request.prompt}/{request.seed}"


class HandBackend:
    """Makes a clip when the test calls `finish` with the name of its request."""

    model = "hand"
    frame_rate = 50.0
    speed: float | None = None
    is_loaded = True
    trouble: str | None = None

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.decoded: list[str] = []
        self.silent: set[int | None] = set()
        """Seeds that make silent clips."""
        self._futures: dict[str, asyncio.Future[None]] = {}
        self._progress: dict[str, Callable[[Progress], None]] = {}
        self._changed = asyncio.Condition()

    def pace(self, clips: int) -> float | None:
        return None if self.speed is None else self.speed / clips

    async def generate(
        self, request: GenerationRequest, on_progress: Callable[[Progress], None]
    ) -> Clip:
        name = named(request)
        self.started.append(name)
        future = self._futures[name] = asyncio.get_running_loop().create_future()
        self._progress[name] = on_progress
        async with self._changed:
            self._changed.notify_all()
        try:
            await future
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        return self._clip(request)

    async def decode(
        self, codes: Codes, request: GenerationRequest, *, patient: bool = True
    ) -> Clip:
        self.decoded.append(named(request))
        return self._clip(request)

    async def until_started(self, *names: str) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: set(names) <= set(self.started))

    def advance(self, name: str, fraction: float) -> None:
        self._progress[name](Progress(round(500 * fraction), 500))

    def finish(self, name: str) -> None:
        self._futures.pop(name).set_result(None)

    def _clip(self, request: GenerationRequest) -> Clip:
        tone = np.sin(np.arange(3200), dtype=np.float32)
        samples = np.zeros_like(tone) if request.seed in self.silent else tone
        return Clip(np.ones((4, 5), np.int16), samples[np.newaxis], 32000, request)

    def fail(self, name: str, error: BaseException) -> None:
        self._futures.pop(name).set_exception(error)


class HandTarget:
    """Notes what it is given; fails as the test says, or waits for the test's leave."""

    def __init__(self) -> None:
        self.delivered: list[str] = []
        self.jobs: list[Job] = []
        """Those delivered, as they were then."""
        self.seeds: list[list[int | None]] = []
        """Of the clips of each job delivered."""
        self.told: list[tuple[str, str]] = []
        self.spoke = asyncio.Event()
        """Set once somebody was told something."""
        self.error: Exception | None = None
        self.deliver_error: Exception | None = None
        """What fails with clips alone."""
        self.leave = asyncio.Event()
        self.leave.set()

    async def deliver(self, job: Job, clips: Sequence[Clip]) -> int | None:
        await self.leave.wait()
        if error := self.error or self.deliver_error:
            raise error
        self.delivered.append(job.request.prompt)
        self.jobs.append(job)
        self.seeds.append([clip.request.seed for clip in clips])
        return job.address.message_id

    async def tell(self, job: Job, text: Text, *, own_doing: bool) -> None:
        if self.error is not None and not isinstance(self.error, MusicgenBotError):
            raise self.error
        self.told.append((job.request.prompt, str(text)))
        self.spoke.set()
