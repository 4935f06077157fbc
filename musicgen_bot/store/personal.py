"""All that is kept about one person: to be shown to them, and to be forgotten."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from musicgen_bot.job import JobState
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import forget_jobs

Json = dict[str, Any]


class PersonalData:
    """What is known of people. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def about(self, user_id: int) -> Json:
        """Return everything about a person, as JSON knows it: ids and times as texts.

        Of the codes of a clip it tells the size; of an interaction's token, a secret, nothing.
        """
        jobs = await self._rows("SELECT * FROM jobs WHERE user_id = ? ORDER BY id", user_id)
        sizes = await self._rows(
            "SELECT job_id, variation, model, length(codes) AS bytes FROM clips "
            "WHERE job_id IN (SELECT id FROM jobs WHERE user_id = ?) ORDER BY job_id, variation",
            user_id,
        )
        favourites = await self._rows(
            "SELECT job_id AS clip, variation, added_at FROM favourites WHERE user_id = ? "
            "ORDER BY added_at",
            user_id,
        )
        blocks = await self._rows(
            "SELECT guild_id, at FROM blocks WHERE user_id = ? ORDER BY at", user_id
        )
        host_blocks = await self._rows(
            "SELECT at FROM host_blocks WHERE kind = 'user' AND id = ?", user_id
        )
        blocked_by = await self._rows(
            "SELECT guild_id, user_id AS member_id, at FROM blocks WHERE by_user_id = ?", user_id
        )
        changed = await self._rows(
            "SELECT guild_id, at FROM guild_settings WHERE user_id = ? ORDER BY id", user_id
        )
        # In a thread, since thousands of clips take a quarter of a second.
        clips = await asyncio.to_thread(_clips, jobs, sizes)
        return {
            "user_id": str(user_id),
            "clips": clips,
            "favourites": list(map(_plain, favourites)),
            "blocked_in_servers": list(map(_plain, blocks)),
            "blocked_by_the_host": list(map(_plain, host_blocks)),
            "blocked_as_a_moderator": list(map(_plain, blocked_by)),
            "settings_changed_as_an_admin": list(map(_plain, changed)),
        }

    async def forget(self, user_id: int, counted_since: float) -> int:
        """Forget a person's clips, prompts and favourites; return how many clips that were.

        Of what they had since `counted_since`, in seconds since 1970, it stays counted how many
        seconds of music that was. Blocks, and what they did as a moderator or an admin, stay too.
        """
        async with self._database.transaction() as transaction:
            rows = await transaction.rows(
                "SELECT id, state FROM jobs WHERE user_id = ?", (user_id,)
            )
            await forget_jobs(transaction, [row["id"] for row in rows])
            await transaction.execute("DELETE FROM favourites WHERE user_id = ?", (user_id,))
            await transaction.execute(
                "DELETE FROM jobs WHERE user_id = ? AND accepted_at < ?", (user_id, counted_since)
            )
        await self._database.checkpoint()
        return sum(row["state"] != JobState.DELETED for row in rows)

    async def _rows(self, query: str, user_id: int) -> list[sqlite3.Row]:
        return await self._database.read(query, (user_id,))


def _clips(jobs: Iterable[sqlite3.Row], sizes: Iterable[sqlite3.Row]) -> list[Json]:
    """Return jobs as JSON knows them, each with the sizes of what is kept of its clips."""
    kept: dict[int, list[Json]] = {}
    for row in sizes:
        kept.setdefault(row["job_id"], []).append(_plain(row, leave_out=["job_id"]))
    return [
        _plain(job, leave_out=["user_id", "token", "continue_from"])
        | {"continues_a_sound": job["continue_from"] is not None}
        | {"kept": kept.get(job["id"], [])}
        for job in jobs
    ]


def _plain(row: sqlite3.Row, leave_out: Iterable[str] = ()) -> Json:
    """Return a row as JSON knows it."""
    # SIM118: a row is no mapping; without keys() it yields its values.
    data = {name: row[name] for name in row.keys() if name not in leave_out}  # noqa: SIM118
    for name, value in data.items():
        if value is None:
            continue
        if name.endswith("_id"):
            data[name] = str(value)
        elif name == "at" or name.endswith("_at"):
            data[name] = datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    return data
