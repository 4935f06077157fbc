"""Whom a message pings, by its text and its `allowed_mentions`.

https://docs.discord.com/developers/resources/message#allowed-mentions-object
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.discord_server.errors import invalid
from tests.discord_server.places import Channel

KINDS = ("users", "roles", "everyone")


@dataclass(frozen=True, slots=True)
class Pings:
    """The ids of users and roles that are pinged, and whether everyone is; false if nobody is."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)

    def __or__(self, other: Pings) -> Pings:
        everyone = self.everyone or other.everyone
        return Pings(self.users | other.users, self.roles | other.roles, everyone)


def find_pings(
    content: str, allowed: Mapping[str, Any] | None, channel: Channel, replied_to: int | None = None
) -> Pings:
    """Return whom `content` would ping in a channel.

    `replied_to` is the author of the message that this one answers. Text in an embed never pings,
    so it is not asked for. Raises ApiError where `allowed` contradicts itself.
    """
    _check(allowed)
    users = {int(found) for found in re.findall(r"<@!?(\d+)>", content)} & _people(channel)
    users = {user for user in users if _may("users", user, allowed)}
    if replied_to is not None and (allowed is None or allowed.get("replied_user")):
        users.add(replied_to)
    roles: set[int] = set()
    everyone = False
    if channel.guild is not None:
        may_mention_all = channel.bot_permissions.mention_everyone
        mentioned = {int(found) for found in re.findall(r"<@&(\d+)>", content)}
        roles = {
            role.id
            for role in channel.guild.roles
            if role.id in mentioned
            and (role.mentionable or may_mention_all)
            and _may("roles", role.id, allowed)
        }
        called = re.search(r"@(everyone|here)\b", content) is not None
        everyone = called and may_mention_all and _may("everyone", None, allowed)
    return Pings(frozenset(users), frozenset(roles), everyone)


def _check(allowed: Mapping[str, Any] | None) -> None:
    for kind in ("users", "roles"):
        if allowed and kind in allowed.get("parse", []) and allowed.get(kind):
            text = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            raise invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)


def _may(kind: str, snowflake: int | None, allowed: Mapping[str, Any] | None) -> bool:
    if allowed is None or kind in allowed.get("parse", []):
        return True
    return snowflake is not None and snowflake in map(int, allowed.get(kind) or [])


def _people(channel: Channel) -> set[int]:
    if channel.guild is None:
        return {user.id for user in (channel.recipient, *channel.people) if user}
    return {member.user.id for member in channel.guild.members}
