"""The bot's registered commands, and what Discord makes of them when a person types one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.discord_server.attachments import Attachment
from tests.discord_server.errors import ApiError, Problem, invalid
from tests.discord_server.installs import is_offered
from tests.discord_server.people import Json, Member, Role, User
from tests.discord_server.places import Channel
from tests.discord_server.world import World

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = range(
    1, 12
)
_VALUES: Mapping[int, tuple[type, ...]] = {
    STRING: (str,),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    USER: (Member, User),
    CHANNEL: (Channel,),
    ROLE: (Role,),
    MENTIONABLE: (Member, User, Role),
    NUMBER: (int, float),
    FILE: (Attachment,),
}


class NotTypeable(AssertionError):
    """A test typed what Discord would not let a person send."""


@dataclass(slots=True, eq=False)
class CommandBook:
    """What is registered, globally (None) and for each guild."""

    world: World
    syncs: list[int | None] = field(default_factory=list)
    """The scope of every bulk registration so far: a guild's id, or None for all."""
    _commands: dict[int | None, list[Json]] = field(default_factory=dict)

    def all(self, scope: int | None = None) -> list[Json]:
        return self._commands.setdefault(scope, [])

    def replace(self, scope: int | None, payloads: list[Json]) -> list[Json]:
        """Register these and no others; a command that stays keeps its id."""
        for payload in payloads:
            self._check_installs(payload)
        self.syncs.append(scope)
        before, self._commands[scope] = self.all(scope), []
        for payload in payloads:
            self._commands[scope].append(self._register(scope, payload, before))
        return self.all(scope)

    def put(self, scope: int | None, payload: Json) -> Json:
        """Register one command, in place of one of the same type and name."""
        self._check_installs(payload)
        command = self._register(scope, payload, self.all(scope))
        others = [other for other in self.all(scope) if other["id"] != command["id"]]
        self._commands[scope] = [*others, command]
        return command

    def update(self, scope: int | None, snowflake: str, payload: Json) -> Json:
        command = self.get(scope, snowflake)
        command.update(self._complete(scope, {**command, **payload}, snowflake))
        return command

    def delete(self, scope: int | None, snowflake: str) -> None:
        self.all(scope).remove(self.get(scope, snowflake))

    def get(self, scope: int | None, snowflake: str) -> Json:
        for command in self.all(scope):
            if command["id"] == snowflake:
                return command
        raise ApiError(Problem.UNKNOWN_COMMAND)

    def offered(self, user: User, channel: Channel) -> list[Json]:
        """Return the commands that there are for a person in a channel."""
        guild = channel.guild
        here = self.all() if guild is None else self.all(guild.id) + self.all()
        return [command for command in here if is_offered(command, user, channel)]

    def find(self, name: str, user: User, channel: Channel, kind: int) -> Json:
        """Return the command a person sees under a name. Raises NotTypeable."""
        offered = self.offered(user, channel)
        for command in offered:
            if command["name"] == name and command["type"] == kind:
                return command
        known = ", ".join(sorted(command["name"] for command in offered)) or "none"
        raise NotTypeable(f"there is no command {name!r}; offered are: {known}")

    def _check_installs(self, payload: Json) -> None:
        """Raise ApiError for an install that the application is not made for."""
        if not set(payload.get("integration_types") or []) <= set(self.world.integration_types):
            text = "The application does not support this way to be installed."
            raise invalid("integration_types", "APPLICATION_INTEGRATION_TYPE_UNSUPPORTED", text)

    def _register(self, scope: int | None, payload: Json, before: list[Json]) -> Json:
        kind, name = payload.get("type", 1), payload["name"]
        same = (old["id"] for old in before if (old["type"], old["name"]) == (kind, name))
        return self._complete(scope, payload, next(same, None) or str(self.world.snowflakes.next()))

    def _complete(self, scope: int | None, payload: Json, snowflake: str) -> Json:
        command = {"type": 1, "description": "", "dm_permission": True, "nsfw": False, **payload}
        permissions = payload.get("default_member_permissions")
        command |= {
            "id": snowflake,
            "application_id": str(self.world.bot.id),
            "version": str(self.world.snowflakes.next()),
            "default_member_permissions": None if permissions is None else str(permissions),
            "integration_types": payload.get("integration_types") or [0],
        }
        return command if scope is None else {**command, "guild_id": str(scope)}


