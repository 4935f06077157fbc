"""Whether somebody may do what only admins and moderators of a server do."""

from __future__ import annotations

import discord

from musicgen_bot.errors import LimitReached
from musicgen_bot.translations import Text

LABELS = {"manage_guild": Text("Manage Server"), "moderate_members": Text("Timeout Members")}
"""Discord's names of permissions, by those of discord.py."""


def guild_of(interaction: discord.Interaction, permission: str) -> int:
    """Return the guild of an interaction, in which the person has a permission.

    Raises LimitReached: Discord keeps such commands from others, unless an admin said otherwise
    under Integrations; what they change is too much to rest on that alone.
    """
    if interaction.guild_id is None:
        raise LimitReached("This works only in a server.")
    if not getattr(interaction.permissions, permission):
        raise LimitReached(
            "You need the permission {permission} for this; please ask an admin of this server.",
            permission=LABELS[permission],
        )
    return interaction.guild_id
