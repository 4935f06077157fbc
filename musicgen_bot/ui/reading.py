"""Who acts, and what they may see and do where they are."""

from __future__ import annotations

from typing import Any

import discord

from musicgen_bot.clip_list import Viewer
from musicgen_bot.job import Job

READABLE = discord.Permissions(view_channel=True, read_message_history=True)


def viewer_of(interaction: discord.Interaction[Any]) -> Viewer:
    """Return who acts, and the channels they can read in the server they act in.

    Where the bot is no member, of a server's channels it knows this one alone.
    """
    guild, user = interaction.guild, interaction.user
    here = {interaction.channel_id} if interaction.channel_id else set()
    if guild is None or not isinstance(user, discord.Member):
        return Viewer(user.id, interaction.guild_id, here)
    channels = {
        channel.id
        for channel in guild.channels
        if channel.permissions_for(user).is_superset(READABLE)
    }
    return Viewer(user.id, guild.id, channels | here)


def may_end(interaction: discord.Interaction[Any], job: Job) -> bool:
    """Return whether who acts may cancel or delete this job: it is theirs, or they moderate it."""
    return interaction.user.id == job.address.user_id or moderates(interaction, job)


def moderates(interaction: discord.Interaction[Any], job: Job) -> bool:
    """Return whether who acts may manage messages in the channel of a job of this server."""
    user, channel_id = interaction.user, job.address.channel_id
    if interaction.guild_id is None or interaction.guild_id != job.address.guild_id:
        return False
    if channel_id == interaction.channel_id:
        return interaction.permissions.manage_messages
    if interaction.guild is None or not isinstance(user, discord.Member):
        return False
    # discord.py forgets threads that are put away, but what holds in them is what holds around.
    channel = interaction.guild.get_channel(job.address.parent_id or channel_id)
    return channel is not None and channel.permissions_for(user).manage_messages
