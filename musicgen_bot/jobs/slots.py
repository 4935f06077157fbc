"""Which jobs the backend has: from the queue, in fair order, into its slots."""

from __future__ import annotations

import asyncio
import logging

from musicgen_bot.backends.backend import Backend
from musicgen_bot.errors import GenerationError, RequestError
from musicgen_bot.job import JobState
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.delivery import SOMETHING_WRONG, Delivery
from musicgen_bot.jobs.fair_queue import FairQueue
from musicgen_bot.jobs.job_runner import JobRunner
from musicgen_bot.jobs.service_mode import ServiceMode

_log = logging.getLogger(__name__)


class Slots:
    """Starts jobs while there is room, and hands over what was made. Ended by `close`."""

    def __init__(
        self,
        *,
        backend: Backend,
        queue: FairQueue,
        runner: JobRunner,
        delivery: Delivery,
        service_mode: ServiceMode,
    ) -> None:
        self.making: dict[int, ActiveJob] = {}
        """The jobs that the backend has, by their ids."""
        self._backend = backend
        self._queue = queue
        self._runner = runner
        self._delivery = delivery
        self._service_mode = service_mode
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def fill(self) -> None:
        """Start jobs while the backend has slots for them, and clips can be posted."""
        while (
            not self._closing
            and self._delivery.has_room
            and not self._service_mode.is_paused
            and self.clips_in_making < self._backend.slots
            and (active := self._queue.pop())
        ):
            self.start(active)

    def start(self, active: ActiveJob) -> None:
        """Have a job made, whether or not there is room."""
        self.making[active.job.id] = active
        active.task = asyncio.create_task(self._run(active))
        self._tasks.add(active.task)
        active.task.add_done_callback(self._tasks.discard)

    def take_out(self, active: ActiveJob) -> bool:
        """Have a job made no longer; False if it is not being made."""
        if self.making.pop(active.job.id, None) is None or active.task is None:
            return False
        active.task.cancel()
        self.fill()
        return True

    async def close(self) -> None:
        """Stop at once; what is unfinished stays in the store for the next run."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def clips_in_making(self) -> int:
        """How many clips the backend has, or is about to get."""
        return sum(len(active.clips_left) for active in self.making.values())

    async def _run(self, active: ActiveJob) -> None:
        job_id = active.job.id
        try:
            clips = await self._runner.make(active, self.fill)
        except (GenerationError, RequestError) as error:
            self._delivery.end(active, JobState.FAILED, error.text)
        except Exception:
            _log.exception("job %d failed", job_id)
            self._delivery.end(active, JobState.FAILED, SOMETHING_WRONG)
        else:
            self._delivery.start(active, clips)
        self.making.pop(job_id, None)
        self.fill()
