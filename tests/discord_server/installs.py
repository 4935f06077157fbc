"""Where the bot is installed, in a guild or to a person's account, and what is offered by that.

https://docs.discord.com/developers/resources/application#installation-context
"""

from __future__ import annotations

from tests.discord_server.people import Json, User
from tests.discord_server.places import Channel

GUILD_INSTALL, USER_INSTALL = "0", "1"
IN_GUILD, WITH_BOT, AMONG_PEOPLE = 0, 1, 2


def context_of(channel: Channel) -> int:
    """Return Discord's number for this kind of place."""
    if channel.guild is not None:
        return IN_GUILD
    return AMONG_PEOPLE if channel.people else WITH_BOT


def owners_of(user: User, channel: Channel) -> Json:
    """Return by which installs a person may use the bot in a channel, and whose those are."""
    owners = {}
    if channel.has_bot:
        owners[GUILD_INSTALL] = str(channel.guild.id if channel.guild else 0)
    if user.has_app:
        owners[USER_INSTALL] = str(user.id)
    return owners


def is_offered(command: Json, user: User, channel: Channel) -> bool:
    """Return whether Discord offers a command to a person in a channel."""
    installs = set(command["integration_types"]).intersection(map(int, owners_of(user, channel)))
    return bool(installs) and context_of(channel) in _contexts(command)


def _contexts(command: Json) -> list[int]:
    """Return where a command is offered; `dm_permission` is the older way to say it."""
    default = [IN_GUILD, WITH_BOT] if command["dm_permission"] else [IN_GUILD]
    return command.get("contexts") or default
