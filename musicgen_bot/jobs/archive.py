"""Brings clips back from what is kept of them: their jobs and their codes."""

from __future__ import annotations

from musicgen_bot.backends.backend import Backend
from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import Clip, Codes
from musicgen_bot.jobs.together import together
from musicgen_bot.store.jobs import Job, JobState, JobStore


class Archive:
    """The clips that were made. Every method may raise StoreError."""

    def __init__(self, jobs: JobStore, backend: Backend) -> None:
        self._jobs = jobs
        self._backend = backend

    async def job(self, job_id: int) -> Job:
        """Return a job that was not deleted. Raises InvalidRequest where there is none."""
        job = await self._jobs.get(job_id)
        if job is None or job.state is JobState.DELETED:
            raise InvalidRequest(
                "This clip is not here any more: it was deleted, or is older than what the host of "
                "this bot keeps. `/generate` makes a new one."
            )
        return job

    async def codes(self, job: Job) -> list[Codes]:
        """Return the codes of all variations. Raises InvalidRequest where they are of no use."""
        codes = await self._jobs.codes(job.id, self._backend.model)
        if not codes:
            raise InvalidRequest(
                "The sound of this clip cannot be made again: another model than today's made it, "
                "or it was never finished. Its **Again** button makes a new one."
            )
        return codes

    async def clips(self, job: Job, variation: int | None = None) -> list[Clip]:
        """Return the sound of all variations, or of one of them, counted from 1.

        Raises InvalidRequest as `codes` does, GenerationError where the model fails.
        """
        codes = await self.codes(job)
        wanted = range(1, len(codes) + 1) if variation is None else [variation]
        return await together(self._backend.decode(codes[n - 1], job.variation(n)) for n in wanted)

    async def delete(self, job: Job) -> None:
        """Delete a job's clips, and what they were made from."""
        await self._jobs.forget([job.id])
