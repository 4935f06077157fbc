"""The clips that were made, as people look for them; and which of them they like best."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from dataclasses import dataclass

from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import Job, JobState, job_of

PAGE_LENGTH = 8
_MADE = (JobState.DELIVERED, JobState.KEPT)
_OF_GUILD = (
    "jobs.guild_id = :guild_id AND jobs.channel_id IN (SELECT value FROM json_each(:channels))"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks, and what may be shown to them beside their own clips."""

    user_id: int
    guild_id: int | None
    """The guild they look in; None in a direct message."""
    channels: Collection[int] = ()
    """The channels of that guild which they may read."""

    def may_see(self, job: Job) -> bool:
        """Return whether a clip is theirs, or was made in a channel they can read here."""
        address = job.address
        if address.user_id == self.user_id:
            return True
        return (
            self.guild_id is not None
            and address.guild_id == self.guild_id
            and address.channel_id in self.channels
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list."""

    job: Job
    variation: int
    """Counted from 1; 0 stands for all of the job's."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, the newest first."""

    entries: list[Entry]
    number: int
    """Counted from 0."""
    is_last: bool


class Library:
    """Lists of clips. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._toggling = asyncio.Lock()

    async def mine(self, reader: Reader, search: str, number: int) -> Page:
        """Return the reader's own clips whose prompt or style holds a text."""
        return await self._page("jobs", "jobs.user_id = :user_id", reader, search, number)

    async def of_guild(self, reader: Reader, search: str, number: int) -> Page:
        """Return what was made in the channels of the guild that the reader may read."""
        return await self._page("jobs", _OF_GUILD, reader, search, number)

    async def favourites(self, reader: Reader, search: str, number: int) -> Page:
        """Return the reader's favourites, so far as they may be shown here."""
        return await self._page(
            "favourites JOIN jobs ON jobs.id = favourites.job_id",
            f"favourites.user_id = :user_id AND (jobs.user_id = :user_id OR {_OF_GUILD})",
            reader,
            search,
            number,
            variation="favourites.variation",
            order="favourites.added_at DESC, jobs.id DESC, favourites.variation",
        )

    async def toggle_favourite(self, user_id: int, job_id: int, variation: int, at: float) -> bool:
        """Make a clip a favourite of a person's, or no longer; return whether it is one now.

        One that was deleted meanwhile is none.
        """
        values = {"user": user_id, "job": job_id, "variation": variation, "at": at}
        async with self._toggling:  # two presses at once are two presses
            removed = await self._database.rows(
                "DELETE FROM favourites WHERE user_id = :user AND job_id = :job "
                "AND variation = :variation RETURNING job_id",
                values,
            )
            if removed:
                return False
            added = await self._database.rows(
                "INSERT INTO favourites SELECT :user, job_id, variation, :at FROM clips "
                "WHERE job_id = :job AND variation = :variation RETURNING job_id",
                values,
            )
            return bool(added)

    async def _page(
        self,
        tables: str,
        condition: str,
        reader: Reader,
        search: str,
        number: int,
        *,
        variation: str = "0",
        order: str = "jobs.id DESC",
    ) -> Page:
        states = ", ".join(f"'{state}'" for state in _MADE)
        # S608: all that is put into the query are texts of this class; what people type is bound.
        rows = await self._database.rows(
            f"SELECT jobs.*, {variation} AS variation FROM {tables} "  # noqa: S608
            f"WHERE {condition} AND jobs.state IN ({states}) "
            "AND instr(casefold(jobs.style || ' ' || jobs.prompt), casefold(:search)) "
            f"ORDER BY {order} LIMIT :limit OFFSET :offset",
            {
                "user_id": reader.user_id,
                "guild_id": reader.guild_id,
                "channels": json.dumps(sorted(reader.channels)),
                "search": search,
                "limit": PAGE_LENGTH + 1,
                "offset": number * PAGE_LENGTH,
            },
        )
        entries = [Entry(job_of(row), row["variation"]) for row in rows[:PAGE_LENGTH]]
        return Page(entries, number, is_last=len(rows) <= PAGE_LENGTH)
