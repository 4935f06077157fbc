"""The channels and roles that a server's settings name, and whether the server still has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

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


def without_deleted(settings: GuildSettings, guild: discord.Guild | None) -> GuildSettings:
    """Return the settings without the channels and roles that a server does not have."""
    if guild is None or guild.get_role(guild.id) is None:
        return settings  # without even its @everyone, nothing is known of the server yet

    def existing(roles: Iterable[int]) -> tuple[int, ...]:
        return tuple(role for role in roles if guild.get_role(role))

    return replace(
        settings,
        channels=tuple(each for each in settings.channels if guild.get_channel(each)),
        roles=existing(settings.roles),
        unlimited_roles=existing(settings.unlimited_roles),
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


class ChannelTransformer(app_commands.Transformer):
    """Offers the channels that there can be music in, for an option of a command."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """Discord's type of the option."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """The types of channels that are offered."""
        return list(CHANNEL_TYPES)

    async def transform(self, interaction: discord.Interaction, value: Any, /) -> Any:
        """Take a channel as it is."""
        return value


ChannelOption = app_commands.Transform[app_commands.AppCommandChannel, ChannelTransformer]
