"""A server's settings as a file in Discord, and back."""

from __future__ import annotations

import io

import discord

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.guild_settings_json import dump_settings, load_settings
from musicgen_bot.network import UNREACHABLE
from musicgen_bot.ui.guild_settings.places import check_channels

LARGEST_BYTES = 64 * 1024
FILE_NAME = "musicgen-settings.json"


def settings_file(settings: GuildSettings) -> discord.File:
    """Return a file that holds settings."""
    return discord.File(io.BytesIO(dump_settings(settings).encode()), FILE_NAME)


def check_size(file: discord.Attachment) -> None:
    """Return if a file can hold settings. Raises InvalidRequest where it is too large."""
    if file.size > LARGEST_BYTES:
        raise InvalidRequest(
            "The file is larger than {most} kB; settings are never that large.",
            most=LARGEST_BYTES // 1024,
        )


async def read_settings(file: discord.Attachment, guild: discord.Guild | None) -> GuildSettings:
    """Return the settings in a file that somebody uploaded, for a server.

    Raises InvalidRequest about the first thing that is wrong; that the server does not have a
    channel or a role is not.
    """
    try:
        content = await file.read()
    except (discord.HTTPException, *UNREACHABLE):
        raise InvalidRequest(
            "The file could not be downloaded from Discord; please try again."
        ) from None
    settings = load_settings(content)
    check_channels(settings, guild)
    return settings
