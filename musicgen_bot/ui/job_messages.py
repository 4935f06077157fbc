"""Each job's own message: kept up to date while the job works, and in the end the clip.

A message is edited through the interaction's token while Discord honours it, since that needs no
permission of the bot; later as the bot itself; and where the message is gone, a new one takes its
place. Editing twice does no harm, and a new message carries a nonce, so a crash in between does not
post a clip twice.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import discord

from musicgen_bot.audio.files import file_name
from musicgen_bot.audio.loudness import master
from musicgen_bot.audio.mp3 import fit_mp3
from musicgen_bot.audio.tags import Tags
from musicgen_bot.errors import AudioError
from musicgen_bot.generation import Clip, Samples
from musicgen_bot.jobs.job import Undeliverable
from musicgen_bot.store.jobs import Job
from musicgen_bot.ui import embeds
from musicgen_bot.ui.network import UNREACHABLE

TOKEN_LIFETIME_SECONDS = 14.5 * 60
"""Discord's 15 minutes, less what a slow upload may take."""

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
PATIENCE_SECONDS = 24 * 3600.0
"""How long a clip is offered to a Discord that does not answer, before it is kept instead."""

UNKNOWN_TOKEN = 50027
ORIGINAL = cast(int, "@original")
"""Discord's name for an interaction's first answer, where its id is not known."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class _TooLarge(Exception):
    """Discord refused the file for its size."""


class _Closed(Exception):
    """A way to the message is closed for good."""


class JobMessages:
    """Writes to the messages that jobs were promised in: an Audience in Discord."""

    def __init__(self, client: discord.Client, *, model: str, licence: str, software: str) -> None:
        self._client = client
        self._model = model
        self._licence = licence
        self._software = software
        self._edits: dict[int, asyncio.Task[None]] = {}

    async def deliver(self, job: Job, clip: Clip) -> int | None:
        """Put the clip into the job's message and return that message's id.

        Raises GenerationError where no sound can be made of the clip, Undeliverable where it can
        go nowhere.
        """
        embed = embeds.clip(job, self._model, self._licence)
        samples = await asyncio.to_thread(master, clip.samples, clip.sample_rate)
        limit = self._upload_limit(job)
        while True:
            mp3 = await self._encoded(job, samples, clip.sample_rate, limit)
            try:
                return await self._finish(job, embed, mp3)
            except _TooLarge:
                _log.warning("job %d: Discord refused %d bytes", job.id, len(mp3))
                limit = len(mp3) - 1

    async def _encoded(
        self, job: Job, samples: Samples, sample_rate: int, limit_bytes: int
    ) -> bytes:
        tags = Tags.of(
            job.request, model=self._model, licence=self._licence, software=self._software
        )
        try:
            return await asyncio.to_thread(fit_mp3, samples, sample_rate, tags, limit_bytes)
        except AudioError:
            # Ctrl-C reaches ffmpeg as well. The bot is stopping then, and that ends this second
            # attempt before the job could be taken for failed.
            return await asyncio.to_thread(fit_mp3, samples, sample_rate, tags, limit_bytes)

    async def tell(self, job: Job, text: str) -> None:
        """Write into the job's message why there will be no clip. Raises Undeliverable."""
        await self._finish(job, embeds.stopped(job, text), None)

    def show(self, job: Job, embed: discord.Embed) -> None:
        """Bring a job's message up to date, unless an update of it is still under way."""
        if job.id not in self._edits:
            task = asyncio.create_task(self._show(job, embed))
            self._edits[job.id] = task
            task.add_done_callback(lambda _: self._edits.pop(job.id))

    async def _show(self, job: Job, embed: discord.Embed) -> None:
        try:
            await self._edit(job, embed, None)
        except Exception as error:  # it is only an update; the clip itself will try harder
            _log.debug("job %d: an update did not get through: %s", job.id, error)

    async def _finish(self, job: Job, embed: discord.Embed, mp3: bytes | None) -> int:
        """Write the last version of a job's message, however long Discord is out of reach."""
        if edit := self._edits.get(job.id):
            await asyncio.wait({edit})
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._edit_or_post(job, embed, mp3)
            except UNREACHABLE as error:
                reason: Exception = error
            except discord.HTTPException as error:
                if error.status < 500 and error.status not in (401, 429):
                    raise Undeliverable(str(error)) from error
                reason = error
            if time.monotonic() > deadline:
                raise Undeliverable(f"Discord could not be reached: {reason}")
            _log.warning("job %d: %s; trying again in %g s", job.id, reason, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _edit_or_post(self, job: Job, embed: discord.Embed, mp3: bytes | None) -> int:
        try:
            return await self._edit(job, embed, mp3)
        except _Closed as error:
            _log.info("job %d: its message is gone (%s); posting a new one", job.id, error)
        channel = self._client.get_partial_messageable(job.address.channel_id)
        try:
            message = await _through(
                lambda: channel.send(embed=embed, files=_files(job, mp3), nonce=f"job-{job.id}")
            )
        except _Closed as error:
            raise Undeliverable(str(error)) from error
        return message.id

    async def _edit(self, job: Job, embed: discord.Embed, mp3: bytes | None) -> int:
        """Edit the job's message and return its id. Raises _Closed where that is impossible."""
        address = job.address
        if address.token and time.time() - address.created_at < TOKEN_LIFETIME_SECONDS:
            webhook = discord.Webhook.partial(
                cast(int, self._client.application_id), address.token, client=self._client
            )
            try:
                edited = await _through(
                    lambda: webhook.edit_message(
                        address.message_id or ORIGINAL, embed=embed, attachments=_files(job, mp3)
                    )
                )
            except _Closed as error:
                _log.debug("job %d: its token is of no use any more: %s", job.id, error)
            else:
                return edited.id
        if address.message_id is None:
            raise _Closed("it was never posted")
        channel = self._client.get_partial_messageable(address.channel_id)
        message = channel.get_partial_message(address.message_id)
        await _through(lambda: message.edit(embed=embed, attachments=_files(job, mp3)))
        return message.id

    def _upload_limit(self, job: Job) -> int:
        guild = job.address.guild_id and self._client.get_guild(job.address.guild_id)
        return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES


def _files(job: Job, mp3: bytes | None) -> list[discord.File]:
    """Return the files to attach, made anew for each attempt since an attempt closes them."""
    if mp3 is None:
        return []
    return [discord.File(io.BytesIO(mp3), file_name(job.request.prompt, ".mp3"))]


async def _through(request: Callable[[], Awaitable[_T]]) -> _T:
    """Send a request, telling what closes this way for good from what passes by itself."""
    try:
        return await request()
    except (discord.NotFound, discord.Forbidden) as error:
        raise _Closed(str(error)) from error
    except discord.HTTPException as error:
        if error.status == 413:
            raise _TooLarge from error
        if error.code == UNKNOWN_TOKEN:
            raise _Closed(str(error)) from error
        raise
