"""A server's settings as a file in Discord, and back."""

from __future__ import annotations

import io

import discord

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.store.guild_settings import GuildSettings, dump_settings, load_settings
from musicgen_bot.ui.network import UNREACHABLE
from musicgen_bot.ui.settings_view import CHANNEL_TYPES

LARGEST_BYTES = 64 * 1024
FILE_NAME = "musicgen-settings.json"


def settings_file(settings: GuildSettings) -> discord.File:
    """Return a file that holds settings."""
    return discord.File(io.BytesIO(dump_settings(settings).encode()), FILE_NAME)


def check_size(file: discord.Attachment) -> None:
    """Return if a file can hold settings. Raises InvalidRequest where it is too large."""
    if file.size > LARGEST_BYTES:
        raise InvalidRequest(
            "The file is larger than {most} kB, which no settings are.", most=LARGEST_BYTES // 1024
        )


async def read_settings(file: discord.Attachment, guild: discord.Guild | None) -> GuildSettings:
    """Return the settings in a file that somebody uploaded, for a server.

    Raises InvalidRequest about the first thing that is wrong, such as a channel or a role that the
    server does not have.
    """
    try:
        content = await file.read()
    except (discord.HTTPException, *UNREACHABLE):
        raise InvalidRequest("The file could not be had from Discord; please try again.") from None
    settings = load_settings(content)
    if guild is not None:
        _check_places(settings, guild)
    return settings


def _check_places(settings: GuildSettings, guild: discord.Guild) -> None:
    channels = {channel.id for channel in guild.channels if channel.type in CHANNEL_TYPES}
    for channel_id in settings.channels:
        if channel_id not in channels:
            raise InvalidRequest(
                "This server has no channel {channel} to make music in.", channel=str(channel_id)
            )
    tiers = (tier.role_id for tier in settings.role_seconds_a_day)
    for role_id in (*settings.roles, *settings.unlimited_roles, *tiers):
        if guild.get_role(role_id) is None:
            raise InvalidRequest("This server has no role {role}.", role=str(role_id))
