"""Guilds and their channels, and the channels of direct messages and of groups.

A channel's permissions are simple: the bot may do whatever everyone may, less what a test forbids
it there. They go out as role and overwrite, so that a client computes the same. Of places that the
bot is not in, it hears nothing, and only the tokens of interactions speak there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import discord

from tests.discord_server.people import Json, Member, Role, User, everyone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.discord_server.messages import Message
    from tests.discord_server.world import World

TEXT, DIRECT, VOICE, GROUP, CATEGORY, THREAD, FORUM = 0, 1, 2, 3, 4, 11, 15
DEFAULT_UPLOAD_LIMIT = 10 * 2**20
BOOSTED_UPLOAD_LIMITS = {3: 100 * 2**20, 2: 50 * 2**20}
"""Bytes by the tier of boosts."""
_ABSENT = (
    *("application_id", "description", "vanity_url_code", "incidents_data", "max_presences"),
    *("icon", "banner", "splash", "discovery_splash", "home_header"),
    *("afk_channel_id", "system_channel_id", "widget_channel_id", "rules_channel_id"),
    *("public_updates_channel_id", "safety_alerts_channel_id"),
)
_DETAILS: Mapping[int, Json] = {
    VOICE: {"bitrate": 64000, "user_limit": 0, "rtc_region": None},
    FORUM: {"available_tags": [], "default_reaction_emoji": None, "default_sort_order": None},
}


@dataclass(slots=True, eq=False)
class Channel:
    """A channel of a guild, a thread of one, or direct messages: with the bot, or of people."""

    world: World = field(repr=False)
    id: int
    name: str | None = None
    guild: Guild | None = field(default=None, repr=False)
    recipient: User | None = None
    messages: dict[int, Message] = field(default_factory=dict, repr=False)
    forbidden: discord.Permissions = field(default_factory=discord.Permissions.none)
    hidden_from: list[Member] = field(default_factory=list, repr=False)
    parent: Channel | None = None
    """The channel that a thread belongs to; a post, where that is a forum."""
    kind: int = TEXT
    """Discord's number for this type of channel."""
    people: list[User] = field(default_factory=list)
    """Who is in a channel that only people are in."""
    archived: bool = False
    """Whether a thread is put away; a new message takes it out again, unless it is locked."""
    locked: bool = False

    @property
    def has_bot(self) -> bool:
        """Whether the bot is in this place, and not only its commands."""
        return not self.people if self.guild is None else self.guild.has_bot

    @property
    def upload_limit(self) -> int:
        """Bytes a single file may have here."""
        return DEFAULT_UPLOAD_LIMIT if self.guild is None else self.guild.upload_limit

    @property
    def bot_permissions(self) -> discord.Permissions:
        if not self.has_bot:
            return discord.Permissions(attach_files=True, embed_links=True, mention_everyone=True)
        allowed = everyone() if self.parent is None else self.parent.bot_permissions
        return allowed & ~self.forbidden

    def forbid(self, *permissions: str) -> None:
        """Take permissions, by discord.py's names for them, from the bot in this channel."""
        self.forbidden |= discord.Permissions(**dict.fromkeys(permissions, True))
        self.world.dispatch("CHANNEL_UPDATE", self.to_json(), self.guild)

    def allow(self, *permissions: str) -> None:
        """Give forbidden permissions back."""
        self.forbidden &= ~discord.Permissions(**dict.fromkeys(permissions, True))
        self.world.dispatch("CHANNEL_UPDATE", self.to_json(), self.guild)

    def hide_from(self, member: Member) -> None:
        """Let a member no longer see this channel."""
        self.hidden_from.append(member)
        self.world.dispatch("CHANNEL_UPDATE", self.to_json(), self.guild)

    def delete(self) -> None:
        """Delete the channel, as an admin of the guild would."""
        assert self.guild is not None, "direct messages cannot be deleted"
        del self.world.channels[self.id]
        self.guild.channels.remove(self)
        self.world.dispatch("CHANNEL_DELETE", self.to_json(), self.guild)

    def archive(self, *, lock: bool = False) -> None:
        """Put a thread away, as its owner would, or lock it too, as a moderator."""
        self.archived, self.locked = True, lock
        self.world.dispatch("THREAD_UPDATE", self.to_json(), self.guild)

    def to_json(self) -> Json:
        last = str(max(self.messages)) if self.messages else None
        channel = {"id": str(self.id), "last_message_id": last, "flags": 0}
        if self.guild is None:
            recipients = self.people if self.recipient is None else [self.recipient]
            group = {"name": self.name, "icon": None, "owner_id": str(recipients[0].id)}
            return {
                **channel,
                **(group if self.kind == GROUP else {}),
                "type": self.kind,
                "recipients": [user.to_json() for user in recipients],
            }
        if self.parent is not None:
            return {**channel, **self._thread(self.guild, self.parent)}
        hidden = discord.Permissions(view_channel=True)
        denied = [(self.world.bot, self.forbidden)]
        denied += [(member.user, hidden) for member in self.hidden_from]
        overwrites = [
            {"id": str(user.id), "type": 1, "allow": "0", "deny": str(permissions.value)}
            for user, permissions in denied
        ]
        return {
            **channel,
            **_DETAILS.get(self.kind, {}),
            "type": self.kind,
            "guild_id": str(self.guild.id),
            "name": self.name,
            "position": 0,
            "permission_overwrites": overwrites,
            "nsfw": False,
            "topic": None,
            "parent_id": None,
            "rate_limit_per_user": 0,
        }

    def _thread(self, guild: Guild, parent: Channel) -> Json:
        archived = {
            "archived": self.archived,
            "archive_timestamp": datetime.fromtimestamp(0, UTC).isoformat(),
            "auto_archive_duration": 1440,
            "locked": self.locked,
        }
        return {
            "type": self.kind,
            "guild_id": str(guild.id),
            "name": self.name,
            "parent_id": str(parent.id),
            "owner_id": str(self.world.owner.id),
            "rate_limit_per_user": 0,
            "message_count": 0,
            "member_count": 1,
            "total_message_sent": 0,
            "thread_metadata": archived,
        }


