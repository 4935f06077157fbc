"""What is kept for how long."""

from __future__ import annotations

from musicgen_bot.job import UNFINISHED, JobState
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import JobStore

_ENDED = "jobs.state NOT IN ({})".format(", ".join(f"'{state}'" for state in UNFINISHED))
_FAVOURITE = "jobs.id IN (SELECT job_id FROM favourites)"
# S608: these constants are all that is put into the queries below.


class Retention:
    """Lets go of what is old. Every method raises StoreError when the database fails.

    What is still waiting, being made or on its way is never touched.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs = JobStore(database)

    async def forget_before(self, before: float) -> int:
        """Forget what was accepted before a time, in seconds since 1970; return how many jobs.

        Clips that are somebody's favourite stay.
        """
        return await self._forget(
            f"SELECT id FROM jobs WHERE created_at < ? AND state != '{JobState.DELETED}' "  # noqa: S608
            f"AND {_ENDED} AND NOT {_FAVOURITE}",
            (before,),
        )

    async def forget_fruitless(self, before: float) -> int:
        """Forget failed and cancelled jobs that were accepted before a time; return how many."""
        return await self._forget(
            "SELECT id FROM jobs WHERE created_at < ? "  # noqa: S608
            f"AND state IN ('{JobState.FAILED}', '{JobState.CANCELLED}')",
            (before,),
        )

    async def shrink(self, most_bytes: int) -> int:
        """Forget the oldest clips, until the rest takes no more than that; return how many jobs.

        Clips that are somebody's favourite come last.
        """
        return await self._forget(
            "SELECT id FROM (SELECT jobs.id, "  # noqa: S608
            "sum(size + coalesce(length(continue_from), 0)) "
            f"OVER (ORDER BY {_FAVOURITE} DESC, jobs.id DESC) AS so_far "
            "FROM jobs JOIN (SELECT job_id, sum(length(codes)) AS size FROM clips GROUP BY job_id) "
            f"ON job_id = jobs.id WHERE {_ENDED}) WHERE so_far > ?",
            (most_bytes,),
        )

    async def drop_counts(self, before: float) -> int:
        """Drop what is still counted of jobs of before a time whose clips are forgotten."""
        rows = await self._database.rows(
            "DELETE FROM jobs WHERE created_at < ? AND state = ? RETURNING id",
            (before, JobState.DELETED),
        )
        return len(rows)

    async def _forget(self, query: str, parameters: tuple[float]) -> int:
        job_ids = [row[0] for row in await self._database.rows(query, parameters)]
        await self._jobs.forget(job_ids)
        return len(job_ids)
