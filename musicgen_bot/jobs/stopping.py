"""Ending jobs before they are done: cancelled, deleted, or withdrawn."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from functools import partial

from musicgen_bot.job import EndReason, JobState
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.delivery import Delivery
from musicgen_bot.jobs.fair_queue import FairQueue
from musicgen_bot.jobs.job_writer import JobWriter
from musicgen_bot.jobs.slots import Slots
from musicgen_bot.store.jobs import JobStore


class Stopping:
    """Takes jobs out of wherever they are: the queue, the slots, or their delivery."""

    def __init__(
        self,
        *,
        active: MutableMapping[int, ActiveJob],
        queue: FairQueue,
        slots: Slots,
        delivery: Delivery,
        jobs: JobStore,
        writer: JobWriter,
    ) -> None:
        self._active = active
        self._queue = queue
        self._slots = slots
        self._delivery = delivery
        self._jobs = jobs
        self._writer = writer

    async def cancel(self, job_id: int, reason: EndReason) -> bool:
        """Stop a job that waits or is being made; False if it is too late for that.

        Its message then tells the reason. The seconds of a job that waited are given back.
        """
        active = self._active.get(job_id)
        if active is None:
            return False
        waited = self._queue.remove(active)
        if not waited and not self._slots.take_out(active):
            return False
        active.takes_updates = False
        await self._writer.write(
            partial(self._jobs.advance, job_id, JobState.CANCELLED, given_back=waited)
        )
        self._delivery.end(active, JobState.CANCELLED, reason)
        return True

    async def let_go(self, job_id: int) -> None:
        """Stop all work on a job without a word, such as a delivery that still tries."""
        if (active := self._active.pop(job_id, None)) is None:
            return
        active.takes_updates = False
        self._queue.remove(active)
        self._slots.take_out(active)
        await _halt(active)
        active.ended.set()
        self._slots.fill()

    async def withdraw(self, active: ActiveJob) -> None:
        """Let go of a job, and of all that was written of it."""
        await self.let_go(active.job.id)
        await self._writer.write(partial(self._jobs.remove, active.job.id))

    async def stop_all(self, user_id: int, reason: EndReason) -> None:
        """Stop all work for a person; the messages of their jobs then tell the reason."""
        theirs = [each for each in self._active.values() if each.job.address.user_id == user_id]
        # Those that wait come first, or they would be started in the place of the others.
        for active in sorted(theirs, key=lambda each: each.task is not None):
            if await self.cancel(active.job.id, reason):
                continue
            await _halt(active)
            if (
                not active.ended.is_set()
            ):  # its message, too, shall not say for ever that it is made
                self._delivery.end(active, JobState.CANCELLED, reason)


async def _halt(active: ActiveJob) -> None:
    """End what is done for a job just now."""
    if active.task is not None:
        active.task.cancel()
        await asyncio.wait({active.task})
