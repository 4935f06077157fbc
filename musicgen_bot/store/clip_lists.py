"""The clips that were made, as people look for them; and which of them they like best."""

from __future__ import annotations

import json

from musicgen_bot.clip_list import Entry, Page, Viewer
from musicgen_bot.job import JobState
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import job_of

PAGE_LENGTH = 8
_MADE = (JobState.MADE, JobState.DELIVERED, JobState.KEPT)
_OF_GUILD = (
    "jobs.guild_id IS :guild_id AND EXISTS (SELECT 1 FROM json_each(:channels) "
    "WHERE value IN (jobs.channel_id, jobs.parent_id))"
)


class ClipListStore:
    """Lists of clips. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mine(self, viewer: Viewer, search: str, number: int) -> Page:
        """Return the viewer's own clips whose prompt or style holds a text."""
        return await self._page("jobs", "jobs.user_id = :user_id", viewer, search, number)

    async def of_guild(self, viewer: Viewer, search: str, number: int) -> Page:
        """Return what was made in the channels of the guild that the viewer may read."""
        return await self._page("jobs", _OF_GUILD, viewer, search, number)

    async def favourites(self, viewer: Viewer, search: str, number: int) -> Page:
        """Return the viewer's favourites, so far as they may be shown here."""
        return await self._page(
            "favourites JOIN jobs ON jobs.id = favourites.job_id",
            f"favourites.user_id = :user_id AND (jobs.user_id = :user_id OR {_OF_GUILD})",
            viewer,
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
        async with self._database.transaction() as transaction:
            removed = await transaction.rows(
                "DELETE FROM favourites WHERE user_id = :user AND job_id = :job "
                "AND variation = :variation RETURNING job_id",
                values,
            )
            if removed:
                return False
            added = await transaction.rows(
                "INSERT INTO favourites SELECT :user, job_id, variation, :at FROM clips "
                "WHERE job_id = :job AND variation = :variation RETURNING job_id",
                values,
            )
            return bool(added)

    async def size(self) -> tuple[int, int]:
        """Return how many clips are kept, and how many bytes they take."""
        rows = await self._database.read("SELECT count(*), total(length(codes)) FROM clips")
        return rows[0][0], int(rows[0][1])

    async def _page(
        self,
        tables: str,
        condition: str,
        viewer: Viewer,
        search: str,
        number: int,
        *,
        variation: str = "0",
        order: str = "jobs.id DESC",
    ) -> Page:
        states = ", ".join(f"'{state}'" for state in _MADE)
        # S608: all that is put into the query are texts of this class; what people type is bound.
        rows = await self._database.read(
            f"SELECT jobs.*, {variation} AS variation FROM {tables} "  # noqa: S608
            f"WHERE {condition} AND jobs.state IN ({states}) "
            "AND instr(casefold(jobs.style || ' ' || jobs.prompt), casefold(:search)) "
            f"ORDER BY {order} LIMIT :limit OFFSET :offset",
            {
                "user_id": viewer.user_id,
                "guild_id": viewer.guild_id,
                "channels": json.dumps(sorted(viewer.channels)),
                "search": search,
                "limit": PAGE_LENGTH + 1,
                "offset": number * PAGE_LENGTH,
            },
        )
        entries = [Entry(job_of(row), row["variation"]) for row in rows[:PAGE_LENGTH]]
        return Page(entries, number, is_last=len(rows) <= PAGE_LENGTH)
