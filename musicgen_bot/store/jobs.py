"""Jobs and their clips, as they are kept.

What is kept of a clip is its recipe (the job's request) and its codes, 12 kB for 30 seconds; the
sound is made from the codes again when it is wanted.
"""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from musicgen_bot.generation import MAX_SEED, Codes, GenerationRequest
from musicgen_bot.store.database import Database
from musicgen_bot.translations import ENGLISH


class JobState(StrEnum):
    """Where a job stands. The first three are unfinished and are taken up again after a restart."""

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


_IDS = "(SELECT value FROM json_each(?))"
UNFINISHED = (JobState.WAITING, JobState.RUNNING, JobState.MADE)


@dataclass(frozen=True, slots=True)
class Address:
    """Who asked, and the message that was promised to them."""

    user_id: int
    guild_id: int | None
    """None in a direct message."""
    channel_id: int
    message_id: int | None
    """None until the answer is known to have been posted."""
    token: str = field(repr=False)
    """The interaction's token: a secret which Discord honours for 15 minutes."""
    created_at: float
    """When the interaction came, in seconds since 1970."""
    locale: str = ENGLISH
    """Language of the messages that were promised, by Discord's name for it."""


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
    """Those drawn for the variations; empty where a person chose the first."""


PLAIN = Order()


@dataclass(frozen=True, slots=True)
class Job:
    """A request that was accepted."""

    id: int
    state: JobState
    request: GenerationRequest
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

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those of the variations; the first is the request's."""
        return self.order.seeds or seeds_from(self.request.seed or 0, self.order.variations)

    def suits(self, model: str) -> bool:
        """Return whether a model can make it: codes to go on from are of use to their own alone."""
        return self.request.continue_from is None or self.model in ("", model)

    def variation(self, number: int) -> GenerationRequest:
        """Return the request for one variation, counted from 1."""
        return replace(self.request, seed=self.seeds[number - 1])

    def reseeded(self, number: int, seed: int) -> Job:
        """Return the job with another seed for one variation, counted from 1."""
        seeds = (*self.seeds[: number - 1], seed, *self.seeds[number:])
        order, request = replace(self.order, seeds=seeds), replace(self.request, seed=seeds[0])
        return replace(self, order=order, request=request)


def seeds_from(first: int, count: int) -> tuple[int, ...]:
    """Return seeds that follow each other; 0 comes after the highest."""
    return tuple((first + n) % (MAX_SEED + 1) for n in range(count))


