"""From a job that has left the queue to its clips, whose codes are then safe on the disk."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from functools import partial

from musicgen_bot.audio.loudness import is_silent
from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.backends.backend import Backend
from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import MAX_SEED, Clip
from musicgen_bot.job import JobState
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.clip_library import OTHER_MODEL
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.job_writer import JobWriter
from musicgen_bot.store.jobs import JobStore, MadeClips

MOST_SEEDS = 3
"""How many seeds are tried for a clip that comes out silent, where nobody asked for one."""

_log = logging.getLogger(__name__)


class JobRunner:
    """Has the clips of jobs made, one job beside the other."""

    def __init__(
        self,
        jobs: JobStore,
        writer: JobWriter,
        backend: Backend,
        events: Events,
        pool: SoundPool,
    ) -> None:
        self._jobs = jobs
        self._writer = writer
        self._backend = backend
        self._events = events
        self._pool = pool

    async def make(self, active: ActiveJob, on_room: Callable[[], None]) -> list[Clip]:
        """Return the clips of all variations of a job.

        `on_room` is called as the backend gets done with one of several; the last one's slot is
        free when its codes are kept. A job whose codes are kept already is not made again. Raises
        InvalidRequest or GenerationError.
        """
        job, model, numbers = active.job, self._backend.model, range(1, active.variations + 1)
        if not job.suits(model):
            raise InvalidRequest(OTHER_MODEL)
        if job.state is JobState.MADE:
            codes = await self._jobs.codes(job.id, model)
            if len(codes) == len(numbers):
                return await _all_clips(
                    map(self._backend.decode, codes, map(job.variation, numbers))
                )
        self._events.started(job)
        await self._writer.write(partial(self._jobs.advance, job.id, JobState.RUNNING))
        start = time.perf_counter()
        clips = await _all_clips(self._make_one(active, number, on_room) for number in numbers)
        active.job = replace(active.job, made_in=time.perf_counter() - start)
        self._events.finished(active.job)
        made = MadeClips([clip.codes for clip in clips], model, active.job.made_in or 0.0)
        await self._writer.write(partial(self._jobs.advance, job.id, JobState.MADE, made=made))
        return clips

    async def _make_one(self, active: ActiveJob, number: int, on_room: Callable[[], None]) -> Clip:
        clip = await self._generate(active, number)
        for _ in range(MOST_SEEDS - 1):
            if active.job.request.seed is not None or not await self._is_silent(clip):
                break
            _log.info("job %d: seed %s came out silent", active.job.id, clip.request.seed)
            active.job = active.job.reseeded(number, draw_seed())
            await self._writer.write(partial(self._jobs.set_seeds, active.job))
            clip = await self._generate(active, number)
        active.note_made(number)
        if active.clips_left:
            on_room()
        return clip

    async def _generate(self, active: ActiveJob, number: int) -> Clip:
        on_progress = partial(active.note_progress, number)
        return await self._backend.generate(active.job.variation(number), on_progress)

    async def _is_silent(self, clip: Clip) -> bool:
        return await self._pool.run(is_silent, clip.samples, clip.sample_rate)


def draw_seed() -> int:
    """Return a seed that nobody asked for."""
    return secrets.randbelow(MAX_SEED + 1)


async def _all_clips(works: Iterable[Coroutine[None, None, Clip]]) -> list[Clip]:
    """Return the clips of all works in their order; where one fails, the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
