"""A job: what was asked for, by whom, where it was promised, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum

from musicgen_bot.generation import MAX_SEED, GenerationRequest
from musicgen_bot.translations import ENGLISH, Text


class JobState(StrEnum):
    """Where a job stands. The first three are unfinished and are taken up again after a restart.

    From which states it comes to each is told by ORIGINS below, and held to by `JobStore.advance`.
    """

    WAITING = "waiting"
    RUNNING = "running"
    MADE = "made"
    """Its codes are kept, its message does not have the clip yet."""
    DELIVERED = "delivered"
    KEPT = "kept"
    """Made, but there was no place left to post it."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    """It was made once; what remains is that it was."""


class EndReason(Enum):
    """Why a job was ended before its clip was there, with what its message then says."""

    CANCELLED = Text("Cancelled.")
    CANCELLED_BY_MODERATOR = Text("Cancelled by a moderator.")
    FORGOTTEN = Text("Cancelled and deleted.")

    @property
    def text(self) -> Text:
        """What people read."""
        return self.value

    @property
    def is_own_doing(self) -> bool:
        """Whether the person did it themselves, and was told so at once."""
        return self is not EndReason.CANCELLED_BY_MODERATOR


UNFINISHED = frozenset({JobState.WAITING, JobState.RUNNING, JobState.MADE})

ORIGINS: Mapping[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset(),  # it begins here
    JobState.RUNNING: UNFINISHED,  # once more after a restart, and where codes have been lost
    JobState.MADE: frozenset({JobState.WAITING, JobState.RUNNING}),
    JobState.DELIVERED: UNFINISHED,
    JobState.KEPT: UNFINISHED,
    JobState.FAILED: UNFINISHED,
    JobState.CANCELLED: UNFINISHED | {JobState.CANCELLED},  # first it is, then the person knows
    JobState.DELETED: frozenset(JobState) - {JobState.DELETED},
}
"""From which states a job may come to each. A step that could not be written at once may be written
together with the next, so what ends a job does so from any state that is unfinished."""


@dataclass(frozen=True, slots=True)
class Address:
    """Who asked, and the message that was promised to them."""

    user_id: int
    guild_id: int | None
    """None in direct messages and groups."""
    channel_id: int
    message_id: int | None
    """None until the answer is known to have been posted."""
    token: str = field(repr=False)
    """The interaction's token: a secret which Discord honours for 15 minutes."""
    created_at: float
    """When the interaction was made, in seconds since 1970 on Discord's clock."""
    locale: str = ENGLISH
    """Language of the messages that were promised, by Discord's name for it."""
    parent_id: int | None = None
    """The channel that it is a thread of, for all to read who read that; None for any other."""
    interaction_id: int | None = None
    """By which the first answer is found again where its own id was not written down."""


@dataclass(frozen=True, slots=True)
class Order:
    """How a request was ordered: in which style, and how often."""

    variations: int = 1
    """How many clips are made of the request, each with a seed of its own."""
    style: str = ""
    """Name of the style whose words were added to the prompt; empty without one."""
    typed: str = ""
    """The prompt without the style's words, where there is a style."""
    given_seconds: float = 0.0
    """What the clips start with and go on from, which need not be made."""
    uploaded: bool = False
    """Whether what the clip goes on from is a sound that somebody uploaded."""
    seeds: tuple[int, ...] = ()
    """Those of the variations; empty until the request is accepted."""


PLAIN = Order()


@dataclass(frozen=True, slots=True)
class Job:
    """A request that was accepted."""

    id: int
    state: JobState
    request: GenerationRequest
    """Its seed is the one that a person chose, None where those of `order` were drawn."""
    address: Address
    order: Order = PLAIN
    made_in: float | None = None
    """Seconds it took to make all variations; None until then."""
    model: str = ""
    """The model that was there when it was accepted; empty where that is not known."""

    @property
    def title(self) -> str:
        """What people know it by: the prompt they typed, or else the style they chose."""
        return self.order.typed or self.order.style or self.request.prompt

    @property
    def style_words(self) -> str:
        """What the style added to the prompt; empty without one."""
        if not self.order.style:
            return ""
        return self.request.prompt.removeprefix(self.order.typed).removeprefix(", ")

    def suits(self, model: str) -> bool:
        """Return whether a model can make it: codes to go on from are of use to their own alone."""
        return self.request.continue_from is None or self.model in ("", model)

    def variation(self, number: int) -> GenerationRequest:
        """Return the request for one variation, counted from 1."""
        return replace(self.request, seed=self.order.seeds[number - 1])

    def reseeded(self, number: int, seed: int) -> Job:
        """Return the job with another seed for one variation, counted from 1."""
        seeds = self.order.seeds
        seeds = (*seeds[: number - 1], seed, *seeds[number:])
        return replace(self, order=replace(self.order, seeds=seeds))


def seeds_from(first: int, count: int) -> tuple[int, ...]:
    """Return seeds that follow each other; 0 comes after the highest."""
    return tuple((first + n) % (MAX_SEED + 1) for n in range(count))


@dataclass(frozen=True, slots=True)
class Member:
    """Who asks in a guild, as far as its settings need to know."""

    role_ids: frozenset[int] = frozenset()
    """That of @everyone, which is the guild's, may be among them."""
    parent_id: int | None = None
    """The channel that a thread belongs to, where they ask in one."""
    manages: bool = False
    """Whether they may manage the server."""
    brought_bot: bool = False
    """Whether the guild has not installed the bot, and they use it there by their own account."""


PLAIN_MEMBER = Member()
"""A member without a role, in a channel that is no thread."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody asks for, and who they are and where: built once, where they ask."""

    request: GenerationRequest
    address: Address
    order: Order = PLAIN
    member: Member = PLAIN_MEMBER
