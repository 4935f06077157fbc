"""Jobs and their clips, as they are kept.

What is kept of a clip is its recipe (the job's request) and its codes, 12 kB for 30 seconds; the
sound is made from the codes again when it is wanted.
"""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from musicgen_bot.generation import Codes, GenerationRequest
from musicgen_bot.job import ORIGINS, UNFINISHED, Address, Job, JobState, Order, Submission
from musicgen_bot.store.database import Database, Transaction

_LISTED = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class MadeClips:
    """What was made of a job."""

    codes: Sequence[Codes]
    """Of each variation, int16 [codebooks, frames]."""
    model: str
    """The model that made them, and alone understands them."""
    made_in: float
    """Seconds it took to make all of them."""


class JobStore:
    """The jobs in the database. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, submission: Submission, model: str = "", accepted_at: float | None = None
    ) -> Job:
        """Write a new job, waiting. Its order must have the seeds of all variations.

        It counts from `accepted_at`, in seconds since 1970 on this machine's clock, which need not
        be Discord's; None is when its interaction was made.
        """
        request, address, order = submission.request, submission.address, submission.order
        values = {
            "state": JobState.WAITING,
            "created_at": address.created_at,
            "accepted_at": address.created_at if accepted_at is None else accepted_at,
            "prompt": request.prompt,
            "seconds": request.seconds,
            "guidance": request.guidance,
            "temperature": request.temperature,
            "top_k": request.top_k,
            "continue_from": None
            if request.continue_from is None
            else _pack(request.continue_from),
            "user_id": address.user_id,
            "guild_id": address.guild_id,
            "channel_id": address.channel_id,
            "message_id": address.message_id,
            "token": address.token,
            "variations": order.variations,
            "style": order.style,
            "typed": order.typed,
            "given_seconds": order.given_seconds,
            "uploaded": order.uploaded,
            "seeds": json.dumps(order.seeds),
            "seed_chosen": request.seed is not None,
            "locale": address.locale,
            "parent_id": address.parent_id,
            "interaction_id": address.interaction_id,
            "model": model,
        }
        # S608: the names are those above.
        job_id = await self._database.execute(
            f"INSERT INTO jobs ({', '.join(values)}) "  # noqa: S608
            f"VALUES ({', '.join(f':{name}' for name in values)})",
            values,
        )
        return Job(job_id, JobState.WAITING, request, address, order, model=model)

    async def get(self, job_id: int) -> Job | None:
        """Return a job in whatever state it is, if there was one of this id."""
        rows = await self._database.rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return job_of(rows[0]) if rows else None

    async def advance(
        self,
        job_id: int,
        to: JobState,
        *,
        at: float | None = None,
        given_back: bool = False,
        made: MadeClips | None = None,
    ) -> bool:
        """Move a job on to a state; return False where it stands in none that leads there.

        With `at`, in seconds since 1970, it has ended and its person knows: the token, which is of
        no use any more, is forgotten. `given_back` are its seconds, which then do not count. `made`
        is kept with it.
        """
        async with self._database.transaction() as transaction:
            moved = await transaction.rows(
                "UPDATE jobs SET state = :to, finished_at = coalesce(:at, finished_at), "
                "token = iif(:at IS NULL, token, ''), given_back = given_back OR :given_back, "
                "made_in = coalesce(:made_in, made_in) "
                "WHERE id = :id AND state IN (SELECT value FROM json_each(:origins)) RETURNING id",
                {
                    "id": job_id,
                    "to": to,
                    "at": at,
                    "given_back": given_back,
                    "made_in": made.made_in if made else None,
                    "origins": json.dumps(sorted(ORIGINS[to])),
                },
            )
            if moved and made:
                await transaction.executemany(
                    "INSERT OR REPLACE INTO clips (job_id, variation, model, codes) "
                    "VALUES (?, ?, ?, ?)",
                    [
                        (job_id, number, made.model, _pack(codes))
                        for number, codes in enumerate(made.codes, start=1)
                    ],
                )
        return bool(moved)

    async def set_message(self, job_id: int, message_id: int) -> None:
        """Note which message was promised, or has taken the promised one's place."""
        await self._database.execute(
            "UPDATE jobs SET message_id = ? WHERE id = ? AND state != ?",
            (message_id, job_id, JobState.DELETED),
        )

    async def set_seeds(self, job: Job) -> None:
        """Note that a job's clips are made from other seeds than it was accepted with."""
        await self._database.execute(
            "UPDATE jobs SET seeds = ? WHERE id = ? AND state != ?",
            (json.dumps(job.order.seeds), job.id, JobState.DELETED),
        )

    async def remove(self, job_id: int) -> None:
        """Take a job out as if it had never been accepted."""
        await self._database.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    async def unfinished(self) -> list[Job]:
        """Return what a former run of the bot left, in the order it was accepted.

        Among it are cancelled jobs of which nobody was told yet.
        """
        rows = await self._database.rows(
            f"SELECT * FROM jobs WHERE state {_LISTED} "  # noqa: S608
            "OR (state = ? AND finished_at IS NULL) ORDER BY id",
            (json.dumps(sorted(UNFINISHED)), JobState.CANCELLED),
        )
        return [job_of(row) for row in rows]

    async def last_accepted(self, user_id: int, guild_id: int | None = None) -> float | None:
        """Return when this person's latest job was accepted, in seconds since 1970.

        With `guild_id`, the latest in that guild.
        """
        rows = await self._database.rows(
            "SELECT accepted_at FROM jobs WHERE user_id = :user "
            "AND (:guild IS NULL OR guild_id = :guild) ORDER BY accepted_at DESC LIMIT 1",
            {"user": user_id, "guild": guild_id},
        )
        return float(rows[0][0]) if rows else None

    async def bring_back(self, user_id: int, now: float) -> None:
        """Count what of this person was accepted in what is now the future as if it were now."""
        await self._database.execute(
            "UPDATE jobs SET accepted_at = :now WHERE user_id = :user AND accepted_at > :now",
            {"user": user_id, "now": now},
        )

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
            "WHERE guild_id = ? AND accepted_at >= ? AND accepted_at < ? "
            "AND state != ? AND NOT given_back",
            (user_id, guild_id, start, end, JobState.FAILED),
        )
        return round(rows[0][0], 3), round(rows[0][1], 3)

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
    # S608: what is put into these queries are constants.
    await transaction.execute(f"DELETE FROM clips WHERE job_id {_LISTED}", ids)  # noqa: S608
    await transaction.execute(
        f"UPDATE jobs SET state = '{JobState.DELETED}', "  # noqa: S608
        "prompt = '', typed = '', style = '', token = '', continue_from = NULL, seeds = '[]', "
        "channel_id = 0, parent_id = NULL, message_id = NULL, interaction_id = NULL, "
        "uploaded = 0, locale = '', "
        f"given_back = given_back OR state = '{JobState.FAILED}' WHERE id {_LISTED}",
        ids,
    )


def job_of(row: sqlite3.Row) -> Job:
    """Return the job that a row of its table tells of."""
    continue_from, seeds = row["continue_from"], tuple(json.loads(row["seeds"]))
    request = GenerationRequest(
        prompt=row["prompt"],
        seconds=row["seconds"],
        seed=seeds[0] if seeds and row["seed_chosen"] else None,
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
        interaction_id=row["interaction_id"],
    )
    order = Order(
        variations=row["variations"],
        style=row["style"],
        typed=row["typed"],
        given_seconds=row["given_seconds"],
        uploaded=bool(row["uploaded"]),
        seeds=seeds,
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
