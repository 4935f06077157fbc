"""Lists of clips, as people look through them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from musicgen_bot.job import Job


class ClipList(StrEnum):
    """Which list of clips a page belongs to."""

    MINE = "mine"
    SERVER = "server"
    FAVOURITES = "favourites"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and what may be shown to them beside their own clips."""

    user_id: int
    guild_id: int | None
    """The guild they look in; None in direct messages and groups."""
    channels: Collection[int] = ()
    """The channels of that guild which they may read, and with them their public threads; or the
    one they are in, without a guild."""

    def may_see(self, job: Job) -> bool:
        """Return whether a clip is theirs, or was made in a channel they can read here."""
        address = job.address
        if address.user_id == self.user_id:
            return True
        if address.guild_id != self.guild_id:
            return False
        return address.channel_id in self.channels or address.parent_id in self.channels


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
