"""The clips that were made: lists of them, favourites, and their sound made again from codes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.backends.backend import Backend
from musicgen_bot.clip_list import ClipList, Page, Viewer
from musicgen_bot.errors import InvalidRequest, LimitReached
from musicgen_bot.generation import Clip, Codes, GenerationRequest
from musicgen_bot.job import Job, JobState
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.store.clip_lists import ClipListStore
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.translations import Text

OTHER_MODEL = Text(
    "This clip continues a sound encoded by a different model, so it cannot be made again; "
    "`/generate` makes a new one."
)


class ClipLibrary:
    """The clips that were made. Every method may raise StoreError."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        lists: ClipListStore,
        backend: Backend,
        blocklist: Blocklist,
        pool: SoundPool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._jobs = jobs
        self._lists = lists
        self._backend = backend
        self._blocklist = blocklist
        self._pool = pool
        self._clock = clock
        self._served: set[int] = set()
        self._decoding = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, user_id: int, guild_id: int | None) -> AsyncIterator[None]:
        """Let somebody have sound made again in this block, one clip at a time.

        Raises LimitReached where they are blocked, or still wait for another clip.
        """
        await self._blocklist.check(guild_id, user_id)
        if user_id in self._served:
            raise LimitReached(
                "The clip you asked for earlier is still on its way; please try again when it is "
                "there."
            )
        self._served.add(user_id)
        try:
            yield
        finally:
            self._served.discard(user_id)

    async def job(self, job_id: int) -> Job:
        """Return a job that was not deleted. Raises InvalidRequest where there is none."""
        job = await self._jobs.get(job_id)
        if job is None or job.state is JobState.DELETED:
            raise InvalidRequest(
                "This clip is gone: it was deleted, or is older than what the host of this bot "
                "keeps. `/generate` makes a new one."
            )
        return job

    def check_recipe(self, job: Job) -> None:
        """Return if another clip can be made after a job's recipe. Raises InvalidRequest."""
        if not job.suits(self._backend.model):
            raise InvalidRequest(OTHER_MODEL)

    async def codes(self, job: Job) -> list[Codes]:
        """Return the codes of all variations. Raises InvalidRequest where they are of no use."""
        codes = await self._jobs.codes(job.id, self._backend.model)
        if not codes:
            raise InvalidRequest(
                "The audio of this clip cannot be recreated: it was made by a different model, "
                "or never finished. Its **Again** button makes a new one."
            )
        return codes

    @asynccontextmanager
    async def clips(self, job: Job, variation: int | None = None) -> AsyncIterator[list[Clip]]:
        """Yield the sound of all variations, or of one of them, counted from 1; within a `turn`.

        When there is room for it; at the end of the block the list is emptied. Raises
        InvalidRequest as `codes` does, GenerationError where the model fails.
        """
        codes = await self.codes(job)
        wanted = range(1, len(codes) + 1) if variation is None else [variation]
        clips: list[Clip] = []
        async with self._pool.room(job.request.seconds * len(wanted)):
            try:
                for number in wanted:
                    clips.append(await self._decode(codes[number - 1], job.variation(number)))
                yield clips
            finally:
                clips.clear()

    async def _decode(self, codes: Codes, request: GenerationRequest) -> Clip:
        # One for all people: between two of them the clips in the making go on.
        async with self._decoding:
            return await self._backend.decode(codes, request, patient=False)

    async def page(self, which: ClipList, viewer: Viewer, search: str, number: int) -> Page:
        """Return a page, counted from 0, of a list, of clips whose prompt or style holds a text."""
        match which:
            case ClipList.MINE:
                return await self._lists.mine(viewer, search, number)
            case ClipList.SERVER:
                return await self._lists.of_guild(viewer, search, number)
            case ClipList.FAVOURITES:
                return await self._lists.favourites(viewer, search, number)

    async def toggle_favourite(self, user_id: int, job: Job, variation: int) -> bool:
        """Make a clip a favourite of a person's, or no longer; return whether it is one now."""
        return await self._lists.toggle_favourite(user_id, job.id, variation, self._clock())

    async def size(self) -> tuple[int, int]:
        """Return how many clips are kept, and how many bytes their codes take."""
        return await self._lists.size()

    async def delete(self, job: Job) -> None:
        """Delete a job's clips, and what they were made from."""
        await self._jobs.forget([job.id])
