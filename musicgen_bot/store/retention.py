"""What is kept for how long."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from musicgen_bot.job import UNFINISHED, JobState
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import forget_jobs

PORTION = 100
"""So many jobs are forgotten at a time: others may have to wait for that."""

_ENDED = "state NOT IN ({})".format(", ".join(f"'{state}'" for state in UNFINISHED))
_FRUITLESS = f"state IN ('{JobState.FAILED}', '{JobState.CANCELLED}')"
_DELETED = f"state = '{JobState.DELETED}'"
_FAVOURITE = "id IN (SELECT job_id FROM favourites)"
# S608: these constants are all that is put into the queries below.


class Retention:
    """Lets go of what is old. Every method raises StoreError when the database fails.

    What is still waiting, being made or on its way is never touched.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_before(self, before: float) -> int:
        """Forget what was accepted before a time, in seconds since 1970; return how many jobs.

        Clips that are somebody's favourite stay.
        """
        old = f"{_ENDED} AND NOT {_DELETED} AND NOT {_FAVOURITE}"
        return await self._forget(await self._before(before, old), old)

    async def forget_fruitless(self, before: float) -> int:
        """Forget failed and cancelled jobs that were accepted before a time; return how many."""
        return await self._forget(await self._before(before, _FRUITLESS), _FRUITLESS)

    async def shrink(self, most_bytes: int) -> int:
        """Forget the oldest clips, until the rest takes no more than that; return how many jobs.

        Clips that are somebody's favourite come last.
        """
        rows = await self._database.read(
            "SELECT id FROM (SELECT id, "  # noqa: S608
            "sum(size + coalesce(length(continue_from), 0)) "
            f"OVER (ORDER BY {_FAVOURITE} DESC, id DESC) AS so_far "
            "FROM jobs JOIN (SELECT job_id, sum(length(codes)) AS size FROM clips GROUP BY job_id) "
            f"ON job_id = id WHERE {_ENDED}) WHERE so_far > ?",
            (most_bytes,),
        )
        return await self._forget(rows, _ENDED)

    async def drop_counts(self, before: float) -> int:
        """Drop what is still counted of jobs of before a time whose clips are forgotten."""
        rows = await self._before(before, _DELETED)
        for portion in _portions(rows):
            async with self._database.transaction() as transaction:
                await transaction.executemany("DELETE FROM jobs WHERE id = ?", portion)
        return len(rows)

    async def overwrite(self) -> None:
        """See to it that nothing of what is forgotten is left in the database's files."""
        await self._database.checkpoint()

    async def _before(self, before: float, condition: str) -> list[sqlite3.Row]:
        return await self._database.read(
            f"SELECT id FROM jobs WHERE accepted_at < ? AND {condition}",  # noqa: S608
            (before,),
        )

    async def _forget(self, rows: Sequence[sqlite3.Row], condition: str) -> int:
        """Forget jobs of which the condition still holds; return how many that were."""
        forgotten = 0
        for portion in _portions(rows):
            async with self._database.transaction() as transaction:
                still = await transaction.rows(
                    "SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(?)) "  # noqa: S608
                    f"AND {condition}",
                    (json.dumps([row[0] for row in portion]),),
                )
                await forget_jobs(transaction, [row[0] for row in still])
            forgotten += len(still)
        return forgotten


def _portions(rows: Sequence[sqlite3.Row]) -> Iterator[Sequence[sqlite3.Row]]:
    for start in range(0, len(rows), PORTION):
        yield rows[start : start + PORTION]
