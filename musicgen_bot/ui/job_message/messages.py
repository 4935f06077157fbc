"""Each job's own message: kept up to date while the job works, and in the end the clip.

A message is edited through the interaction's token while Discord honours it, since that needs no
permission of the bot; later as the bot itself; and where the message is gone, a new one takes its
place. What Discord refuses for good, such as the files, is told in a sentence instead: in the
message, else in a new one, and where none of that is open to the bot, as where somebody brought it
along by their account and the token is too old, in a direct message to the owner. Editing twice
does no harm, and each new message carries a nonce, so a crash in between does not post a clip
twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

import discord

from musicgen_bot.generation import Clip, Codes, GenerationRequest
from musicgen_bot.job import Address, Job
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.delivery import Undeliverable
from musicgen_bot.network import UNREACHABLE
from musicgen_bot.translations import Language, Text, Translations
from musicgen_bot.ui.common.text import quoted, shortened, title
from musicgen_bot.ui.job_message import embeds
from musicgen_bot.ui.job_message.buttons import clip_buttons, working_buttons
from musicgen_bot.ui.job_message.files import Attachment, Files, Renderer
from musicgen_bot.ui.job_message.refusals import Closed, Refused, TooLarge, through
from musicgen_bot.ui.job_message.searching import find_answer

TOKEN_LIFETIME_SECONDS = 14.5 * 60
"""Discord's 15 minutes, less what a slow upload may take."""

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
PATIENCE_SECONDS = 24 * 3600.0
"""How long a clip is offered to a Discord that does not answer, before it is kept instead."""

ORIGINAL = cast(int, "@original")
"""Discord's name for an interaction's first answer, where its id is not known."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


def token_serves(address: Address, now: float) -> bool:
    """Return whether Discord still honours the interaction's token; `now` is since 1970."""
    return bool(address.token) and now - address.created_at < TOKEN_LIFETIME_SECONDS


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a job's message is to show."""

    embed: discord.Embed | None = None
    view: discord.ui.View | None = None
    attachments: Sequence[Attachment] = ()
    text: str | None = None

    def files(self) -> list[discord.File]:
        """Return the files, made anew for each attempt since an attempt closes them."""
        return [attachment.file() for attachment in self.attachments]


