"""Who calls a command, where, and what the bot itself may do there."""

from __future__ import annotations

from typing import Any

import discord

from musicgen_bot.errors import LimitReached
from musicgen_bot.job import PLAIN_MEMBER, Member
from musicgen_bot.translations import Text, joined


def is_member(interaction: discord.Interaction[Any]) -> bool:
    """Return whether the bot is in the server it is used in, and can speak without a token."""
    guild_id = interaction.guild_id
    return guild_id is not None and interaction.client.get_guild(guild_id) is not None


def member_of(interaction: discord.Interaction[Any]) -> Member:
    """Return what a guild's settings need to know of the caller."""
    if not isinstance(interaction.user, discord.Member):
        return PLAIN_MEMBER
    if not (is_member(interaction) or interaction.is_guild_integration()):
        return Member(brought_bot=True)
    channel = interaction.channel
    return Member(
        role_ids=frozenset(role.id for role in interaction.user.roles),
        parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
        manages=interaction.permissions.manage_guild,
    )


def require_bot_permissions(interaction: discord.Interaction[Any]) -> None:
    """Return if the bot may post a clip in the channel where it is asked.

    Raises LimitReached that names what it may not do; better now than when the clip is made.
    """
    if not is_member(interaction):  # what is said there is said by the interaction's token
        return
    sending = ("send_messages", Text("Send Messages"))
    if isinstance(interaction.channel, discord.Thread):
        sending = ("send_messages_in_threads", Text("Send Messages in Threads"))
    needed = (
        ("view_channel", Text("View Channel")),
        sending,
        ("embed_links", Text("Embed Links")),
        ("attach_files", Text("Attach Files")),
    )
    have = interaction.app_permissions
    missing = [label for name, label in needed if not getattr(have, name)]
    if missing:
        raise LimitReached(
            "I could not post a clip here, so I did not start one; please ask an admin of this "
            "server to give me these permissions in this channel: {permissions}.",
            permissions=joined(", ", missing),
        )
