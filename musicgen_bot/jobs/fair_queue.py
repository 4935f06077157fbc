"""The queue: guilds are served in turn, and within a guild its members in turn.

Somebody who asks for twenty clips waits for their own nineteen, not everybody else; a busy guild
does not make a quiet one wait longer than its turn.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

from musicgen_bot.job import Address
from musicgen_bot.jobs.active_job import ActiveJob

_T = TypeVar("_T")
_Party = tuple[str, int]
"""A guild; or a person's jobs in no guild, which are served as if they were a guild's."""


class FairQueue:
    """Jobs that wait, in the order of fairness."""

    def __init__(self) -> None:
        self._parties: OrderedDict[_Party, OrderedDict[int, deque[ActiveJob]]] = OrderedDict()
        self._of_user: dict[int, dict[int, ActiveJob]] = {}

    def put(self, active: ActiveJob) -> None:
        """Add a job behind its user's others."""
        users = self._parties.setdefault(_party(active.job.address), OrderedDict())
        user = active.job.address.user_id
        users.setdefault(user, deque()).append(active)
        self._of_user.setdefault(user, {})[active.job.id] = active

    def pop(self) -> ActiveJob | None:
        """Take the next job; its guild and its user go to the end of their lines."""
        if not self._parties:
            return None
        party, users = self._parties.popitem(last=False)
        user, jobs = users.popitem(last=False)
        active = jobs.popleft()
        if jobs:
            users[user] = jobs
        if users:
            self._parties[party] = users
        self._forget(active)
        return active

    def remove(self, active: ActiveJob) -> bool:
        """Take a job out of the middle; False if it is not here."""
        party, user = _party(active.job.address), active.job.address.user_id
        jobs = self._parties.get(party, OrderedDict()).get(user, deque())
        if active not in jobs:
            return False
        jobs.remove(active)
        if not jobs:
            del self._parties[party][user]
        if not self._parties[party]:
            del self._parties[party]
        self._forget(active)
        return True

    def concerning(self, address: Address) -> list[ActiveJob]:
        """Return what waits in somebody's guild, in its order, and then their jobs elsewhere."""
        here = _in_turn(self._parties.get(_party(address), {}).values())
        mine = self._of_user.get(address.user_id, {})
        return list({active.job.id: active for active in (*here, *mine.values())}.values())

    def __iter__(self) -> Iterator[ActiveJob]:
        """Yield the jobs in the order they would be taken if no other came.

        None may come or go meanwhile. What is not asked for costs nothing.
        """
        return _in_turn(_in_turn(users.values()) for users in self._parties.values())

    def _forget(self, active: ActiveJob) -> None:
        user = active.job.address.user_id
        del self._of_user[user][active.job.id]
        if not self._of_user[user]:
            del self._of_user[user]


def _in_turn(lines: Iterable[Iterable[_T]]) -> Iterator[_T]:
    """Yield one of each line, then the next of each, and so on."""
    waiting = deque(iter(line) for line in lines)
    while waiting:
        line = waiting.popleft()
        for item in line:
            yield item
            waiting.append(line)
            break


def _party(address: Address) -> _Party:
    if address.guild_id is None:
        return ("direct messages", address.user_id)
    return ("guild", address.guild_id)
