"""Whether somebody is the host: owns the bot's application, or runs it with the team that does."""

from __future__ import annotations

from typing import Any

import discord

from musicgen_bot.errors import LimitReached

_RUNS_IT = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)


async def require_owner(interaction: discord.Interaction[Any], guild_id: int | None) -> None:
    """Return if the host asks, in the guild of that id, or in direct messages where it is None.

    Discord is asked each time, so whoever has left the team is out at once. Raises LimitReached.
    """
    if interaction.guild_id != guild_id:
        raise LimitReached("The host's commands do not work here.")
    if interaction.user.id not in await _owners(interaction.client):
        raise LimitReached("Only the host of this bot can do that.")


async def _owners(client: discord.Client) -> set[int]:
    """Return who owns the application. Invited or read-only members of a team do not."""
    application = await client.application_info()
    team = application.team
    if team is None:
        return {application.owner.id}
    accepted = discord.TeamMembershipState.accepted
    members = [member for member in team.members if member.membership_state is accepted]
    owners = {member.id for member in members if member.role in _RUNS_IT}
    return owners if team.owner_id is None else {*owners, team.owner_id}
