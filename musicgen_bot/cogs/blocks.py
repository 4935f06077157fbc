"""`/block` and `/unblock`: members who may not use the bot in a server."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.translations import Text
from musicgen_bot.ui.common.answers import answer, say_to
from musicgen_bot.ui.common.caller import Caller


class BlockCog(commands.Cog):
    """The commands for a server's moderators."""

    def __init__(self, blocklist: Blocklist) -> None:
        self._blocklist = blocklist

    @app_commands.command(description="Block a member from making music in this server.")
    @app_commands.describe(member="Which member")
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def block(
        self, interaction: discord.Interaction, member: discord.Member | discord.User
    ) -> None:
        """Block a member who is no moderator."""
        caller = Caller.of(interaction)
        guild_id = caller.require_permission("moderate_members")
        if isinstance(member, discord.Member) and member.resolved_permissions is not None:
            rights = member.resolved_permissions
            if rights.moderate_members or rights.manage_guild:
                raise InvalidRequest(
                    "{member} moderates this server and could undo the block; take that "
                    "permission away first.",
                    member=member.mention,
                )
        changed = await self._blocklist.block(guild_id, member.id, caller.user_id)
        text = Text("{member} was already blocked; `/unblock` undoes that.")
        if changed:
            text = Text("{member} can no longer make music in this server; `/unblock` undoes that.")
        await answer(interaction, say_to(interaction)(text.filled(member=member.mention)))

    @app_commands.command(description="Let a blocked member make music in this server again.")
    @app_commands.describe(member="Which member")
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def unblock(
        self, interaction: discord.Interaction, member: discord.Member | discord.User
    ) -> None:
        """Unblock a member, who may have left the server meanwhile."""
        caller = Caller.of(interaction)
        guild_id = caller.require_permission("moderate_members")
        changed = await self._blocklist.unblock(guild_id, member.id)
        text = Text("{member} was not blocked.")
        if changed:
            text = Text("{member} can make music in this server again.")
        await answer(interaction, say_to(interaction)(text.filled(member=member.mention)))
