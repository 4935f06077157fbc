"""What happens to jobs, told to the log: one line an event."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from musicgen_bot.job import Job, JobState

_log = logging.getLogger(__name__)


class Events:
    """Writes each step of a job's life to the log; what was asked for only if the host wants it."""

    def __init__(self, *, prompts: bool, clock: Callable[[], float] = time.time) -> None:
        self._prompts = prompts
        self._clock = clock

    def accepted(self, job: Job) -> None:
        """Tell of a job that was taken on."""
        fields: dict[str, object] = {
            "user": job.address.user_id,
            "channel": job.address.channel_id,
            "variations": job.order.variations,
            "length": job.request.seconds,
        }
        if self._prompts:
            fields["prompt"] = job.request.prompt
        _tell("accepted", job, fields)

    def started(self, job: Job) -> None:
        """Tell of a job that has left the queue, and how long it was there."""
        _tell("started", job, {"seconds": self._age(job)})

    def finished(self, job: Job) -> None:
        """Tell of a job whose clips are made, and how long that took."""
        _tell("finished", job, {"seconds": round(job.made_in or 0.0, 1)})

    def ended(self, job: Job, state: JobState, reason: str = "") -> None:
        """Tell how a job ended, how long after it was accepted, and why, if nothing came of it."""
        _tell(state, job, {"seconds": self._age(job)} | ({"reason": reason} if reason else {}))

    def _age(self, job: Job) -> float:
        return round(self._clock() - job.address.created_at, 1)


def _tell(event: str, job: Job, fields: dict[str, object]) -> None:
    where = {"job": job.id, "guild": job.address.guild_id}
    _log.info("job %s", event, extra={"fields": where | fields})
