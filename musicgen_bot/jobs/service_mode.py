"""Whether the bot works, as its host has said; kept, so that a restart changes nothing of it."""

from __future__ import annotations

from enum import StrEnum

from musicgen_bot.errors import LimitReached
from musicgen_bot.store.notes import NoteStore

_NOTE = "mode"


class Mode(StrEnum):
    """What becomes of jobs."""

    RUNNING = "running"
    PAUSED = "paused"
    """New ones are taken on, but none is started."""
    DRAINING = "draining"
    """No new ones are taken on; those there are get done."""


class ServiceMode:
    """The mode the bot is in. Its host turns it, the dispatcher goes by it."""

    def __init__(self, notes: NoteStore) -> None:
        self.mode = Mode.RUNNING
        self._notes = notes

    async def load(self) -> None:
        """Take up the mode of the run before. Raises StoreError."""
        self.mode = Mode(await self._notes.get(_NOTE) or Mode.RUNNING)

    async def turn(self, mode: Mode) -> None:
        """Change the mode. Raises StoreError, and then it is as it was."""
        await self._notes.set(_NOTE, mode)
        self.mode = mode

    @property
    def is_paused(self) -> bool:
        """Whether jobs that wait must go on waiting."""
        return self.mode is Mode.PAUSED

    def check_open(self) -> None:
        """Return if new jobs are taken on. Raises LimitReached."""
        if self.mode is Mode.DRAINING:
            raise LimitReached(
                "My host is about to shut me down, so I am only finishing what I have and taking "
                "on nothing new; please try again later."
            )
