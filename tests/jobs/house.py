"""A dispatcher on a real database, between a backend and a target driven by hand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import JobState, Order, Submission
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.limits import NO_LIMITS, Limits
from musicgen_bot.jobs.service_mode import ServiceMode
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import GuildSettingsStore
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.personal import PersonalData
from tests.jobs.hand_driven import HandBackend, HandTarget, address, request


@dataclass
class House:
    """A dispatcher on a real database, between a backend and a target driven by hand."""

    database: Database
    limits: Limits = NO_LIMITS
    slots: int = 1
    now: float = 1000.0
    target: HandTarget = field(default_factory=HandTarget)

    def __post_init__(self) -> None:
        self.jobs = JobStore(self.database)
        self.backend = HandBackend(self.slots)
        admission = Admission(
            host=self.limits,
            jobs=self.jobs,
            settings=GuildSettingsStore(self.database),
            blocklist=Blocklist(BlockStore(self.database), HostBlockStore(self.database)),
            clock=lambda: self.now,
        )
        self.dispatcher = Dispatcher(
            jobs=self.jobs,
            backend=self.backend,
            target=self.target,
            admission=admission,
            personal=PersonalData(self.database),
            service_mode=ServiceMode(NoteStore(self.database)),
            events=Events(prompts=False, clock=lambda: self.now),
            pool=SoundPool(),
            clock=lambda: self.now,
        )

    async def submit(self, prompt: str, user_id: int = 1, guild_id: int | None = 1) -> ActiveJob:
        active = await self.dispatcher.submit(
            Submission(request(prompt), address(user_id, guild_id, self.now))
        )
        await self.dispatcher.answered(active, 70 + active.job.id)
        return active

    async def submit_variations(self, prompt: str, count: int) -> ActiveJob:
        order = Order(count)
        active = await self.dispatcher.submit(
            Submission(request(prompt), address(at=self.now), order)
        )
        await self.dispatcher.answered(active, 70 + active.job.id)
        return active

    async def until(self, active: ActiveJob, state: JobState) -> None:
        async with asyncio.timeout(10):
            while await self.state(active) is not state:
                pass  # the database is asked again, and others have their turn meanwhile

    async def state(self, active: ActiveJob) -> JobState:
        rows = await self.database.rows("SELECT state FROM jobs WHERE id = ?", (active.job.id,))
        return JobState(rows[0][0])


Build = Callable[..., House]


async def fill_the_disk(house: House) -> None:
    for n in range(1000):
        await house.submit(f"filler {n} {'x' * 400}", user_id=9)


async def ended(active: ActiveJob) -> None:
    async with asyncio.timeout(10):
        await active.ended.wait()


async def ordered(house: House, seed: int | None, variations: int = 1) -> ActiveJob:
    asked = GenerationRequest("a", seed=seed)
    active = await house.dispatcher.submit(
        Submission(asked, address(at=house.now), Order(variations))
    )
    await house.dispatcher.answered(active, 70)
    return active


async def spent(house: House) -> tuple[float, float]:
    """Return the seconds of music that a member, and their guild, have spent."""
    return await house.jobs.seconds_spent(1, 1, 0, house.now + 1)
