"""What the buttons of a clip do: Again, Remix, Extend, WAV, Favourite, Delete; and Cancel.

Whoever sees a clip may use it for something of their own. What ends it, Delete and Cancel, is for
the one who ordered it and for those who may manage messages there.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

import discord
from discord.ext import commands

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import Job, Order
from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.clip_library import ClipLibrary
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.network import UNREACHABLE
from musicgen_bot.translations import Text
from musicgen_bot.ui.common.answers import answer, say_to
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.errors import answer_error
from musicgen_bot.ui.job_message.buttons import OF_ONE_VARIATION, Action, variation_buttons
from musicgen_bot.ui.job_message.cancelling import cancel
from musicgen_bot.ui.job_message.files import Renderer
from musicgen_bot.ui.job_message.remix import Answers, remix_form, remixed, submitted_form
from musicgen_bot.ui.job_message.submitting import submit

EXTENSION_SECONDS = 10.0

Interaction = discord.Interaction[Any]

_log = logging.getLogger(__name__)


class ClipCog(commands.Cog):
    """Does what was pressed."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        admission: Admission,
        clips: ClipLibrary,
        renderer: Renderer,
    ) -> None:
        self._dispatcher = dispatcher
        self._admission = admission
        self._clips = clips
        self._renderer = renderer

    @commands.Cog.listener()
    async def on_clip_button(
        self, interaction: Interaction, action: Action, job_id: int, variation: int | None
    ) -> None:
        """Answer a press of a clip's button."""
        try:
            await self._press(interaction, action, job_id, variation)
        except Exception as error:
            await answer_error(interaction, error)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Answer a form that was sent off."""
        if (form := submitted_form(interaction)) is None:
            return
        try:
            await self._remix(interaction, *form)
        except Exception as error:
            await answer_error(interaction, error)

    async def _press(
        self, interaction: Interaction, action: Action, job_id: int, variation: int | None
    ) -> None:
        caller, say = Caller.of(interaction), say_to(interaction)
        job = await self._job(caller, job_id)
        if variation is not None and variation > job.order.variations:
            raise InvalidRequest("This clip does not have that variation.")
        if action in OF_ONE_VARIATION and variation is None and job.order.variations > 1:
            await interaction.response.send_message(
                say("Which variation?"), view=variation_buttons(say, action, job), ephemeral=True
            )
            return
        match action:
            case Action.AGAIN:
                self._clips.check_recipe(job)
                again = replace(job.request, seed=None)
                await self._submit(interaction, caller, again, job.order)
            case Action.REMIX:
                self._clips.check_recipe(job)
                await interaction.response.send_modal(remix_form(say, job))
            case Action.EXTEND:
                await self._extend(interaction, caller, job, variation or 1)
            case Action.WAV:
                async with self._clips.turn(caller.user_id, caller.guild_id):
                    await self._send_wav(interaction, job, variation or 1)
            case Action.FAVOURITE:
                await self._toggle_favourite(interaction, caller, job, variation or 1)
            case Action.DELETE:
                await self._delete(interaction, job)
            case Action.CANCEL:
                _require_owner(interaction, job)
                await cancel(self._dispatcher, interaction, job)

    async def _job(self, caller: Caller, job_id: int) -> Job:
        job = await self._clips.job(job_id)
        if not caller.may_see(job):
            raise InvalidRequest("This clip is from another server or conversation.")
        return job

    async def _remix(self, interaction: Interaction, job_id: int, answers: Answers) -> None:
        caller = Caller.of(interaction)
        job = await self._job(caller, job_id)
        self._clips.check_recipe(job)
        request, order = remixed(job, answers)
        await self._submit(interaction, caller, request, order)

    async def _submit(
        self, interaction: Interaction, caller: Caller, request: GenerationRequest, order: Order
    ) -> None:
        """Take on what a clip's recipe became, with no more variations than may be had here."""
        most = await self._admission.most_variations(caller.guild_id, caller.member)
        order = replace(order, variations=int(min(order.variations, most)))
        await submit(self._dispatcher, interaction, request, order)

    async def _extend(
        self, interaction: Interaction, caller: Caller, job: Job, variation: int
    ) -> None:
        longest = await self._admission.longest_seconds(caller.guild_id, caller.member)
        seconds = min(job.request.seconds + EXTENSION_SECONDS, longest)
        if seconds <= job.request.seconds:
            raise InvalidRequest(
                "This clip is {seconds} seconds long, and clips cannot be longer here; **Again** "
                "and **Remix** make others like it.",
                seconds=job.request.seconds,
            )
        codes = (await self._clips.codes(job))[variation - 1]
        request = replace(job.request, seconds=seconds, seed=None, continue_from=codes)
        order = replace(job.order, variations=1, uploaded=False)
        await submit(self._dispatcher, interaction, request, order)

    async def _send_wav(self, interaction: Interaction, job: Job, variation: int) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        async with self._clips.clips(job, variation) as clips:
            wav = await self._renderer.wav(job, variation, clips[0])
        if len(wav.data) > interaction.filesize_limit:
            raise InvalidRequest(
                "As a WAV, this clip is {size} MiB, but at most {most} MiB can be uploaded here; "
                "please use the MP3.",
                size=round(len(wav.data) / 2**20, 1),
                most=round(interaction.filesize_limit / 2**20, 1),
            )
        await interaction.followup.send(file=wav.file(), ephemeral=True)

    async def _toggle_favourite(
        self, interaction: Interaction, caller: Caller, job: Job, variation: int
    ) -> None:
        added = await self._clips.toggle_favourite(caller.user_id, job, variation)
        if job.order.variations == 1:
            text = Text("Clip {clip} is no longer one of your favourites.")
            if added:
                text = Text("Clip {clip} is now in your `/favourites`.")
        else:
            text = Text("Clip {clip}, variation {variation}, is no longer one of your favourites.")
            if added:
                text = Text("Clip {clip}, variation {variation}, is now in your `/favourites`.")
        filled = text.filled(clip=str(job.id), variation=variation)
        await answer(interaction, say_to(interaction)(filled))

    async def _delete(self, interaction: Interaction, job: Job) -> None:
        _require_owner(interaction, job)
        await interaction.response.defer()
        # In this order: where the deletion fails, the clip is still on its way.
        await self._clips.delete(job)
        await self._dispatcher.let_go(job.id)
        # Wherever Discord refuses what follows, as in a thread that was put away, the clip is gone.
        # The message below which it was pressed goes by the token of that, wherever it is.
        with suppress(discord.HTTPException, *UNREACHABLE):
            await interaction.delete_original_response()
        # Whoever looked the clip up saw it in a message of their own, which is not the clip's.
        if interaction.message is None or interaction.message.id != job.address.message_id:
            with suppress(discord.HTTPException, *UNREACHABLE):
                await _delete_message(interaction.client, job)
        _log.info("job %d deleted by user %d", job.id, interaction.user.id)
        say = say_to(interaction)
        await answer(interaction, say("Clip {clip} has been deleted.", clip=str(job.id)))


def _require_owner(interaction: Interaction, job: Job) -> None:
    """Raise InvalidRequest for everybody but the one who ordered a clip, and moderators."""
    if not Caller.of(interaction).may_end(job):
        raise InvalidRequest(
            "Only the person who asked for this clip and those who can manage messages where it "
            "is can do that."
        )


async def _delete_message(client: discord.Client, job: Job) -> None:
    """Delete a clip's message as the bot itself. Raises what discord.py does."""
    if job.address.message_id is not None:
        channel = client.get_partial_messageable(job.address.channel_id)
        await channel.get_partial_message(job.address.message_id).delete()
