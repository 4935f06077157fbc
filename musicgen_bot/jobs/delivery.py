"""From clips that are made to the people who wait for them; and how jobs end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Protocol

from musicgen_bot.errors import GenerationError, RequestError, UnusableSound
from musicgen_bot.generation import Clip
from musicgen_bot.job import EndReason, Job, JobState
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.job_writer import JobWriter
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.translations import Text

SOMETHING_WRONG = Text("Something went wrong while making this clip; please try again.")
NOT_POSTED = Text("Your clip is ready, but it could not be posted; `/clip {clip}` plays it.")
MOST_UNDELIVERED = 16
"""Jobs that may be on their way from the model to Discord. They hold their files in memory, some
0.7 MB for 30 s of each variation, and until those are there their sound, five times as much; so
while Discord takes no files, hardly more are made than that."""

_log = logging.getLogger(__name__)


class Undeliverable(Exception):
    """There is no place left where this clip may be posted; it is kept instead."""


class DeliveryTarget(Protocol):
    """Whoever asked: the message in Discord that promised a clip, or the terminal.

    Both methods may be called again for a job after a restart, and doing it twice does no harm.
    """

    async def deliver(self, job: Job, clips: list[Clip]) -> int | None:
        """Hand over all variations and return the id of their message, where there is one.

        The clips may be taken out of the list once they are files: nobody else holds their sound.
        Waits out what passes by itself. Raises GenerationError where no sound can be made of any
        clip, Undeliverable where they can go nowhere.
        """

    async def tell(self, job: Job, text: Text, *, own_doing: bool) -> None:
        """Tell why there will be no clip; `own_doing` is what the person did, and knows."""


class Delivery:
    """Hands over clips and tells how jobs ended, each in a task of its own. Ended by `close`."""

    def __init__(
        self,
        *,
        target: DeliveryTarget,
        jobs: JobStore,
        writer: JobWriter,
        events: Events,
        on_end: Callable[[ActiveJob], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._target = target
        self._jobs = jobs
        self._writer = writer
        self._events = events
        self._on_end = on_end
        """Called when all is done for a job; there may be room for another then."""
        self._clock = clock
        self._deliveries: set[asyncio.Task[None]] = set()
        self._endings: set[asyncio.Task[None]] = set()

    @property
    def has_room(self) -> bool:
        """Whether one more job may be made."""
        return len(self._deliveries) < MOST_UNDELIVERED

    def start(self, active: ActiveJob, clips: list[Clip]) -> None:
        """Begin to hand over what was made."""
        active.takes_updates = False
        active.task = self._spawn(self._deliver(active, clips), self._deliveries)

    def end(self, active: ActiveJob, state: JobState, why: Text | EndReason) -> None:
        """Begin to tell a person why there will be no clip, and then write how the job ended."""
        active.takes_updates = False
        active.task = self._spawn(self._end(active, state, why), self._endings)

    async def close(self) -> None:
        """Stop at once; what is undelivered stays so for the next run."""
        tasks = self._deliveries | self._endings
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _spawn(
        self, work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

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
            await self._end(active, JobState.KEPT, NOT_POSTED.filled(clip=str(active.job.id)))
        else:
            if message_id is not None and message_id != active.job.address.message_id:
                await self._writer.write(partial(self._jobs.set_message, active.job.id, message_id))
            await self._end(active, JobState.DELIVERED)

    async def _end(
        self, active: ActiveJob, state: JobState, why: Text | EndReason | None = None
    ) -> None:
        """Tell the person if there is something to tell, then write how it ended."""
        job = active.job
        text = why.text if isinstance(why, EndReason) else why
        self._events.ended(job, state, str(text or ""))
        try:
            if text:
                await active.answered.wait()
                own_doing = isinstance(why, EndReason) and why.is_own_doing
                await self._target.tell(active.job, text, own_doing=own_doing)
        except Undeliverable as error:
            _log.warning("job %d: nobody could be told: %s", job.id, error)
        except Exception:
            _log.exception("job %d: nobody could be told", job.id)
        await self._writer.write(partial(self._jobs.advance, job.id, state, at=self._clock()))
        active.ended.set()
        self._on_end(active)