class JobMessages:
    """Writes to the messages that jobs were promised in: a DeliveryTarget in Discord."""

    def __init__(
        self,
        client: discord.Client,
        renderer: Renderer,
        translations: Translations,
        decode: Callable[[Codes, GenerationRequest], Awaitable[Clip]],
    ) -> None:
        self._client = client
        self._renderer = renderer
        self._translations = translations
        self._decode = decode
        self._edits: dict[int, asyncio.Task[None]] = {}
        self._found: dict[int, int] = {}
        """The messages of jobs whose address does not know them, as Discord has told them."""

    async def deliver(self, job: Job, clips: list[Clip]) -> int | None:
        """Put the clips into the job's message and return that message's id.

        Raises GenerationError where no sound can be made of them, Undeliverable where they can go
        nowhere.
        """
        renderer, say = self._renderer, self._language(job)
        codes = [clip.codes for clip in clips]
        view = clip_buttons(say, job)
        limit = self._upload_limit(job)
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while True:
                files = await self._files(job, clips, codes, limit)
                embed = embeds.clip(say, job, renderer.model, renderer.licence, files.silent)
                contents = _Contents(embed, view, files.attachments)
                try:
                    return await self._write(job, contents, deadline)
                except TooLarge:
                    limit = sum(len(attachment.data) for attachment in files.attachments) - 1
                    _log.warning("job %d: Discord refused %d bytes", job.id, limit + 1)
        except Refused as error:
            clip = str(job.id)
            instead = say(
                "Your clip is ready, but Discord did not take it; `/clip {clip}` plays it.",
                clip=clip,
            )
            note = say(
                "Your clip {title} is ready, but I cannot post it where you asked for it; "
                "`/clip {clip}` plays it.",
                title=quoted(shortened(title(say, job), embeds.TITLE_CHARACTERS)),
                clip=clip,
            )
            await self._write_instead(job, error, instead, note, deadline)
            raise Undeliverable(str(error)) from error

    async def _files(
        self, job: Job, clips: list[Clip], codes: Sequence[Codes], limit_bytes: int
    ) -> Files:
        """Return the files of a job's clips, and leave none of these, which hold its sound.

        Where they are gone already, they are decoded again.
        """
        seconds = job.request.seconds * len(codes)
        async with self._renderer.pool.room(seconds, promised=True):
            try:
                if not clips:
                    for number, each in enumerate(codes, start=1):
                        clips.append(await self._decode(each, job.variation(number)))
                return await self._renderer.files(job, clips, limit_bytes)
            finally:
                clips.clear()

    async def tell(self, job: Job, text: Text, *, own_doing: bool) -> None:
        """Write into the job's message why there will be no clip. Raises Undeliverable."""
        say = self._language(job)
        embed = embeds.stopped(say, job, text)
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            await self._write(job, _Contents(embed), deadline)
        except Refused as error:
            note = "" if own_doing else embed.description or ""
            await self._write_instead(job, error, say(text), note, deadline)

    def show(self, active: ActiveJob, embed: discord.Embed) -> bool:
        """Bring a job's message up to date; return whether that was begun.

        It is not while an update of it is still under way, nor once its message is out of reach.
        """
        job_id = active.job.id
        if job_id in self._edits or not active.takes_updates:
            return False
        task = asyncio.create_task(self._show(active, embed))
        self._edits[job_id] = task
        task.add_done_callback(lambda _: self._edits.pop(job_id))
        return True

    async def _show(self, active: ActiveJob, embed: discord.Embed) -> None:
        job = active.job
        try:
            await self._edit(job, _Contents(embed, working_buttons(self._language(job), job)))
        except Refused as error:
            active.takes_updates = False
            _log.info("job %d: its message is out of reach: %s", job.id, error)
        except Exception as error:  # it is only an update; the clip itself will try harder
            _log.debug("job %d: an update did not get through: %s", job.id, error)

    async def _write(self, job: Job, contents: _Contents, deadline: float) -> int:
        """Write the last version of a job's message, and return its id. Raises Refused."""
        if edit := self._edits.get(job.id):
            await asyncio.wait({edit})
        try:
            return await _patiently(job, lambda: self._edit_or_post(job, contents), deadline)
        finally:
            self._found.pop(job.id, None)

    async def _write_instead(
        self, job: Job, refusal: Refused, text: str, note: str, deadline: float
    ) -> None:
        """Tell in a sentence what Discord did not let a job's message show.

        If that is refused too, the note goes to the owner, where there is one. Raises Undeliverable
        then.
        """
        _log.warning("job %d: Discord refused its message: %s", job.id, refusal)
        if not isinstance(refusal, Closed):  # where the place is gone, so it is for a sentence
            # It has nothing in it that people wrote, and needs no permission but to write.
            contents = _Contents(text=text)
            for way in (self._edit, self._post):
                try:
                    await _patiently(job, partial(way, job, contents), deadline)
                except Refused as error:
                    _log.info("job %d: Discord refused a sentence too: %s", job.id, error)
                else:
                    return
        if note:
            try:
                await _patiently(job, lambda: self._write_to_owner(job, note), deadline)
            except Refused as error:
                _log.info("job %d: its owner could not be told: %s", job.id, error)
        raise Undeliverable(str(refusal)) from refusal

    async def _edit_or_post(self, job: Job, contents: _Contents) -> int:
        try:
            return await self._edit(job, contents)
        except Closed as error:
            _log.info("job %d: its message is gone (%s); posting a new one", job.id, error)
        return await self._post(job, contents)

    async def _post(self, job: Job, contents: _Contents) -> int:
        channel = self._client.get_partial_messageable(job.address.channel_id)
        message = await through(
            lambda: channel.send(
                contents.text,
                embed=contents.embed or discord.utils.MISSING,
                files=contents.files(),
                view=contents.view or discord.utils.MISSING,
                nonce=f"job-{job.id}",
            )
        )
        return message.id

    async def _write_to_owner(self, job: Job, text: str) -> None:
        """Write a direct message to whoever asked for a job, if Discord lets the bot do that."""
        owner = discord.Object(job.address.user_id)
        channel = await through(lambda: self._client.create_dm(owner))
        await through(lambda: channel.send(text, nonce=f"told-{job.id}"))

    async def _edit(self, job: Job, contents: _Contents) -> int:
        """Edit the job's message and return its id. Raises Closed where that is impossible."""
        address = job.address
        message_id = address.message_id or self._found.get(job.id)
        if token_serves(address, time.time()):
            webhook = discord.Webhook.partial(
                cast(int, self._client.application_id), address.token, client=self._client
            )
            try:
                edited = await through(
                    lambda: webhook.edit_message(
                        message_id or ORIGINAL,
                        content=contents.text,
                        embed=contents.embed,
                        view=contents.view,
                        attachments=contents.files(),
                    )
                )
            except Closed as error:
                _log.debug("job %d: its token is of no use any more: %s", job.id, error)
            else:
                return self._noted(job, edited.id)
        channel = self._client.get_partial_messageable(address.channel_id)
        if message_id is None:
            message_id = self._noted(job, await find_answer(channel, address, self._client.user))
        message = channel.get_partial_message(message_id)
        await through(
            lambda: message.edit(
                content=contents.text,
                embed=contents.embed,
                view=contents.view,
                attachments=contents.files(),
            )
        )
        return message.id

    def _noted(self, job: Job, message_id: int) -> int:
        """Remember a message that the job's address does not know, while the bot runs."""
        if job.address.message_id is None:
            self._found[job.id] = message_id
        return message_id

    def _language(self, job: Job) -> Language:
        return self._translations.language(job.address.locale)

    def _upload_limit(self, job: Job) -> int:
        guild = job.address.guild_id and self._client.get_guild(job.address.guild_id)
        return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES


async def _patiently(job: Job, attempt: Callable[[], Awaitable[_T]], deadline: float) -> _T:
    """Do something until Discord has taken or refused it, however long it is out of reach.

    Raises Refused; also where nothing has got through at the deadline, by time.monotonic().
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return await attempt()
        except (discord.HTTPException, *UNREACHABLE) as error:
            if time.monotonic() > deadline:
                raise Refused(f"Discord could not be reached: {error}") from error
            _log.warning("job %d: %s; trying again in %g s", job.id, error, pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
