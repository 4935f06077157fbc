"""The admission on a real database, whose clock the test sets."""

from dataclasses import dataclass
from datetime import UTC, datetime

from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.job import PLAIN_MEMBER, Address, JobState, Member, Order, Submission
from musicgen_bot.jobs.admission import Admission, Waiting
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.limits import Limits
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import GuildSettingsStore
from musicgen_bot.store.jobs import JobStore
from tests.jobs.hand_driven import request

HOST = Limits(clip_seconds=30, cooldown_seconds=10, waiting_per_user=3, waiting_per_guild=20)
GUILD, ELSEWHERE, CHANNEL = 1, 2, 3
ADA, BEN = 11, 12


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@dataclass
class Door:
    """The admission on a real database, whose clock the test sets."""

    database: Database
    now: float = at("2026-03-05 12:00")

    def __post_init__(self) -> None:
        self.jobs, self.settings = JobStore(self.database), GuildSettingsStore(self.database)
        self.blocks, self.host_blocks = BlockStore(self.database), HostBlockStore(self.database)
        self.blocklist = Blocklist(self.blocks, self.host_blocks)
        self.admission = Admission(
            host=HOST,
            jobs=self.jobs,
            settings=self.settings,
            blocklist=self.blocklist,
            clock=lambda: self.now,
        )

    def address(self, user_id: int = ADA, guild_id: int | None = GUILD) -> Address:
        return Address(user_id, guild_id, CHANNEL, None, "token", self.now)

    async def set(self, settings: GuildSettings) -> None:
        await self.settings.set(GUILD, 99, settings, self.now)

    async def ask(
        self,
        seconds: float = 10,
        prompt: str = "x",
        user_id: int = ADA,
        guild_id: int | None = GUILD,
        member: Member = PLAIN_MEMBER,
        waiting: tuple[Waiting, ...] = (),
        variations: int = 1,
    ) -> None:
        address = self.address(user_id, guild_id)
        submission = Submission(request(prompt, seconds), address, Order(variations), member)
        await self.admission.admit(submission, waiting)

    async def made(
        self,
        seconds: float = 10,
        user_id: int = ADA,
        guild_id: int | None = GUILD,
        variations: int = 1,
    ) -> None:
        """Note that a clip was made just now, and let the host's cooldown pass."""
        job = await self.jobs.add(
            Submission(request(seconds=seconds), self.address(user_id, guild_id), Order(variations))
        )
        await self.jobs.advance(job.id, JobState.DELIVERED, at=self.now)
        self.now += HOST.cooldown_seconds


def role(*role_ids: int) -> Member:
    return Member(role_ids=frozenset(role_ids))
