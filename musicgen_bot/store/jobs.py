"""Jobs and their clips, as they are kept.

What is kept of a clip is its recipe (the job's request) and its codes, 12 kB for 30 seconds; the
sound is made from the codes again when it is wanted.
"""

from __future__ import annotations

import io
import sqlite3
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from musicgen_bot.generation import Codes, GenerationRequest
from musicgen_bot.store.database import Database


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


@dataclass(frozen=True, slots=True)
class Job:
    """A request that was accepted."""

    id: int
    state: JobState
    request: GenerationRequest
    address: Address


class JobStore:
    """The jobs in the database. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, request: GenerationRequest, address: Address) -> Job:
        """Write a new job, waiting. The request's seed must be set."""
        job_id = await self._database.execute(
            "INSERT INTO jobs (state, created_at, prompt, seconds, seed, guidance, temperature, "
            "top_k, continue_from, user_id, guild_id, channel_id, message_id, token) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            ),
        )
        return Job(job_id, JobState.WAITING, request, address)

    async def set_state(self, job_id: int, state: JobState) -> None:
        """Note that a job has moved on."""
        await self._database.execute("UPDATE jobs SET state = ? WHERE id = ?", (state, job_id))

    async def set_message(self, job_id: int, message_id: int) -> None:
        """Note which message was promised, or has taken the promised one's place."""
        await self._database.execute(
            "UPDATE jobs SET message_id = ? WHERE id = ?", (message_id, job_id)
        )

    async def finish(
        self, job_id: int, state: JobState, at: float, *, given_back: bool = False
    ) -> None:
        """Note how a job ended, and forget its token, which is of no use any more.

        With `given_back` its seconds do not count as spent; neither do those of a failed job.
        """
        await self._database.execute(
            "UPDATE jobs SET state = ?, finished_at = ?, token = '', "
            "given_back = given_back OR ? WHERE id = ?",
            (state, at, given_back, job_id),
        )

    async def unfinished(self) -> list[Job]:
        """Return what a former run of the bot left, in the order it was accepted."""
        rows = await self._database.rows(
            "SELECT * FROM jobs WHERE state IN (?, ?, ?) ORDER BY id", UNFINISHED
        )
        return [_job(row) for row in rows]

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

        Counted are jobs accepted from `start` to before `end`, in seconds since 1970, less those
        that failed or were given back.
        """
        rows = await self._database.rows(
            "SELECT total(CASE WHEN user_id = ? THEN seconds END), total(seconds) FROM jobs "
            "WHERE guild_id = ? AND created_at >= ? AND created_at < ? "
            "AND state != ? AND NOT given_back",
            (user_id, guild_id, start, end, JobState.FAILED),
        )
        return float(rows[0][0]), float(rows[0][1])

    async def save_codes(self, job_id: int, model: str, codes: Codes) -> None:
        """Keep a clip's codes, and the model they are for; the job is now made."""
        await self._database.execute(
            "INSERT OR REPLACE INTO clips (job_id, model, codes) VALUES (?, ?, ?)",
            (job_id, model, _pack(codes)),
        )
        await self.set_state(job_id, JobState.MADE)

    async def codes(self, job_id: int, model: str) -> Codes | None:
        """Return a clip's codes, int16 [codebooks, frames], if this model made them."""
        rows = await self._database.rows(
            "SELECT codes FROM clips WHERE job_id = ? AND model = ?", (job_id, model)
        )
        return _unpack(rows[0][0]) if rows else None


def _job(row: sqlite3.Row) -> Job:
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
    )
    return Job(row["id"], JobState(row["state"]), request, address)


def _pack(codes: Codes) -> bytes:
    """Write codes as numpy's own file format, which carries their shape."""
    file = io.BytesIO()
    np.save(file, codes, allow_pickle=False)
    return file.getvalue()


def _unpack(data: bytes) -> Codes:
    codes: Codes = np.load(io.BytesIO(data), allow_pickle=False)
    return codes
