"""The channels and roles that a server's settings name, and whether the server still has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import discord

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import GuildSettings

CHANNEL_TYPES = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
)
"""Channels that somebody can type a command in, or in a thread of."""


def present(settings: GuildSettings, guild: discord.Guild | None) -> GuildSettings:
    """Return the settings without the channels and roles that a server does not have."""
    if guild is None or guild.get_role(guild.id) is None:
        return settings  # without even its @everyone, nothing is known of the server yet

    def there(roles: Iterable[int]) -> tuple[int, ...]:
        return tuple(role for role in roles if guild.get_role(role))

    return replace(
        settings,
        channels=tuple(each for each in settings.channels if guild.get_channel(each)),
        roles=there(settings.roles),
        unlimited_roles=there(settings.unlimited_roles),
        role_seconds_a_day=tuple(
            tier for tier in settings.role_seconds_a_day if guild.get_role(tier.role_id)
        ),
    )


def check_channels(settings: GuildSettings, guild: discord.Guild | None) -> None:
    """Return if there can be music in all channels that a server has of those in the settings.

    Raises InvalidRequest.
    """
    for channel_id in settings.channels:
        channel = guild.get_channel(channel_id) if guild else None
        if channel is not None and channel.type not in CHANNEL_TYPES:
            raise InvalidRequest(
                "Music cannot be made in the channel {channel}; please leave it out.",
                channel=str(channel_id),
            )
