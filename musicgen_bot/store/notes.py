"""Small facts the bot keeps between its runs, by name."""

from __future__ import annotations

from musicgen_bot.store.database import Database


class NoteStore:
    """Named texts. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> str | None:
        """Return the text kept under a name, if there is one."""
        rows = await self._database.rows("SELECT value FROM notes WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    async def set(self, name: str, value: str) -> None:
        """Keep a text under a name, in place of the one before."""
        await self._database.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))
