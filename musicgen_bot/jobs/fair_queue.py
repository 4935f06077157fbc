"""The queue: guilds are served in turn, and within a guild its members in turn.

Somebody who asks for twenty clips waits for their own nineteen, not everybody else; a busy guild
does not make a quiet one wait longer than its turn.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator

from musicgen_bot.jobs.job import ActiveJob

_Party = tuple[str, int]
"""A guild; or a person's direct messages, which are served as if they were a guild."""


class FairQueue:
    """Jobs that wait, in the order of fairness."""

    def __init__(self) -> None:
        self._parties: OrderedDict[_Party, OrderedDict[int, deque[ActiveJob]]] = OrderedDict()

    def put(self, active: ActiveJob) -> None:
        """Add a job behind its user's others."""
        users = self._parties.setdefault(_party(active), OrderedDict())
        users.setdefault(active.job.address.user_id, deque()).append(active)

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
        return active

    def remove(self, active: ActiveJob) -> bool:
        """Take a job out of the middle; False if it is not here."""
        party, user = _party(active), active.job.address.user_id
        jobs = self._parties.get(party, OrderedDict()).get(user, deque())
        if active not in jobs:
            return False
        jobs.remove(active)
        if not jobs:
            del self._parties[party][user]
        if not self._parties[party]:
            del self._parties[party]
        return True

    def __iter__(self) -> Iterator[ActiveJob]:
        """Yield the jobs in the order they would be taken if no other came."""
        parties = deque(
            deque(deque(jobs) for jobs in users.values()) for users in self._parties.values()
        )
        while parties:
            users = parties.popleft()
            jobs = users.popleft()
            yield jobs.popleft()
            if jobs:
                users.append(jobs)
            if users:
                parties.append(users)


def _party(active: ActiveJob) -> _Party:
    address = active.job.address
    if address.guild_id is None:
        return ("direct messages", address.user_id)
    return ("guild", address.guild_id)
