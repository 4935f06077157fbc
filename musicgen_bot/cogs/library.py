"""`/history`, `/favourites` and `/clip`: finding again what was made."""

from __future__ import annotations

from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.clip_list import ClipList, Entry
from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import one_line
from musicgen_bot.job import Job
from musicgen_bot.jobs.clip_library import ClipLibrary
from musicgen_bot.ui.common.answers import say_to
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.errors import answer_error
from musicgen_bot.ui.common.text import CHOICES_SHOWN, shortened, title
from musicgen_bot.ui.job_message import embeds
from musicgen_bot.ui.job_message.buttons import clip_buttons, page_buttons
from musicgen_bot.ui.job_message.files import Renderer

Interaction = discord.Interaction[Any]
Search = app_commands.Range[str, 1, 60]
"""Short enough to be kept in a button's id, of 100 characters."""


class LibraryCog(commands.Cog):
    """The commands about finished clips; whatever they show, only the one who asked sees."""

    def __init__(self, *, clips: ClipLibrary, renderer: Renderer) -> None:
        self._clips = clips
        self._renderer = renderer

    @app_commands.command(description="Look through the clips made so far.")
    @app_commands.describe(
        whose="Your own from all servers, or all from this server; yours if you leave it out",
        search="Part of the prompt, or the name of a style",
    )
    async def history(
        self,
        interaction: Interaction,
        whose: Literal["mine", "this server"] = "mine",
        search: Search = "",
    ) -> None:
        """Show the newest page."""
        clip_list = ClipList.MINE if whose == "mine" else ClipList.SERVER
        await self._open_list(interaction, clip_list, search)

    @app_commands.command(description="Look through the clips you like best.")
    @app_commands.describe(search="Part of the prompt, or the name of a style")
    async def favourites(self, interaction: Interaction, search: Search = "") -> None:
        """Show the newest page."""
        await self._open_list(interaction, ClipList.FAVOURITES, search)

    @app_commands.command(description="Hear a clip again and use its buttons.")
    @app_commands.describe(clip="Its number, or part of its prompt to choose from a list")
    async def clip(self, interaction: Interaction, clip: str) -> None:
        """Show a clip, made again from its codes."""
        if not clip.isascii() or not clip.isdigit() or len(clip) > 18:
            raise InvalidRequest(
                "Please choose a clip from the list, or type its number, which is shown below "
                "each clip."
            )
        caller, job = Caller.of(interaction), await self._clips.job(int(clip))
        if not caller.may_see(job):
            raise InvalidRequest("Clip {clip} is neither yours nor from this server.", clip=clip)
        async with self._clips.turn(caller.user_id, caller.guild_id):
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._send(interaction, job)

    async def _send(self, interaction: Interaction, job: Job) -> None:
        renderer, say = self._renderer, say_to(interaction)
        async with self._clips.clips(job) as clips:
            files = await renderer.files(job, clips, interaction.filesize_limit)
        await interaction.followup.send(
            embed=embeds.clip(say, job, renderer.model, renderer.licence, files.silent),
            files=[attachment.file() for attachment in files.attachments],
            view=clip_buttons(say, job),
            ephemeral=True,
        )

    @clip.autocomplete("clip")
    async def _offer_clips(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        viewer, search = Caller.of(interaction).viewer(), one_line(current)
        say = say_to(interaction)
        entries: list[Entry] = []
        for clip_list in (ClipList.MINE, ClipList.SERVER):
            if clip_list is ClipList.MINE or viewer.guild_id is not None:
                entries += (await self._clips.page(clip_list, viewer, search, 0)).entries
        jobs = {entry.job.id: entry.job for entry in entries}
        return [
            app_commands.Choice(
                name=shortened(f"{job_id}: {title(say, job)}", 100), value=str(job_id)
            )
            for job_id, job in jobs.items()
        ][:CHOICES_SHOWN]

    @commands.Cog.listener()
    async def on_page_button(
        self, interaction: Interaction, clip_list: ClipList, number: int, search: str
    ) -> None:
        """Turn to another page of a list."""
        say = say_to(interaction)
        try:
            page = await self._clips.page(
                clip_list, Caller.of(interaction).viewer(), search, number
            )
            await interaction.response.edit_message(
                embed=embeds.page(say, clip_list, page, search),
                view=page_buttons(say, clip_list, page.number, search, page.is_last),
            )
        except Exception as error:
            await answer_error(interaction, error)

    async def _open_list(self, interaction: Interaction, clip_list: ClipList, search: str) -> None:
        viewer, search = Caller.of(interaction).viewer(), one_line(search)
        if clip_list is ClipList.SERVER and viewer.guild_id is None:
            raise InvalidRequest(
                "This is not a server; here you can only look through your own clips."
            )
        page = await self._clips.page(clip_list, viewer, search, 0)
        say = say_to(interaction)
        view = page_buttons(say, clip_list, 0, search, page.is_last)
        await interaction.response.send_message(
            embed=embeds.page(say, clip_list, page, search),
            view=discord.utils.MISSING if page.is_last else view,
            ephemeral=True,
        )