@dataclass(slots=True, eq=False)
class Typed:
    """What a person typed, as the `data` of an interaction."""

    options: list[Json] = field(default_factory=list)
    resolved: Json = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        command: Json,
        path: list[str],
        values: Mapping[str, Any],
        focus: str | None = None,
        checked: bool = True,
    ) -> Typed:
        """Fill in a command's options by their registration.

        `path` leads to a subcommand. With `focus` the person is still typing that option: what
        is missing does not matter, and its value may be of any kind. Raises NotTypeable; values
        are let through as they are if not `checked`.
        """
        typed = cls()
        described = command.get("options") or []
        groups = []
        for name in path:
            group = _named(described, name, command["name"])
            groups.append(group)
            described = group.get("options") or []
        for name, value in values.items():
            option = _named(described, name, command["name"])
            if checked and name != focus:
                _check(option, value)
            typed.options.append(typed._option(option, value, name == focus))
        for option in described:
            if option.get("required") and option["name"] not in values and focus is None:
                raise NotTypeable(f"/{command['name']} requires the option {option['name']!r}")
            if option["type"] in (SUBCOMMAND, GROUP):
                raise NotTypeable(f"/{command['name']} needs a subcommand")
        for group in reversed(groups):
            typed.options = [
                {"name": group["name"], "type": group["type"], "options": typed.options}
            ]
        return typed

    def _option(self, option: Json, value: Any, focused: bool) -> Json:
        entry = {"name": option["name"], "type": option["type"]}
        if focused:
            return {**entry, "value": str(value), "focused": True}
        if option["type"] in (STRING, INTEGER, BOOLEAN, NUMBER):
            return {**entry, "value": value}
        return {**entry, "value": str(self.resolve(value))}

    def resolve(self, value: Member | User | Channel | Role | Attachment) -> int:
        """Add what an option names to the resolved data, and return its id."""
        if isinstance(value, Member):
            member = value.to_json()
            self._add("members", value.user.id, member)
            value = value.user
        kind = {User: "users", Channel: "channels", Role: "roles", Attachment: "attachments"}
        body = value.to_json()
        if isinstance(value, Channel):
            body["permissions"] = str(value.bot_permissions.value)
        self._add(kind[type(value)], value.id, body)
        return value.id

    def _add(self, kind: str, snowflake: int, body: Json) -> None:
        self.resolved.setdefault(kind, {})[str(snowflake)] = body


def _named(options: list[Json], name: str, command: str) -> Json:
    for option in options:
        if option["name"] == name:
            return option
    known = ", ".join(option["name"] for option in options) or "none"
    raise NotTypeable(f"/{command} has no option {name!r}; it has: {known}")


def _check(option: Json, value: Any) -> None:
    name, kind = option["name"], option["type"]
    fits = isinstance(value, _VALUES.get(kind, ())) and (
        kind == BOOLEAN or not isinstance(value, bool)
    )
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise NotTypeable(f"{value!r} is not a value for the option {name!r} of type {kind}")
    choices = option.get("choices")
    if choices and value not in [choice["value"] for choice in choices]:
        raise NotTypeable(f"{value!r} is not among the choices of the option {name!r}")
    size = len(value) if kind == STRING else value
    low, high = ("min_length", "max_length") if kind == STRING else ("min_value", "max_value")
    if (option.get(low) is not None and size < option[low]) or (
        option.get(high) is not None and size > option[high]
    ):
        raise NotTypeable(f"{value!r} is outside of the bounds of the option {name!r}")
