"""From a request that was accepted to a clip that was delivered.

A job is written to the store before anybody is told of it, and every step it takes is written too:
waiting, running, made (its codes are kept), delivered. So after a crash at any moment the next run
takes each job up where it stood. Writing again what was already posted edits the same message.

A failing disk does not stop a job that was accepted: its clip is made and delivered all the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.backends.backend import Backend
from musicgen_bot.errors import LimitReached
from musicgen_bot.generation import GenerationRequest, check_continuation
from musicgen_bot.job import Address, EndReason, Job, JobState, Submission, seeds_from
from musicgen_bot.jobs.active_job import ActiveJob, Estimate
from musicgen_bot.jobs.admission import Admission, Waiting
from musicgen_bot.jobs.delivery import Delivery, DeliveryTarget
from musicgen_bot.jobs.estimates import Estimator
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.fair_queue import FairQueue
from musicgen_bot.jobs.job_runner import JobRunner, draw_seed
from musicgen_bot.jobs.job_writer import JobWriter
from musicgen_bot.jobs.service_mode import Mode, ServiceMode
from musicgen_bot.jobs.slots import Slots
from musicgen_bot.jobs.stopping import Stopping
from musicgen_bot.jobs.sweeper import COUNTED_SECONDS
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.personal import PersonalData

_log = logging.getLogger(__name__)


class Dispatcher:
    """Accepts jobs, hands them to the backend in fair order, and sees each to its end."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        backend: Backend,
        target: DeliveryTarget,
        admission: Admission,
        service_mode: ServiceMode,
        events: Events,
        personal: PersonalData,
        pool: SoundPool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._jobs = jobs
        self._backend = backend
        self._admission = admission
        self._service_mode = service_mode
        self._events = events
        self._personal = personal
        self._clock = clock
        self._writer = JobWriter()
        self._queue = FairQueue()
        self._active: dict[int, ActiveJob] = {}
        self._delivery = Delivery(
            target=target,
            jobs=jobs,
            writer=self._writer,
            events=events,
            on_end=self._ended,
            clock=clock,
        )
        self._slots = Slots(
            backend=backend,
            queue=self._queue,
            runner=JobRunner(jobs, self._writer, backend, events, pool),
            delivery=self._delivery,
            service_mode=service_mode,
        )
        self._stopping = Stopping(
            active=self._active,
            queue=self._queue,
            slots=self._slots,
            delivery=self._delivery,
            jobs=jobs,
            writer=self._writer,
        )
        self._estimator = Estimator(backend, service_mode, self._slots, self._queue)
        self._closing = False
        self._admitting = asyncio.Lock()

    async def resume(self) -> int:
        """Take up what a former run left, in its order, and return how many jobs that were."""
        await self._service_mode.load()
        unfinished = await self._jobs.unfinished()
        for job in unfinished:
            active = self._hold(job)
            active.answered.set()
            match job.state:
                case JobState.WAITING:
                    self._queue.put(active)
                case JobState.CANCELLED:  # and the person was not told yet
                    self._delivery.end(active, JobState.CANCELLED, EndReason.CANCELLED)
                case _:
                    # What is made was perhaps posted, and then its message says so already.
                    active.takes_updates = job.state is not JobState.MADE
                    self._slots.start(active)
        self._slots.fill()
        return sum(job.state is not JobState.CANCELLED for job in unfinished)

    async def check(self, submission: Submission) -> None:
        """Return if such a request would be accepted now; raises as `submit` does."""
        if self._closing:
            raise LimitReached("The bot is restarting; please try again in a minute.")
        self._service_mode.check_open()
        await self._admission.admit(submission, self._waiting(submission.address))

    async def submit(self, submission: Submission) -> ActiveJob:
        """Accept a request: check the limits, write it down, and put it into the queue.

        The caller then answers the person and calls `answered`. Raises InvalidRequest,
        LimitReached or StoreError, and then nothing was accepted.
        """
        async with self._admitting:
            given = self._given_seconds(submission.request)
            order = replace(submission.order, given_seconds=given)
            submission = replace(submission, order=order)
            await self.check(submission)
            submission = await self._completed(submission)
            job = await self._jobs.add(submission, self._backend.model, self._clock())
            active = self._hold(job)
        self._events.accepted(active.job)
        self._queue.put(active)
        self._slots.fill()
        return active

    async def answered(self, active: ActiveJob, message_id: int | None) -> None:
        """Note the message that promises the clip; None if the answer did not get through."""
        if message_id is not None:
            address = replace(active.job.address, message_id=message_id)
            active.job = replace(active.job, address=address)
            await self._writer.write(partial(self._jobs.set_message, active.job.id, message_id))
        active.answered.set()

    async def cancel(self, job_id: int, reason: EndReason = EndReason.CANCELLED) -> bool:
        """Stop a job that waits or is being made; False if it is too late for that.

        Its message then tells the reason. The seconds of a job that waited are given back.
        """
        return await self._stopping.cancel(job_id, reason)

    async def let_go(self, job_id: int) -> None:
        """Stop all work on a job that is deleted, such as a delivery that still tries."""
        await self._stopping.let_go(job_id)

    async def withdraw(self, active: ActiveJob) -> None:
        """Take back a job that another bot has answered for: it counts for nothing."""
        await self._stopping.withdraw(active)

    async def data_about(self, user_id: int) -> dict[str, Any]:
        """Return all that is kept about a person, as JSON knows it. Raises StoreError."""
        return await self._personal.about(user_id)

    async def forget_person(self, user_id: int) -> int:
        """Stop and forget all of a person's jobs, and return how many there were.

        Nothing of theirs is taken on meanwhile. Raises StoreError.
        """
        async with self._admitting:
            await self._stopping.stop_all(user_id, EndReason.FORGOTTEN)
            count = await self._personal.forget(user_id, self._clock() - COUNTED_SECONDS)
        _log.info("user %d had all their data deleted, of %d clips", user_id, count)
        return count

    @property
    def mode(self) -> Mode:
        """What becomes of jobs, as the host has said."""
        return self._service_mode.mode

    async def turn(self, mode: Mode) -> None:
        """Do as the host says from now on. Raises StoreError, and then all is as it was."""
        await self._service_mode.turn(mode)
        self._slots.fill()

    def unfinished(self) -> Iterator[ActiveJob]:
        """Yield every job that is being made or waits, in the order they are served.

        To be read at once, or as far as wanted, before anything else happens.
        """
        return chain(self._slots.making.values(), self._queue)

    def estimates(self) -> Iterator[tuple[ActiveJob, Estimate]]:
        """Yield the same jobs with what they may expect."""
        return self._estimator.all()

    def estimate(self, active: ActiveJob) -> Estimate:
        """Return what one job may expect."""
        return self._estimator.of(active)

    async def close(self) -> None:
        """Stop at once; what is unfinished stays in the store for the next run."""
        self._closing = True
        await self._slots.close()
        await self._delivery.close()
        await self._writer.close()

    def _hold(self, job: Job) -> ActiveJob:
        active = self._active[job.id] = ActiveJob(job)
        return active

    def _ended(self, active: ActiveJob) -> None:
        self._active.pop(active.job.id, None)
        self._slots.fill()

    def _waiting(self, address: Address) -> list[Waiting]:
        return [
            Waiting(active.job.address, partial(self._estimator.starts_in, active))
            for active in self._queue.concerning(address)
        ]

    async def _completed(self, submission: Submission) -> Submission:
        """Return it with all that the job is made from: seeds, and the language it is told in."""
        request, address, order = submission.request, submission.address, submission.order
        locale = await self._admission.locale_of(address)
        first = draw_seed() if request.seed is None else request.seed
        return replace(
            submission,
            address=replace(address, locale=locale),
            order=replace(order, seeds=seeds_from(first, order.variations)),
        )

    def _given_seconds(self, request: GenerationRequest) -> float:
        """Return how much of a clip need not be made, since it goes on from that.

        Raises InvalidRequest where nothing is left to make.
        """
        if request.continue_from is None:
            return 0.0
        given = float(request.continue_from.shape[1] / self._backend.frame_rate)
        check_continuation(given, request.seconds)
        return given
