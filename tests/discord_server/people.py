"""Users, the roles they have, and their membership of a guild."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import discord

if TYPE_CHECKING:
    from tests.discord_server.places import Guild

Json = dict[str, Any]


def everyone() -> discord.Permissions:
    """Return what a member may do in a channel where nothing else is said."""
    return discord.Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        embed_links=True,
        attach_files=True,
        read_message_history=True,
        mention_everyone=True,
        use_application_commands=True,
        use_external_apps=True,
    )


@dataclass(slots=True, eq=False)
class User:
    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    has_app: bool = False
    """Whether they have installed the bot to their account."""
    takes_messages: bool = True
    """Whether Discord lets the bot write direct messages to them."""

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def to_json(self) -> Json:
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0",
            "global_name": None,
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": None,
        }


@dataclass(slots=True, eq=False)
class Role:
    id: int
    name: str
    permissions: discord.Permissions
    mentionable: bool = False

    def to_json(self) -> Json:
        return {
            "id": str(self.id),
            "name": self.name,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "description": None,
            "icon": None,
            "unicode_emoji": None,
            "hoist": False,
            "position": 0,
            "permissions": str(self.permissions.value),
            "managed": False,
            "mentionable": self.mentionable,
            "flags": 0,
        }


@dataclass(slots=True, eq=False)
class Member:
    """A person in a guild; also the one who types a command there."""

    user: User
    guild: Guild = field(repr=False)
    permissions: discord.Permissions
    roles: list[Role] = field(default_factory=list)

    @property
    def mention(self) -> str:
        return self.user.mention

    def to_json(self) -> Json:
        return {
            "user": self.user.to_json(),
            "nick": None,
            "avatar": None,
            "roles": [str(role.id) for role in self.roles],
            "joined_at": datetime.fromtimestamp(0, UTC).isoformat(),
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
            "communication_disabled_until": None,
            "permissions": str(self.permissions.value),
        }


@dataclass(slots=True, eq=False)
class Team:
    """Who owns the application together."""

    id: int
    owner: User
    members: list[tuple[User, str, bool]] = field(default_factory=list)
    """Each with their role, and whether they have accepted to be one."""

    def to_json(self) -> Json:
        return {
            "id": str(self.id),
            "icon": None,
            "name": "team",
            "owner_user_id": str(self.owner.id),
            "members": [
                {
                    "user": user.to_json(),
                    "team_id": str(self.id),
                    "membership_state": 2 if accepted else 1,
                    "role": role,
                    "permissions": ["*"],
                }
                for user, role, accepted in self.members
            ],
        }
