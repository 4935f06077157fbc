"""A thousand guilds and five thousand waiting jobs: fair, and no more work than it takes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.job import Order, Submission
from musicgen_bot.jobs import dispatcher as dispatching
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.fair_queue import FairQueue
from musicgen_bot.jobs.limits import NO_LIMITS, Limits
from musicgen_bot.jobs.service_mode import Mode, ServiceMode
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import GuildSettingsStore
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.personal import PersonalData
from musicgen_bot.translations import Translations
from musicgen_bot.ui.job_message.updates import EDITS, FRONT, FULL_LOOK_SECONDS, MessageUpdater
from tests.jobs.hand_driven import HandBackend, HandTarget, address, request, waiting

GUILDS, JOBS = 1000, 5000


def crowd() -> list[ActiveJob]:
    """Return jobs of all guilds: of one guild a fifth of them, of most two to six."""
    chance = random.Random(3)
    guilds = [*range(1, GUILDS + 1), *chance.choices(range(1, GUILDS + 1), k=JOBS // 2)]
    guilds += [1] * (JOBS - len(guilds))
    chance.shuffle(guilds)
    return [waiting("house", chance.randrange(4) + 10 * guild, guild) for guild in guilds]


def guild_of(active: ActiveJob) -> int:
    assert active.job.address.guild_id is not None
    return active.job.address.guild_id


def test_no_guild_waits_for_more_than_its_turn() -> None:
    queue, left = FairQueue(), Counter[int]()
    for active in crowd():
        queue.put(active)
        left[guild_of(active)] += 1
    served_since: dict[int, Counter[int]] = {}
    for _ in range(JOBS):
        taken = queue.pop()
        assert taken is not None
        guild = guild_of(taken)
        # Since a guild was served, no other that waited was served twice.
        assert max(served_since.pop(guild, Counter()).values(), default=0) <= 1
        left[guild] -= 1
        for others in served_since.values():
            others[guild] += 1
        if left[guild] and len(served_since) < 50:  # to look at so many at a time is enough
            served_since[guild] = Counter()
    assert queue.pop() is None
    assert not any(left.values())


def test_a_member_who_comes_last_to_a_quiet_guild_is_served_within_one_round() -> None:
    queue = FairQueue()
    for active in crowd():
        queue.put(active)
    late = waiting("house", 99_999, GUILDS + 1)
    queue.put(late)
    places = {active.job.id: place for place, active in enumerate(queue, start=1)}
    assert places[late.job.id] == GUILDS + 1
    assert len(places) == JOBS + 1


@pytest.fixture
async def database() -> Any:
    database = await Database.open(None)
    yield database
    await database.close()


class Crowded:
    """A dispatcher with all those jobs waiting, which counts how many jobs are looked at."""

    def __init__(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, limits: Limits = NO_LIMITS
    ) -> None:
        self.looked_at = 0
        crowded = self

        class Counted(FairQueue):
            def __iter__(self) -> Iterator[ActiveJob]:
                for active in super().__iter__():
                    crowded.looked_at += 1
                    yield active

            def concerning(self, *where: Any) -> list[ActiveJob]:
                found = super().concerning(*where)
                crowded.looked_at += len(found)
                return found

        monkeypatch.setattr(dispatching, "FairQueue", Counted)
        self.jobs, self.backend = JobStore(database), HandBackend(slots=4)
        self.backend.speed = 4.0
        admission = Admission(
            host=limits,
            jobs=self.jobs,
            settings=GuildSettingsStore(database),
            blocklist=Blocklist(BlockStore(database), HostBlockStore(database)),
        )
        self.dispatcher = Dispatcher(
            jobs=self.jobs,
            backend=self.backend,
            target=HandTarget(),
            admission=admission,
            personal=PersonalData(database),
            service_mode=ServiceMode(NoteStore(database)),
            events=Events(prompts=False),
            pool=SoundPool(),
        )

    async def fill(self) -> None:
        for active in crowd():
            job = active.job
            await self.jobs.add(Submission(job.request, job.address, Order(seeds=(1,))))
        await self.dispatcher.resume()
        self.looked_at = 0


async def test_asking_and_being_told_look_at_few_jobs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded = Crowded(database, monkeypatch)
    await crowded.fill()
    dispatcher = crowded.dispatcher
    active = await dispatcher.submit(Submission(request("techno"), address(123_456, 700)))
    in_guild = sum(guild_of(each) == 700 for each in dispatcher.unfinished())
    crowded.looked_at = 0
    await dispatcher.submit(Submission(request("techno"), address(123_457, 700)))
    assert crowded.looked_at <= in_guild
    crowded.looked_at = 0
    assert dispatcher.estimate(active).place > 2000
    assert crowded.looked_at <= 2 * JOBS  # once for the order, once for the time
    await dispatcher.cancel(active.job.id)
    await dispatcher.close()


async def test_bringing_messages_up_to_date_looks_at_the_first_places_most_of_the_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded = Crowded(database, monkeypatch)
    await crowded.fill()
    await crowded.backend.until_started("house")
    shown: list[int] = []

    class Messages:
        def show(self, active: Any, embed: Any) -> bool:
            shown.append(active.job.id)
            return True

    estimates = crowded.dispatcher.estimates
    updater = MessageUpdater(estimates, Messages(), Translations())  # type: ignore[arg-type]
    for tick in range(10):
        updater._look(FULL_LOOK_SECONDS * 2 + 5.0 * tick)
    most = 10 * 3 * FRONT
    assert crowded.looked_at <= 2 * JOBS + most  # all of them once a minute
    assert len(shown) <= 10 * EDITS
    crowded.looked_at = 0
    updater._look(FULL_LOOK_SECONDS * 2 + 50.0)
    assert crowded.looked_at <= most
    await crowded.dispatcher.close()


async def test_a_pause_of_a_long_queue_is_told_a_few_at_a_time_and_looked_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded = Crowded(database, monkeypatch)
    await crowded.fill()
    await crowded.backend.until_started("house")
    shown: list[int] = []

    class Messages:
        def show(self, active: Any, embed: Any) -> bool:
            shown.append(active.job.id)
            return True

    estimates = crowded.dispatcher.estimates
    updater = MessageUpdater(estimates, Messages(), Translations())  # type: ignore[arg-type]
    updater._look(FULL_LOOK_SECONDS)
    await crowded.dispatcher.turn(Mode.PAUSED)
    crowded.looked_at = 0
    for tick in range(1, 25):
        before = len(shown)
        updater._look(FULL_LOOK_SECONDS + 2.0 * tick)
        assert len(shown) - before <= EDITS
    assert len(set(shown)) > 24 * (EDITS - 4)
    assert crowded.looked_at <= 2 * JOBS + 24 * 3 * FRONT
    await crowded.dispatcher.close()
