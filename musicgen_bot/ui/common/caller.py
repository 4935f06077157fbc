"""Who acts in an interaction, where, and what they may see and do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import discord

from musicgen_bot.clip_list import Viewer
from musicgen_bot.errors import LimitReached
from musicgen_bot.generation import GenerationRequest
from musicgen_bot.job import PLAIN_MEMBER, Address, Job, Member, Order, Submission
from musicgen_bot.translations import Text, joined

READABLE = discord.Permissions(view_channel=True, read_message_history=True)
LABELS = {
    "manage_guild": Text("Manage Server"),
    "moderate_members": Text("Timeout Members"),
    "view_channel": Text("View Channel"),
    "send_messages": Text("Send Messages"),
    "send_messages_in_threads": Text("Send Messages in Threads"),
    "embed_links": Text("Embed Links"),
    "attach_files": Text("Attach Files"),
}
"""Discord's names of permissions, by those of discord.py."""

_TEAM_HOSTS = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who types, presses or sends something, in the place where they do."""

    user_id: int
    guild_id: int | None
    """None in direct messages and groups."""
    channel_id: int
    permissions: discord.Permissions
    """Theirs in that channel, as Discord says."""
    bot_is_member: bool
    """Whether the bot is in this server, and can speak there without an interaction's token."""
    member: Member
    """What the guild's settings look at."""
    _interaction: discord.Interaction[Any] = field(repr=False)

    @classmethod
    def of(cls, interaction: discord.Interaction[Any]) -> Self:
        """Return who acts in an interaction."""
        guild_id, channel_id = interaction.guild_id, interaction.channel_id
        if channel_id is None:
            raise TypeError("people act in channels")
        bot_is_member = guild_id is not None and interaction.client.get_guild(guild_id) is not None
        return cls(
            user_id=interaction.user.id,
            guild_id=guild_id,
            channel_id=channel_id,
            permissions=interaction.permissions,
            bot_is_member=bot_is_member,
            member=_member(interaction, bot_is_member),
            _interaction=interaction,
        )

    def submission(self, request: GenerationRequest, order: Order) -> Submission:
        """Return what they ask for, with all that its job has to know of them."""
        return Submission(request, self.address(), order, self.member)

    def address(self) -> Address:
        """Return where a job of theirs answers."""
        interaction = self._interaction
        channel, parent_id = interaction.channel, None
        if isinstance(channel, discord.Thread) and not channel.is_private():
            parent_id = channel.parent_id
        return Address(
            user_id=self.user_id,
            guild_id=self.guild_id,
            channel_id=self.channel_id,
            message_id=None,
            token=interaction.token,
            created_at=interaction.created_at.timestamp(),
            locale=str(interaction.guild_locale or interaction.locale),
            parent_id=parent_id,
            interaction_id=interaction.id,
        )

    def viewer(self) -> Viewer:
        """Return which channels they can read; this looks at each channel of the server.

        Where the bot is no member, of a server's channels it knows this one alone.
        """
        guild, user = self._interaction.guild, self._interaction.user
        readable = {self.channel_id}
        if guild is not None and isinstance(user, discord.Member):
            readable.update(
                channel.id
                for channel in guild.channels
                if channel.permissions_for(user).is_superset(READABLE)
            )
        return Viewer(self.user_id, self.guild_id, readable)

    def may_see(self, job: Job) -> bool:
        """Return whether a clip is theirs, or was made in a channel they can read here."""
        return self.viewer().may_see(job)

    def owns(self, job: Job) -> bool:
        """Return whether they asked for this job."""
        return self.user_id == job.address.user_id

    def may_end(self, job: Job) -> bool:
        """Return whether they may cancel or delete a job: it is theirs, or they moderate it."""
        return self.owns(job) or self.moderates(job)

    def moderates(self, job: Job) -> bool:
        """Return whether they may manage messages in the channel of a job of this server."""
        guild, user = self._interaction.guild, self._interaction.user
        address = job.address
        if self.guild_id is None or self.guild_id != address.guild_id:
            return False
        if address.channel_id == self.channel_id:
            return self.permissions.manage_messages
        if guild is None or not isinstance(user, discord.Member):
            return False
        # discord.py forgets archived threads, but what holds in them is what holds around.
        channel = guild.get_channel(address.parent_id or address.channel_id)
        return channel is not None and channel.permissions_for(user).manage_messages

    def require_permission(self, name: str) -> int:
        """Return the guild's id if they have a permission there, by discord.py's name for it.

        Raises LimitReached: Discord keeps such commands from others, unless an admin said otherwise
        under Integrations; what they change is too much to rest on that alone.
        """
        if self.guild_id is None:
            raise LimitReached("This works only in a server.")
        if not getattr(self.permissions, name):
            raise LimitReached(
                "You need the permission {permission} for this; please ask an admin of this "
                "server.",
                permission=LABELS[name],
            )
        return self.guild_id

    async def require_host(self, guild_id: int | None) -> None:
        """Return if the host asks, in the guild of that id, or in direct messages where it is None.

        The host owns the bot's application, or runs it with the team that does. Discord is asked
        each time, so whoever has left the team is out at once. Raises LimitReached.
        """
        if self.guild_id != guild_id:
            raise LimitReached("The host's commands do not work here.")
        if self.user_id not in _hosts(await self._interaction.client.application_info()):
            raise LimitReached("Only the host of this bot can do that.")

    def require_bot_permissions(self) -> None:
        """Return if the bot may post a clip in this channel.

        Raises LimitReached that names what it may not do; better now than when the clip is made.
        """
        if not self.bot_is_member:  # what is said there is said by the interaction's token
            return
        is_thread = isinstance(self._interaction.channel, discord.Thread)
        sending = "send_messages_in_threads" if is_thread else "send_messages"
        needed = ("view_channel", sending, "embed_links", "attach_files")
        have = self._interaction.app_permissions
        missing = [LABELS[name] for name in needed if not getattr(have, name)]
        if missing:
            raise LimitReached(
                "I could not post a clip here, so I did not start one; please ask an admin of this "
                "server to give me these permissions in this channel: {permissions}.",
                permissions=joined(", ", missing),
            )


def _member(interaction: discord.Interaction[Any], bot_is_member: bool) -> Member:
    user, channel = interaction.user, interaction.channel
    if not isinstance(user, discord.Member):
        return PLAIN_MEMBER
    if not (bot_is_member or interaction.is_guild_integration()):
        return Member(brought_bot=True)
    return Member(
        role_ids=frozenset(role.id for role in user.roles),
        parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
        manages=interaction.permissions.manage_guild,
    )


def _hosts(application: discord.AppInfo) -> set[int]:
    """Return who runs an application. Invited or read-only members of a team do not."""
    team = application.team
    if team is None:
        return {application.owner.id}
    accepted = discord.TeamMembershipState.accepted
    members = [member for member in team.members if member.membership_state is accepted]
    hosts = {member.id for member in members if member.role in _TEAM_HOSTS}
    return hosts if team.owner_id is None else {*hosts, team.owner_id}
