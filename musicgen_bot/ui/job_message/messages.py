"""Each job's own message: kept up to date while the job works, and in the end the clip.

A message is edited through the interaction's token while Discord honours it, since that needs no
permission of the bot; later as the bot itself; and where the message is gone, a new one takes its
place. Where none of that is open to it, as where somebody brought it along by their account and the
token is too old, the owner is told in a direct message. Editing twice does no harm, and each new
message carries a nonce, so a crash in between does not post a clip twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import discord

from musicgen_bot.generation import Clip
from musicgen_bot.job import Job
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.delivery import Undeliverable
from musicgen_bot.network import UNREACHABLE
from musicgen_bot.translations import Language, Text, Translations
from musicgen_bot.ui.common.text import quoted, shortened, title
from musicgen_bot.ui.job_message import embeds
from musicgen_bot.ui.job_message.buttons import clip_buttons, working_buttons
from musicgen_bot.ui.job_message.files import Attachment, Renderer

TOKEN_LIFETIME_SECONDS = 14.5 * 60
"""Discord's 15 minutes, less what a slow upload may take."""

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
PATIENCE_SECONDS = 24 * 3600.0
"""How long a clip is offered to a Discord that does not answer, before it is kept instead."""

UNKNOWN_TOKEN = 50027
ARCHIVED = 50083
"""Of a thread that was put away: only a new message takes it out again."""
ORIGINAL = cast(int, "@original")
"""Discord's name for an interaction's first answer, where its id is not known."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class _TooLarge(Exception):
    """Discord refused the file for its size."""


class _Closed(Exception):
    """A way to the message is closed for good."""


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a job's message is to show."""

    embed: discord.Embed
    view: discord.ui.View | None = None
    attachments: Sequence[Attachment] = ()
    note: str = ""
    """What the owner is told directly where none of this can be shown; empty if nothing."""

    def files(self) -> list[discord.File]:
        """Return the files, made anew for each attempt since an attempt closes them."""
        return [attachment.file() for attachment in self.attachments]


class JobMessages:
    """Writes to the messages that jobs were promised in: an DeliveryTarget in Discord."""

    def __init__(
        self, client: discord.Client, renderer: Renderer, translations: Translations
    ) -> None:
        self._client = client
        self._renderer = renderer
        self._translations = translations
        self._edits: dict[int, asyncio.Task[None]] = {}

    async def deliver(self, job: Job, clips: Sequence[Clip]) -> int | None:
        """Put the clips into the job's message and return that message's id.

        Raises GenerationError where no sound can be made of them, Undeliverable where they can go
        nowhere.
        """
        renderer, say = self._renderer, self._language(job)
        sounds = await renderer.sounds(job, clips)
        embed = embeds.clip(say, job, renderer.model, renderer.licence, sounds.silent)
        view = clip_buttons(say, job)
        note = say(
            "Your clip {title} is ready, but I cannot post it where you asked for it; "
            "`/clip {clip}` plays it.",
            title=quoted(shortened(title(say, job), embeds.TITLE_CHARACTERS)),
            clip=str(job.id),
        )
        limit = self._upload_limit(job)
        while True:
            attachments = await renderer.attachments(sounds, limit)
            try:
                return await self._finish(job, _Contents(embed, view, attachments, note))
            except _TooLarge:
                limit = sum(len(attachment.data) for attachment in attachments) - 1
                _log.warning("job %d: Discord refused %d bytes", job.id, limit + 1)

    async def tell(self, job: Job, text: Text, *, own_doing: bool) -> None:
        """Write into the job's message why there will be no clip. Raises Undeliverable."""
        embed = embeds.stopped(self._language(job), job, text)
        note = "" if own_doing else embed.description or ""
        await self._finish(job, _Contents(embed, note=note))

    def show(self, active: ActiveJob, embed: discord.Embed) -> bool:
        """Bring a job's message up to date; return whether that was begun.

        It is not while an update of it is still under way, nor once its message is out of reach.
        """
        job_id = active.job.id
        if job_id in self._edits or active.out_of_reach:
            return False
        task = asyncio.create_task(self._show(active, embed))
        self._edits[job_id] = task
        task.add_done_callback(lambda _: self._edits.pop(job_id))
        return True

    async def _show(self, active: ActiveJob, embed: discord.Embed) -> None:
        job = active.job
        try:
            await self._edit(job, _Contents(embed, working_buttons(self._language(job), job)))
        except _Closed as error:
            active.out_of_reach = True
            _log.info("job %d: its message is out of reach: %s", job.id, error)
        except Exception as error:  # it is only an update; the clip itself will try harder
            _log.debug("job %d: an update did not get through: %s", job.id, error)

    async def _finish(self, job: Job, contents: _Contents) -> int:
        """Write the last version of a job's message, however long Discord is out of reach."""
        if edit := self._edits.get(job.id):
            await asyncio.wait({edit})
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._edit_or_post(job, contents)
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

    async def _edit_or_post(self, job: Job, contents: _Contents) -> int:
        try:
            return await self._edit(job, contents)
        except _Closed as error:
            _log.info("job %d: its message is gone (%s); posting a new one", job.id, error)
        channel = self._client.get_partial_messageable(job.address.channel_id)
        try:
            message = await _through(
                lambda: channel.send(
                    embed=contents.embed,
                    files=contents.files(),
                    view=contents.view or discord.utils.MISSING,
                    nonce=f"job-{job.id}",
                )
            )
        except _Closed as error:
            if contents.note:
                await self._write_to_owner(job, contents.note)
            raise Undeliverable(str(error)) from error
        return message.id

    async def _write_to_owner(self, job: Job, text: str) -> None:
        """Write a direct message to whoever asked for a job, if Discord lets the bot do that."""
        owner = discord.Object(job.address.user_id)
        try:
            channel = await _through(lambda: self._client.create_dm(owner))
            await _through(lambda: channel.send(text, nonce=f"told-{job.id}"))
        except _Closed as error:
            _log.info("job %d: its owner could not be told: %s", job.id, error)

    async def _edit(self, job: Job, contents: _Contents) -> int:
        """Edit the job's message and return its id. Raises _Closed where that is impossible."""
        address = job.address
        if address.token and time.time() - address.created_at < TOKEN_LIFETIME_SECONDS:
            webhook = discord.Webhook.partial(
                cast(int, self._client.application_id), address.token, client=self._client
            )
            try:
                edited = await _through(
                    lambda: webhook.edit_message(
                        address.message_id or ORIGINAL,
                        embed=contents.embed,
                        view=contents.view,
                        attachments=contents.files(),
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
        await _through(
            lambda: message.edit(
                embed=contents.embed, view=contents.view, attachments=contents.files()
            )
        )
        return message.id

    def _language(self, job: Job) -> Language:
        return self._translations.language(job.address.locale)

    def _upload_limit(self, job: Job) -> int:
        guild = job.address.guild_id and self._client.get_guild(job.address.guild_id)
        return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES


async def _through(request: Callable[[], Awaitable[_T]]) -> _T:
    """Send a request, telling what closes this way for good from what passes by itself."""
    try:
        return await request()
    except (discord.NotFound, discord.Forbidden) as error:
        raise _Closed(str(error)) from error
    except discord.HTTPException as error:
        if error.status == 413:
            raise _TooLarge from error
        if error.code in (UNKNOWN_TOKEN, ARCHIVED):
            raise _Closed(str(error)) from error
        raise
