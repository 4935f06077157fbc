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
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.backends.backend import Backend
from musicgen_bot.errors import GenerationError, LimitReached, RequestError, UnusableSound
from musicgen_bot.generation import Clip, GenerationRequest, check_continuation
from musicgen_bot.job import Address, EndReason, Job, JobState, Submission, seeds_from
from musicgen_bot.jobs.active_job import ActiveJob, DeliveryTarget, Estimate, Undeliverable
from musicgen_bot.jobs.admission import Admission, Waiting
from musicgen_bot.jobs.estimates import Estimator
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.fair_queue import FairQueue
from musicgen_bot.jobs.job_runner import JobRunner, draw_seed, note
from musicgen_bot.jobs.service_mode import Mode, ServiceMode
from musicgen_bot.jobs.sweeper import COUNTED_SECONDS
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.personal import PersonalData
from musicgen_bot.translations import Text

SOMETHING_WRONG = Text("Something went wrong while making this clip; please try again.")
MOST_UNDELIVERED = 16
"""Jobs that may be on their way from the model to Discord. They hold their files in memory, some
0.7 MB for 30 s of each variation, and until those are there their sound, five times as much; so
while Discord takes no files, hardly more are made than that."""

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
        self._target = target
        self._admission = admission
        self._service_mode = service_mode
        self._events = events
        self._personal = personal
        self._clock = clock
        self._runner = JobRunner(jobs, backend, events, pool)
        self._queue = FairQueue()
        self._active: dict[int, ActiveJob] = {}
        self._making: dict[int, ActiveJob] = {}
        self._estimator = Estimator(backend, service_mode, self._making, self._queue)
        self._tasks: set[asyncio.Task[None]] = set()
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
                    active.task = self._spawn(
                        self._end(active, JobState.CANCELLED, EndReason.CANCELLED.text)
                    )
                case _:
                    self._start(active)
        self._fill()
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
            active = self._hold(await self._jobs.add(submission, self._backend.model))
        self._events.accepted(active.job)
        self._queue.put(active)
        self._fill()
        return active

    async def answered(self, active: ActiveJob, message_id: int | None) -> None:
        """Note the message that promises the clip; None if the answer did not get through."""
        if message_id is not None:
            address = replace(active.job.address, message_id=message_id)
            active.job = replace(active.job, address=address)
            await note(self._jobs.set_message(active.job.id, message_id))
        active.answered.set()

    async def cancel(self, job_id: int, reason: EndReason = EndReason.CANCELLED) -> bool:
        """Stop a job that waits or is being made; False if it is too late for that.

        Its message then tells the reason. The seconds of a job that waited are given back.
        """
        active = self._active.get(job_id)
        if active is None:
            return False
        waited = self._queue.remove(active)
        if not waited:
            if not (self._making.pop(job_id, None) and active.task):
                return False
            active.task.cancel()
            self._fill()
        await note(self._jobs.cancel(job_id, given_back=waited))
        active.task = self._spawn(self._end(active, JobState.CANCELLED, reason.text))
        return True

    async def let_go(self, job_id: int) -> None:
        """Stop all work on a job that is to be deleted, such as a delivery that still tries."""
        if (active := self._active.pop(job_id, None)) is None:
            return
        self._queue.remove(active)
        if self._making.pop(job_id, None):
            self._fill()
        if active.task is not None:
            active.task.cancel()
            await asyncio.wait({active.task})
        active.ended.set()

    async def data_about(self, user_id: int) -> dict[str, Any]:
        """Return all that is kept about a person, as JSON knows it. Raises StoreError."""
        return await self._personal.about(user_id)

    async def forget_person(self, user_id: int) -> int:
        """Stop and forget all of a person's jobs, and return how many there were.

        Nothing of theirs is taken on meanwhile. Raises StoreError.
        """
        async with self._admitting:
            await self._stop_all(user_id, EndReason.FORGOTTEN)
            count = await self._personal.forget(user_id, self._clock() - COUNTED_SECONDS)
        _log.info("user %d had all their data deleted, of %d clips", user_id, count)
        return count

    async def _stop_all(self, user_id: int, reason: EndReason) -> None:
        """Stop all work for a person; their messages then tell the reason."""
        theirs = [each for each in self._active.values() if each.job.address.user_id == user_id]
        # Those that wait come first, or they would be started in the place of the others.
        for active in sorted(theirs, key=lambda each: each.task is not None):
            if not await self.cancel(active.job.id, reason):
                await self.let_go(active.job.id)

    @property
    def mode(self) -> Mode:
        """What becomes of jobs, as the host has said."""
        return self._service_mode.mode

    async def turn(self, mode: Mode) -> None:
        """Do as the host says from now on. Raises StoreError, and then all is as it was."""
        await self._service_mode.turn(mode)
        self._fill()

    def unfinished(self) -> Iterator[ActiveJob]:
        """Yield every job that is being made or waits, in the order they are served.

        To be read at once, or as far as wanted, before anything else happens.
        """
        return chain(self._making.values(), self._queue)

    def estimates(self) -> Iterator[tuple[ActiveJob, Estimate]]:
        """Yield the same jobs with what they may expect."""
        return self._estimator.all()

    def estimate(self, active: ActiveJob) -> Estimate:
        """Return what one job may expect."""
        return self._estimator.of(active)

    async def close(self) -> None:
        """Stop at once; what is unfinished stays in the store for the next run."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _waiting(self, address: Address) -> list[Waiting]:
        return [
            Waiting(active.job.address, partial(self._estimator.starts_in, active))
            for active in self._queue.concerning(address)
        ]

    async def _completed(self, submission: Submission) -> Submission:
        """Return it with all that the job is made from: seeds, and the language it is told in."""
        request, address, order = submission.request, submission.address, submission.order
        address = replace(address, locale=await self._admission.locale_of(address))
        seeds: tuple[int, ...] = ()
        if request.seed is None:
            seeds = seeds_from(draw_seed(), order.variations)
            request = replace(request, seed=seeds[0])
        order = replace(order, seeds=seeds)
        return replace(submission, request=request, address=address, order=order)

    def _given_seconds(self, request: GenerationRequest) -> float:
        """Return how much of a clip need not be made, since it goes on from that.

        Raises InvalidRequest where nothing is left to make.
        """
        if request.continue_from is None:
            return 0.0
        given = float(request.continue_from.shape[1] / self._backend.frame_rate)
        check_continuation(given, request.seconds)
        return given

    def _hold(self, job: Job) -> ActiveJob:
        active = self._active[job.id] = ActiveJob(job)
        return active

    def _fill(self) -> None:
        """Start jobs while the backend has slots for them, and clips can be posted."""
        while (
            not self._closing
            and len(self._tasks) - len(self._making) < MOST_UNDELIVERED
            and not self._service_mode.is_paused
            and self._estimator.clips_in_making < self._backend.slots
            and (active := self._queue.pop())
        ):
            self._start(active)

    def _start(self, active: ActiveJob) -> None:
        self._making[active.job.id] = active
        active.task = self._spawn(self._run(active))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._fill()

    async def _run(self, active: ActiveJob) -> None:
        try:
            try:
                clips = await self._runner.make(active, self._fill)
            finally:
                if self._making.pop(active.job.id, None):
                    self._fill()
        except (GenerationError, RequestError) as error:
            await self._end(active, JobState.FAILED, error.text)
        except Exception:
            _log.exception("job %d failed", active.job.id)
            await self._end(active, JobState.FAILED, SOMETHING_WRONG)
        else:
            await self._deliver(active, clips)

    async def _deliver(self, active: ActiveJob, clips: list[Clip]) -> None:
        """Hand over what was made; whatever happens to it now, it stays in the history."""
        try:
            await active.answered.wait()
            message_id = await self._target.deliver(active.job, clips)
        except Undeliverable as error:
            _log.warning("job %d is kept: %s", active.job.id, error)
            await self._end(active, JobState.KEPT)
        except UnusableSound as error:
            await self._end(active, JobState.FAILED, error.text)
        except (GenerationError, RequestError) as error:
            await self._end(active, JobState.KEPT, error.text)
        except Exception:
            _log.exception("job %d could not be delivered", active.job.id)
            await self._end(active, JobState.KEPT, SOMETHING_WRONG)
        else:
            if message_id is not None and message_id != active.job.address.message_id:
                await note(self._jobs.set_message(active.job.id, message_id))
            await self._end(active, JobState.DELIVERED)

    async def _end(self, active: ActiveJob, state: JobState, text: Text | None = None) -> None:
        """Tell the person if there is something to tell, then write how it ended."""
        self._events.ended(active.job, state, str(text or ""))
        try:
            if text:
                await active.answered.wait()
                await self._target.tell(active.job, text)
        except Undeliverable as error:
            _log.warning("job %d: nobody could be told: %s", active.job.id, error)
        except Exception:
            _log.exception("job %d: nobody could be told", active.job.id)
        await note(self._jobs.finish(active.job.id, state, self._clock()))
        self._active.pop(active.job.id, None)
        active.ended.set()
