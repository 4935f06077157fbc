"""An option of a command that is a channel to make music in."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from musicgen_bot.ui.guild_settings.places import CHANNEL_TYPES


class PlaceTransformer(app_commands.Transformer):
    """Offers the channels that somebody can type a command in, or in a thread of."""

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


Place = app_commands.Transform[app_commands.AppCommandChannel, PlaceTransformer]