class JobStore:
    """The jobs in the database. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, request: GenerationRequest, address: Address, order: Order = PLAIN, model: str = ""
    ) -> Job:
        """Write a new job, waiting. The request's seed must be set."""
        job_id = await self._database.execute(
            "INSERT INTO jobs (state, created_at, prompt, seconds, seed, guidance, temperature, "
            "top_k, continue_from, user_id, guild_id, channel_id, message_id, token, variations, "
            "style, typed, given_seconds, uploaded, seeds, locale, model) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                JobState.WAITING,
                address.created_at,
                request.prompt,
                request.seconds,
                request.seed,
                request.guidance,
                request.temperature,
                request.top_k,
                None if request.continue_from is None else _pack(request.continue_from),
                address.user_id,
                address.guild_id,
                address.channel_id,
                address.message_id,
                address.token,
                order.variations,
                order.style,
                order.typed,
                order.given_seconds,
                order.uploaded,
                json.dumps(order.seeds),
                address.locale,
                model,
            ),
        )
        return Job(job_id, JobState.WAITING, request, address, order, model=model)

    async def get(self, job_id: int) -> Job | None:
        """Return a job in whatever state it is, if there was one of this id."""
        rows = await self._database.rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return job_of(rows[0]) if rows else None

    async def set_state(self, job_id: int, state: JobState) -> None:
        """Note that a job has moved on."""
        await self._database.execute("UPDATE jobs SET state = ? WHERE id = ?", (state, job_id))

    async def set_message(self, job_id: int, message_id: int) -> None:
        """Note which message was promised, or has taken the promised one's place."""
        await self._database.execute(
            "UPDATE jobs SET message_id = ? WHERE id = ?", (message_id, job_id)
        )

    async def set_seeds(self, job: Job) -> None:
        """Note that a job's clips are made from other seeds than it was accepted with."""
        await self._database.execute(
            "UPDATE jobs SET seed = ?, seeds = ? WHERE id = ?",
            (job.request.seed, json.dumps(job.seeds), job.id),
        )

    async def cancel(self, job_id: int, *, given_back: bool) -> None:
        """Note that a job was cancelled, of which the person is still to be told."""
        await self._database.execute(
            "UPDATE jobs SET state = ?, given_back = ? WHERE id = ?",
            (JobState.CANCELLED, given_back, job_id),
        )

    async def finish(self, job_id: int, state: JobState, at: float) -> None:
        """Note how a job ended, and forget its token, which is of no use any more.

        One that was deleted in the moment it was posted stays deleted.
        """
        await self._database.execute(
            "UPDATE jobs SET state = ?, finished_at = ?, token = '' WHERE id = ? AND state != ?",
            (state, at, job_id, JobState.DELETED),
        )

    async def unfinished(self) -> list[Job]:
        """Return what a former run of the bot left, in the order it was accepted.

        Among it are cancelled jobs of which nobody was told yet.
        """
        rows = await self._database.rows(
            "SELECT * FROM jobs WHERE state IN (?, ?, ?) "
            "OR (state = ? AND finished_at IS NULL) ORDER BY id",
            (*UNFINISHED, JobState.CANCELLED),
        )
        return [job_of(row) for row in rows]

    async def last_accepted(self, user_id: int, guild_id: int | None = None) -> float | None:
        """Return when this person's latest job was accepted, in seconds since 1970.

        With `guild_id`, the latest in that guild.
        """
        rows = await self._database.rows(
            "SELECT created_at FROM jobs WHERE user_id = :user "
            "AND (:guild IS NULL OR guild_id = :guild) ORDER BY created_at DESC LIMIT 1",
            {"user": user_id, "guild": guild_id},
        )
        return float(rows[0][0]) if rows else None

    async def seconds_spent(
        self, guild_id: int, user_id: int, start: float, end: float
    ) -> tuple[float, float]:
        """Return the seconds of music that a member, and their whole guild, have spent.

        Counted is what all variations of a job have new, for jobs accepted from `start` to before
        `end`, in seconds since 1970, less those that failed or were given back. Deleting a clip
        gives nothing back.
        """
        rows = await self._database.rows(
            "SELECT total(new_seconds) FILTER (WHERE user_id = ?), total(new_seconds) FROM "
            "(SELECT *, (seconds - given_seconds) * variations AS new_seconds FROM jobs) "
            "WHERE guild_id = ? AND created_at >= ? AND created_at < ? "
            "AND state != ? AND NOT given_back",
            (user_id, guild_id, start, end, JobState.FAILED),
        )
        return round(rows[0][0], 3), round(rows[0][1], 3)

    async def save_codes(
        self, job_id: int, model: str, variations: Sequence[Codes], made_in: float
    ) -> None:
        """Keep the codes of a job's clips, and the model they are for; the job is now made."""
        for number, codes in enumerate(variations, start=1):
            await self._database.execute(
                "INSERT OR REPLACE INTO clips (job_id, variation, model, codes) "
                "VALUES (?, ?, ?, ?)",
                (job_id, number, model, _pack(codes)),
            )
        await self._database.execute(
            "UPDATE jobs SET state = ?, made_in = ? WHERE id = ?",
            (JobState.MADE, made_in, job_id),
        )

    async def codes(self, job_id: int, model: str) -> list[Codes]:
        """Return the codes of a job's clips, int16 [codebooks, frames] each, in their order.

        None are returned unless this model made them.
        """
        rows = await self._database.rows(
            "SELECT codes FROM clips WHERE job_id = ? AND model = ? ORDER BY variation",
            (job_id, model),
        )
        return [_unpack(row[0]) for row in rows]

    async def forget(self, job_ids: Iterable[int]) -> None:
        """Forget what jobs were for and the clips they made; what they cost is still counted.

        What remains is who had how many seconds of music, in which guild, and when.
        """
        ids = (json.dumps(list(job_ids)),)
        # S608: what is put into these queries are constants of this module.
        await self._database.execute(f"DELETE FROM clips WHERE job_id IN {_IDS}", ids)  # noqa: S608
        await self._database.execute(
            f"UPDATE jobs SET state = '{JobState.DELETED}', "  # noqa: S608
            "prompt = '', typed = '', style = '', token = '', continue_from = NULL, seed = 0, "
            "seeds = '[]', "
            "channel_id = 0, message_id = NULL, uploaded = 0, locale = '', "
            f"given_back = given_back OR state = '{JobState.FAILED}' WHERE id IN {_IDS}",
            ids,
        )


def job_of(row: sqlite3.Row) -> Job:
    """Return the job that a row of its table tells of."""
    continue_from = row["continue_from"]
    request = GenerationRequest(
        prompt=row["prompt"],
        seconds=row["seconds"],
        seed=row["seed"],
        guidance=row["guidance"],
        temperature=row["temperature"],
        top_k=row["top_k"],
        continue_from=None if continue_from is None else _unpack(continue_from),
    )
    address = Address(
        user_id=row["user_id"],
        guild_id=row["guild_id"],
        channel_id=row["channel_id"],
        message_id=row["message_id"],
        token=row["token"],
        created_at=row["created_at"],
        locale=row["locale"],
    )
    order = Order(
        variations=row["variations"],
        style=row["style"],
        typed=row["typed"],
        given_seconds=row["given_seconds"],
        uploaded=bool(row["uploaded"]),
        seeds=tuple(json.loads(row["seeds"])),
    )
    state, made_in = JobState(row["state"]), row["made_in"]
    return Job(row["id"], state, request, address, order, made_in, row["model"])


def _pack(codes: Codes) -> bytes:
    """Write codes as numpy's own file format, which carries their shape."""
    file = io.BytesIO()
    np.save(file, codes, allow_pickle=False)
    return file.getvalue()


def _unpack(data: bytes) -> Codes:
    codes: Codes = np.load(io.BytesIO(data), allow_pickle=False)
    return codes
