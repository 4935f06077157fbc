"""Jobs and their clips, as they are kept.

What is kept of a clip is its recipe (the job's request) and its codes, 12 kB for 30 seconds; the
sound is made from the codes again when it is wanted.
"""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from musicgen_bot.generation import Codes, GenerationRequest
from musicgen_bot.job import UNFINISHED, Address, Job, JobState, Order, Submission
from musicgen_bot.store.database import Database, Transaction

_IDS = "(SELECT value FROM json_each(?))"


class JobStore:
    """The jobs in the database. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, submission: Submission, model: str = "") -> Job:
        """Write a new job, waiting. The request's seed must be set."""
        request, address, order = submission.request, submission.address, submission.order
        job_id = await self._database.execute(
            "INSERT INTO jobs (state, created_at, prompt, seconds, seed, guidance, temperature, "
            "top_k, continue_from, user_id, guild_id, channel_id, message_id, token, variations, "
            "style, typed, given_seconds, uploaded, seeds, locale, parent_id, "
            "model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                address.parent_id,
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
        """Forget what jobs were for and the clips they made; what they cost is still counted."""
        async with self._database.transaction() as transaction:
            await forget_jobs(transaction, job_ids)


async def forget_jobs(transaction: Transaction, job_ids: Iterable[int]) -> None:
    """Bring jobs to their last state, deleted: no clips, and a row that only counts.

    What remains is who had how many seconds of music, in which guild, and when.
    """
    ids = (json.dumps(list(job_ids)),)
    # S608: what is put into these queries are constants of this module.
    await transaction.execute(f"DELETE FROM clips WHERE job_id IN {_IDS}", ids)  # noqa: S608
    await transaction.execute(
        f"UPDATE jobs SET state = '{JobState.DELETED}', "  # noqa: S608
        "prompt = '', typed = '', style = '', token = '', continue_from = NULL, seed = 0, "
        "seeds = '[]', "
        "channel_id = 0, parent_id = NULL, message_id = NULL, uploaded = 0, locale = '', "
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
        parent_id=row["parent_id"],
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
