"""The panel of `/settings show`: all settings, with the controls that change them.

Its controls keep no state and have fixed ids, so one panel that is registered at the start answers
for every panel that was ever sent, also before a restart. A form that was open meanwhile cannot be
taken up, as only the run that opened it knows its fields; whoever sends one is told so.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Self

import discord

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.settings_service import SettingsService
from musicgen_bot.translations import Text
from musicgen_bot.ui.authority import guild_of
from musicgen_bot.ui.common.errors import explain
from musicgen_bot.ui.common.speech import say_to
from musicgen_bot.ui.guild_settings.forms import (
    Form,
    NumbersForm,
    PlacesForm,
    RegionForm,
    Settle,
    TierForm,
    WordsForm,
)
from musicgen_bot.ui.guild_settings.places import present
from musicgen_bot.ui.guild_settings.text import settings_embed

FORM = "settings-form"
LABELS = {
    "settings:places": Text("Channels and roles"),
    "settings:clips": Text("Clips and queue"),
    "settings:day": Text("Cooldown and daily limits"),
    "settings:tiers": Text("Limits per role"),
    "settings:words": Text("Words"),
    "settings:region": Text("Time zone and language"),
    "settings:deleted": Text("Remove what was deleted"),
}
"""What is written on each button, by its id."""


class SettingsPanel(discord.ui.View):
    """The controls below a server's settings."""

    def __init__(self, settings: SettingsService, blocklist: Blocklist) -> None:
        super().__init__(timeout=None)
        self._settings = settings
        self._blocklist = blocklist
        self._run = secrets.token_hex(8)

    async def open(self, interaction: discord.Interaction) -> None:
        """Answer with the panel. Raises LimitReached or StoreError."""
        settings = await self._settings.get(guild_of(interaction, "manage_guild"))
        embed, view = await self._drawn(interaction, settings)
        await interaction.response.send_message(embed=embed, view=view, ephemeral=True)

    async def refuse_old_form(self, interaction: discord.Interaction) -> None:
        """Tell the sender of a form that another run of the bot had opened."""
        data: Mapping[str, Any] = dict(interaction.data or {})
        custom_id = str(data.get("custom_id", ""))
        if custom_id.startswith(f"{FORM}:") and not custom_id.startswith(f"{FORM}:{self._run}:"):
            error = InvalidRequest(
                "I have been restarted since this form was opened; please open it again with "
                "`/settings show`."
            )
            await explain(interaction, error)

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, item: discord.ui.Item[Any], /
    ) -> None:
        """Tell what is wrong."""
        await explain(interaction, error)

    @discord.ui.button(custom_id="settings:places")
    async def places(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Ask where the bot may be used, and by whom."""
        now, form_id = await self._now(interaction)
        there = present(now, interaction.guild)
        await _ask(interaction, PlacesForm(say_to(interaction), form_id, self._apply, there))

    @discord.ui.button(custom_id="settings:clips")
    async def clips(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Ask for lengths and numbers of clips."""
        names = (
            *("longest_clip_seconds", "default_clip_seconds", "most_variations"),
            *("waiting_per_user", "waiting_per_server"),
        )
        await self._ask_numbers(interaction, LABELS["settings:clips"], names)

    @discord.ui.button(custom_id="settings:day")
    async def day(self, interaction: discord.Interaction, button: discord.ui.Button[Self]) -> None:
        """Ask for how much may be made in a time."""
        names = ("cooldown_seconds", "seconds_a_day_per_user", "seconds_a_day_per_server")
        await self._ask_numbers(interaction, LABELS["settings:day"], names)

    @discord.ui.button(custom_id="settings:tiers")
    async def tiers(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Ask for roles and their seconds a day."""
        _, form_id = await self._now(interaction)
        await _ask(interaction, TierForm(say_to(interaction), form_id, self._apply))

    @discord.ui.button(custom_id="settings:words")
    async def words(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Ask for the words that are not wanted."""
        now, form_id = await self._now(interaction)
        await _ask(interaction, WordsForm(say_to(interaction), form_id, self._apply, now))

    @discord.ui.button(custom_id="settings:region")
    async def region(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Ask for time zone and language."""
        now, form_id = await self._now(interaction)
        await _ask(interaction, RegionForm(say_to(interaction), form_id, self._apply, now))

    @discord.ui.button(custom_id="settings:deleted")
    async def deleted(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Forget the channels and roles that were deleted in the server."""
        await self._apply(interaction, lambda settings: present(settings, interaction.guild))

    async def _ask_numbers(
        self, interaction: discord.Interaction, title: Text, names: Sequence[str]
    ) -> None:
        now, form_id = await self._now(interaction)
        say = say_to(interaction)
        await _ask(interaction, NumbersForm(say, title, form_id, self._apply, names, now))

    async def _now(self, interaction: discord.Interaction) -> tuple[GuildSettings, str]:
        """Return the settings in effect, and an id for a form that asks for others."""
        settings = await self._settings.get(guild_of(interaction, "manage_guild"))
        return settings, f"{FORM}:{self._run}:{interaction.id}"

    async def _apply(self, interaction: discord.Interaction, settle: Settle) -> None:
        """Put settings into effect and bring the panel up to date."""
        guild_id = guild_of(interaction, "manage_guild")
        change = await self._settings.change(guild_id, interaction.user.id, settle)
        embed, view = await self._drawn(interaction, change.after)
        await interaction.response.edit_message(embed=embed, view=view)

    async def _drawn(
        self, interaction: discord.Interaction, settings: GuildSettings
    ) -> tuple[discord.Embed, SettingsPanel]:
        """Return what a message shows of settings: the text, and controls set to them.

        What was deleted in the server still counts, as it would else open to everybody what was
        for a few. No select can show it, so it has a button of its own.
        """
        guild_id, there = (
            guild_of(interaction, "manage_guild"),
            present(settings, interaction.guild),
        )
        panel = SettingsPanel(self._settings, self._blocklist)
        panel.stop()  # discord.py shall not keep it: the registered panel answers for it
        if there == settings:
            panel.remove_item(panel.deleted)
        say = say_to(interaction)
        for item in panel.children:
            if isinstance(item, discord.ui.Button):
                item.label = say(LABELS[item.custom_id or ""])
        blocked = await self._blocklist.of_guild(guild_id)
        return settings_embed(say, settings, there, self._settings.host, blocked), panel


async def _ask(interaction: discord.Interaction, form: Form) -> None:
    await interaction.response.send_modal(form)
