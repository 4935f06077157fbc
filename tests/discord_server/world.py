"""All there is in the simulated Discord, in one place."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.discord_server.people import Json, Role, Team, User, everyone
from tests.discord_server.places import DIRECT, GROUP, Channel, Guild

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.discord_server.attachments import Attachment
    from tests.discord_server.signals import Signal

DISCORD_EPOCH = 1420070400000
"""Milliseconds of Unix time at which Discord's ids start."""


class Snowflakes:
    """Ids that are all different and rise with time."""

    def __init__(self) -> None:
        self._last = 0
        self._ahead = 0.0

    def shift(self, seconds: float) -> None:
        """Let the clock be ahead of this machine's by so much, or behind."""
        self._last, self._ahead = 0, seconds

    def next(self) -> int:
        now = int((time.time() + self._ahead) * 1000) - DISCORD_EPOCH
        self._last = max(self._last + 1, now)
        return self._last << 22


class Clock:
    """The server's own clock, which stands still until a test moves it.

    Deadlines (3 s for an answer, 15 min for a token) are measured on it, so that no test depends
    on how fast the machine is.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True, eq=False, repr=False)
class World:
    """All there is, and the way news of it leave for the gateway (event, data, guild)."""

    signal: Signal
    dispatch: Callable[[str, Json, Guild | None], None]
    snowflakes: Snowflakes = field(default_factory=Snowflakes)
    clock: Clock = field(default_factory=Clock)
    cdn: str = ""
    bot: User = field(init=False)
    owner: User = field(init=False)
    integration_types: tuple[int, ...] = (0, 1)
    """What the portal's *Installation* page has ticked: *Guild Install*, *User Install*."""
    team: Team | None = None
    """Where there is one, the application is its, and not the owner's."""
    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    files: dict[int, Attachment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bot = User(self.snowflakes.next(), "musicgen", bot=True)
        self.owner = User(self.snowflakes.next(), "host")
        self.users = {user.id: user for user in (self.bot, self.owner)}

    def add_guild(self, name: str, upload_limit: int, locale: str, with_bot: bool) -> Guild:
        guild = Guild(self, self.snowflakes.next(), name, upload_limit, locale)
        guild.roles.append(Role(guild.id, "@everyone", everyone()))
        if with_bot:
            guild.add_member(self.bot)
            self.guilds[guild.id] = guild
            self.dispatch("GUILD_CREATE", guild.to_json(), guild)
        return guild

    def direct_channel(self, user: User) -> Channel:
        """Return the channel of direct messages with a user, opened if there was none."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self, self.snowflakes.next(), recipient=user, kind=DIRECT)
        self.channels[channel.id] = channel
        return channel

    def private_channel(self, *people: User) -> Channel:
        """Let people write to each other without the bot; three or more of them as a group."""
        kind = DIRECT if len(people) == 2 else GROUP
        channel = Channel(self, self.snowflakes.next(), kind=kind, people=list(people))
        self.channels[channel.id] = channel
        self.users.update({user.id: user for user in people})
        return channel