@dataclass(slots=True, eq=False)
class Guild:
    world: World = field(repr=False)
    id: int
    name: str
    upload_limit: int
    locale: str
    roles: list[Role] = field(default_factory=list, repr=False)
    members: list[Member] = field(default_factory=list, repr=False)
    channels: list[Channel] = field(default_factory=list, repr=False)

    @property
    def has_bot(self) -> bool:
        """Whether the bot is a member."""
        return self.id in self.world.guilds

    @property
    def threads(self) -> list[Channel]:
        return [each for each in self.world.channels.values() if each.parent and each.guild is self]

    def add_channel(self, name: str, kind: int = TEXT) -> Channel:
        channel = Channel(self.world, self.world.snowflakes.next(), name, self, kind=kind)
        self.channels.append(channel)
        self.world.channels[channel.id] = channel
        self.world.dispatch("CHANNEL_CREATE", channel.to_json(), self)
        return channel

    def add_thread(self, name: str, parent: Channel) -> Channel:
        """Start a public thread in a channel, or a post in a forum."""
        snowflake = self.world.snowflakes.next()
        thread = Channel(self.world, snowflake, name, self, parent=parent, kind=THREAD)
        self.world.channels[thread.id] = thread
        self.world.dispatch("THREAD_CREATE", thread.to_json(), self)
        return thread

    def add_role(self, name: str, *, mentionable: bool = False) -> Role:
        none = discord.Permissions.none()
        role = Role(self.world.snowflakes.next(), name, none, mentionable)
        self.roles.append(role)
        event = {"guild_id": str(self.id), "role": role.to_json()}
        self.world.dispatch("GUILD_ROLE_CREATE", event, self)
        return role

    def remove_role(self, role: Role) -> None:
        """Delete a role, as an admin would."""
        self.roles.remove(role)
        for member in self.members:
            member.roles = [each for each in member.roles if each is not role]
        event = {"guild_id": str(self.id), "role_id": str(role.id)}
        self.world.dispatch("GUILD_ROLE_DELETE", event, self)

    def add_member(
        self, user: str | User, *, permissions: discord.Permissions | None = None
    ) -> Member:
        """Let a user, or a new one of that name, join; with the permissions of everyone."""
        if isinstance(user, str):
            user = User(self.world.snowflakes.next(), user)
        self.world.users[user.id] = user
        member = Member(user, self, permissions or everyone())
        self.members.append(member)
        return member

    def remove_bot(self) -> None:
        """Throw the bot out."""
        self.world.dispatch("GUILD_DELETE", {"id": str(self.id)}, self)
        del self.world.guilds[self.id]

    def shard(self, count: int) -> int:
        """Return the shard of `count` that this guild belongs to."""
        return (self.id >> 22) % count

    def to_json(self) -> Json:
        bot = next(member for member in self.members if member.user is self.world.bot)
        boosts = BOOSTED_UPLOAD_LIMITS.items()
        tier = next((tier for tier, limit in boosts if self.upload_limit >= limit), 0)
        return {
            **dict.fromkeys(_ABSENT),
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.world.owner.id),
            "preferred_locale": self.locale,
            "premium_tier": tier,
            "roles": [role.to_json() for role in self.roles],
            "channels": [channel.to_json() for channel in self.channels],
            "members": [bot.to_json()],
            "member_count": len(self.members),
            "joined_at": datetime.fromtimestamp(0, UTC).isoformat(),
            "large": False,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "afk_timeout": 300,
            "region": "deprecated",
            "nsfw": False,
            "widget_enabled": False,
            "max_members": 500000,
            "max_video_channel_users": 25,
            "max_stage_video_channel_users": 50,
            "premium_subscription_count": 0,
            "premium_progress_bar_enabled": False,
            "system_channel_flags": 0,
            "features": [],
            "emojis": [],
            "stickers": [],
            "threads": [thread.to_json() for thread in self.threads],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }
