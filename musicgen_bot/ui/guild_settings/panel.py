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
from musicgen_bot.jobs.guild_settings_service import GuildSettingsService, SettingsEdit
from musicgen_bot.translations import Text
from musicgen_bot.ui.common.answers import say_to
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.errors import answer_error
from musicgen_bot.ui.guild_settings.forms import (
    NumbersForm,
    PlacesForm,
    RegionForm,
    TierForm,
    WordsForm,
)
from musicgen_bot.ui.guild_settings.places import without_deleted
from musicgen_bot.ui.guild_settings.text import settings_embed

FORM_ID = "settings-form"
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

    def __init__(self, settings: GuildSettingsService, blocklist: Blocklist) -> None:
        super().__init__(timeout=None)
        self._settings = settings
        self._blocklist = blocklist
        self._run_id = secrets.token_hex(8)

    async def open(self, interaction: discord.Interaction) -> None:
        """Answer with the panel. Raises LimitReached or StoreError."""
        guild_id = Caller.of(interaction).require_permission("manage_guild")
        settings = await self._settings.get(guild_id)
        embed, view = await self._render(interaction, guild_id, settings)
        await interaction.response.send_message(embed=embed, view=view, ephemeral=True)

    async def refuse_old_form(self, interaction: discord.Interaction) -> None:
        """Tell the sender of a form that another run of the bot had opened."""
        data: Mapping[str, Any] = dict(interaction.data or {})
        custom_id = str(data.get("custom_id", ""))
        is_own = custom_id.startswith(f"{FORM_ID}:{self._run_id}:")
        if custom_id.startswith(f"{FORM_ID}:") and not is_own:
            error = InvalidRequest(
                "I have been restarted since this form was opened; please open it again with "
                "`/settings show`."
            )
            await answer_error(interaction, error)

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, item: discord.ui.Item[Any], /
    ) -> None:
        """Tell what is wrong."""
        await answer_error(interaction, error)

    @discord.ui.button(custom_id="settings:places")
    async def places(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Ask where the bot may be used, and by whom."""
        current, form_id = await self._current(interaction)
        existing = without_deleted(current, interaction.guild)
        await interaction.response.send_modal(
            PlacesForm(say_to(interaction), form_id, self._apply, existing)
        )

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
        _, form_id = await self._current(interaction)
        await interaction.response.send_modal(TierForm(say_to(interaction), form_id, self._apply))

    @discord.ui.button(custom_id="settings:words")
    async def words(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Ask for the words that are not wanted."""
        current, form_id = await self._current(interaction)
        await interaction.response.send_modal(
            WordsForm(say_to(interaction), form_id, self._apply, current)
        )

    @discord.ui.button(custom_id="settings:region")
    async def region(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Ask for time zone and language."""
        current, form_id = await self._current(interaction)
        await interaction.response.send_modal(
            RegionForm(say_to(interaction), form_id, self._apply, current)
        )

    @discord.ui.button(custom_id="settings:deleted")
    async def deleted(
        self, interaction: discord.Interaction, button: discord.ui.Button[Self]
    ) -> None:
        """Forget the channels and roles that were deleted in the server."""
        await self._apply(
            interaction, lambda settings: without_deleted(settings, interaction.guild)
        )

    async def _ask_numbers(
        self, interaction: discord.Interaction, title: Text, names: Sequence[str]
    ) -> None:
        current, form_id = await self._current(interaction)
        say = say_to(interaction)
        await interaction.response.send_modal(
            NumbersForm(say, title, form_id, self._apply, names, current)
        )

    async def _current(self, interaction: discord.Interaction) -> tuple[GuildSettings, str]:
        """Return the settings in effect, and an id for a form that asks for others."""
        guild_id = Caller.of(interaction).require_permission("manage_guild")
        settings = await self._settings.get(guild_id)
        return settings, f"{FORM_ID}:{self._run_id}:{interaction.id}"

    async def _apply(self, interaction: discord.Interaction, edit: SettingsEdit) -> None:
        """Put settings into effect and bring the panel up to date."""
        caller = Caller.of(interaction)
        guild_id = caller.require_permission("manage_guild")
        change = await self._settings.change(guild_id, caller.user_id, edit)
        embed, view = await self._render(interaction, guild_id, change.after)
        await interaction.response.edit_message(embed=embed, view=view)

    async def _render(
        self, interaction: discord.Interaction, guild_id: int, settings: GuildSettings
    ) -> tuple[discord.Embed, SettingsPanel]:
        """Return what a message shows of settings: the text, and controls set to them.

        What was deleted in the server still counts, as it would else open to everybody what was
        for a few. No select can show it, so it has a button of its own.
        """
        existing = without_deleted(settings, interaction.guild)
        panel = SettingsPanel(self._settings, self._blocklist)
        panel.stop()  # discord.py shall not keep it: the registered panel answers for it
        if existing == settings:
            panel.remove_item(panel.deleted)
        say = say_to(interaction)
        for item in panel.children:
            if isinstance(item, discord.ui.Button):
                item.label = say(LABELS[item.custom_id or ""])
        blocked = await self._blocklist.of_guild(guild_id)
        return settings_embed(say, settings, existing, self._settings.host, blocked), panel
