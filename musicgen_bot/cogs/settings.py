"""`/settings`: what the admins of a server set, for those who click and for those who type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.days import find_time_zone, time_zones
from musicgen_bot.jobs.guild_settings_service import GuildSettingsService, SettingsEdit
from musicgen_bot.translations import LOCALES
from musicgen_bot.ui.common.answers import answer, say_to
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.text import CHOICES_SHOWN, shortened
from musicgen_bot.ui.guild_settings.file import check_size, read_settings, settings_file
from musicgen_bot.ui.guild_settings.forms import with_tier, words_in
from musicgen_bot.ui.guild_settings.panel import SettingsPanel
from musicgen_bot.ui.guild_settings.places import ChannelOption, without_deleted
from musicgen_bot.ui.guild_settings.text import differences, log_embed

ANSWER_CHARACTERS = 1900

Limit = app_commands.Range[int, 0, 1_000_000]
ROLE_GRANTS = [
    app_commands.Choice(name="can use the bot (then others cannot)", value="roles"),
    app_commands.Choice(name="has its own daily limit", value="role_seconds_a_day"),
    app_commands.Choice(name="is free of this server's limits", value="unlimited_roles"),
    app_commands.Choice(name="no special rights any more", value="nothing"),
]


# Said of the contexts, since the tree's own, which has direct messages, outweighs `guild_only`.
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class SettingsCog(
    commands.GroupCog, group_name="settings", group_description="Set the limits of this server."
):
    """The commands for a server's admins."""

    def __init__(
        self, client: discord.Client, settings: GuildSettingsService, blocklist: Blocklist
    ) -> None:
        self._settings = settings
        self._panel = SettingsPanel(settings, blocklist)
        self._time_zones: list[str] = []
        client.add_view(self._panel)

    async def cog_load(self) -> None:
        """Read the time zones once, and not at each key that is typed."""
        self._time_zones = await time_zones()

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Answer forms that nobody else can."""
        if interaction.type is discord.InteractionType.modal_submit:
            await self._panel.refuse_old_form(interaction)

    @app_commands.command(description="Show and change all the settings of this server.")
    async def show(self, interaction: discord.Interaction) -> None:
        """Open the panel."""
        await self._panel.open(interaction)

    @app_commands.command(description="Set the numbers; 0 goes back to the host's value.")
    @app_commands.describe(
        longest_clip_seconds="Length of the longest clip",
        default_clip_seconds="Length of a clip when nobody gives one",
        most_variations="Variations of one prompt",
        waiting_per_user="Clips one member can have waiting",
        waiting_per_server="Clips all members together can have waiting",
        cooldown_seconds="Seconds between two prompts from one member",
        seconds_a_day_per_user="Seconds of music a day for each member",
        seconds_a_day_per_server="Seconds of music a day for all members together",
    )
    async def limits(
        self,
        interaction: discord.Interaction,
        longest_clip_seconds: Limit | None = None,
        default_clip_seconds: Limit | None = None,
        most_variations: Limit | None = None,
        waiting_per_user: Limit | None = None,
        waiting_per_server: Limit | None = None,
        cooldown_seconds: Limit | None = None,
        seconds_a_day_per_user: Limit | None = None,
        seconds_a_day_per_server: Limit | None = None,
    ) -> None:
        """Set the numbers that were given."""
        given: dict[str, int | None] = {
            "longest_clip_seconds": longest_clip_seconds,
            "default_clip_seconds": default_clip_seconds,
            "most_variations": most_variations,
            "waiting_per_user": waiting_per_user,
            "waiting_per_server": waiting_per_server,
            "cooldown_seconds": cooldown_seconds,
            "seconds_a_day_per_user": seconds_a_day_per_user,
            "seconds_a_day_per_server": seconds_a_day_per_server,
        }
        new: dict[str, Any] = {n: value or None for n, value in given.items() if value is not None}
        await self._change(interaction, lambda settings: replace(settings, **new))

    @app_commands.command(
        description="Set where the bot can be used: in which channels and their threads."
    )
    @app_commands.describe(
        add="A channel to add",
        remove="A channel to take off",
        everywhere="Clear the whole list",
    )
    async def channels(
        self,
        interaction: discord.Interaction,
        add: ChannelOption | None = None,
        remove: ChannelOption | None = None,
        everywhere: bool = False,
    ) -> None:
        """Set where the bot may be used."""

        def edit(settings: GuildSettings) -> GuildSettings:
            kept = () if everywhere else settings.channels
            more = None if add is None else add.id
            return replace(
                settings, channels=_changed(kept, more, None if remove is None else remove.id)
            )

        await self._change(interaction, edit)

    @app_commands.command(description="Set what a role may do.")
    @app_commands.describe(
        role="Which role",
        grant="What it may do",
        seconds="Seconds of music a day for each of its members, if it has its own daily limit",
    )
    @app_commands.choices(grant=ROLE_GRANTS)
    async def roles(
        self,
        interaction: discord.Interaction,
        role: discord.Role,
        grant: app_commands.Choice[str],
        seconds: app_commands.Range[int, 1, 1_000_000] | None = None,
    ) -> None:
        """Set what a role may do."""

        def edit(settings: GuildSettings) -> GuildSettings:
            if grant.value == "role_seconds_a_day":
                if seconds is None:
                    raise InvalidRequest("How many seconds per day? Please fill in `seconds` too.")
                return with_tier(settings, role.id, seconds)
            if grant.value == "nothing":
                settings = with_tier(settings, role.id, None)
                roles = _changed(settings.roles, None, role.id)
                free = _changed(settings.unlimited_roles, None, role.id)
                return replace(settings, roles=roles, unlimited_roles=free)
            new: dict[str, Any] = {
                grant.value: _changed(getattr(settings, grant.value), role.id, None)
            }
            return replace(settings, **new)

        await self._change(interaction, edit)

    @app_commands.command(description="Set which words are not wanted in prompts.")
    @app_commands.describe(
        add="Words or phrases, separated by commas",
        remove="Words to take off the list, separated by commas",
        clear="Clear the whole list",
    )
    async def words(
        self,
        interaction: discord.Interaction,
        add: str = "",
        remove: str = "",
        clear: bool = False,
    ) -> None:
        """Set the words that are refused."""
        gone = {word.casefold() for word in words_in(remove)}

        def edit(settings: GuildSettings) -> GuildSettings:
            kept = () if clear else settings.unwanted_words
            words = dict.fromkeys((*kept, *words_in(add)))
            left = tuple(word for word in words if word.casefold() not in gone)
            return replace(settings, unwanted_words=left)

        await self._change(interaction, edit)

    @app_commands.command(description="Set the time zone; a new day begins at its midnight.")
    @app_commands.describe(zone="Such as Europe/Berlin")
    async def timezone(self, interaction: discord.Interaction, zone: str) -> None:
        """Set where a day ends."""
        found = await find_time_zone(zone)
        await self._change(interaction, lambda settings: replace(settings, time_zone=found))

    @timezone.autocomplete("zone")
    async def _offer_time_zones(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        typed = current.strip().replace(" ", "_").casefold()
        found = [name for name in self._time_zones if typed in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:CHOICES_SHOWN]]

    @app_commands.command(description="Set the language of the messages that everybody sees.")
    @app_commands.describe(locale="Which language; the server's if you leave it out")
    async def language(self, interaction: discord.Interaction, locale: str | None = None) -> None:
        """Set the language of public messages."""
        await self._change(interaction, lambda settings: replace(settings, language=locale))

    @language.autocomplete("locale")
    async def _offer_languages(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=name, value=locale)
            for locale, name in LOCALES.items()
            if current.casefold() in f"{name} {locale}".casefold()
        ]

    @app_commands.command(description="Reset all settings; then only the host's limits apply.")
    async def reset(self, interaction: discord.Interaction) -> None:
        """Go back to the start, and hand out a copy of what was."""
        caller = Caller.of(interaction)
        guild_id = caller.require_permission("manage_guild")
        change = await self._settings.change(guild_id, caller.user_id, lambda _: GuildSettings())
        await interaction.response.send_message(
            say_to(interaction)(
                "Everything is back to the host's values. This file holds the previous settings; "
                "`/settings import` brings them back."
            ),
            file=settings_file(change.before),
            ephemeral=True,
        )

    @app_commands.command(description="Get all the settings as a file.")
    async def export(self, interaction: discord.Interaction) -> None:
        """Hand out the settings as a file."""
        guild_id = Caller.of(interaction).require_permission("manage_guild")
        settings = await self._settings.get(guild_id)
        await interaction.response.send_message(
            say_to(interaction)(
                "These are all the settings; you can edit this file and load it again with "
                "`/settings import`."
            ),
            file=settings_file(settings),
            ephemeral=True,
        )

    @app_commands.command(name="import", description="Replace all settings with those from a file.")
    @app_commands.describe(file="A file from /settings export")
    async def import_(self, interaction: discord.Interaction, file: discord.Attachment) -> None:
        """Take over a file that is right in every part, or nothing of it.

        What was deleted in the server since it was exported is left out.
        """
        Caller.of(interaction).require_permission("manage_guild")
        check_size(file)
        await interaction.response.defer(ephemeral=True)
        settings = await read_settings(file, interaction.guild)
        existing, say, note = without_deleted(settings, interaction.guild), say_to(interaction), ""
        if left_out := differences(say, settings, existing, existing):
            note = "\n" + say(
                "Not imported, because this server does not have it: {changes}",
                changes=shortened(left_out, ANSWER_CHARACTERS // 2),
            )
        await self._change(interaction, lambda _: existing, note)

    @app_commands.command(description="Show who set what: the last fifty changes.")
    async def log(self, interaction: discord.Interaction) -> None:
        """Show what was changed."""
        guild_id = Caller.of(interaction).require_permission("manage_guild")
        changes = await self._settings.changes(guild_id)
        await interaction.response.send_message(
            embed=log_embed(say_to(interaction), changes), ephemeral=True
        )

    async def _change(
        self, interaction: discord.Interaction, edit: SettingsEdit, note: str = ""
    ) -> None:
        """Put settings into effect and tell what that changed, and a note."""
        caller, say = Caller.of(interaction), say_to(interaction)
        guild_id = caller.require_permission("manage_guild")
        change = await self._settings.change(guild_id, caller.user_id, edit)
        changed = differences(say, change.before, change.after)
        text = say("That changes nothing; `/settings show` shows the current settings.")
        if changed:
            room = ANSWER_CHARACTERS - len(note)
            text = say("In effect now. {changes}", changes=shortened(changed, room))
        await answer(interaction, text + note)


def _changed(ids: tuple[int, ...], add: int | None, remove: int | None) -> tuple[int, ...]:
    """Return ids with one more, once, and one less."""
    more = (*ids, add) if add is not None else ids
    return tuple(each for each in dict.fromkeys(more) if each != remove)
