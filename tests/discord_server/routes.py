"""What each of the routes does that are not about messages: the bot itself, commands, guilds."""

from __future__ import annotations

from dataclasses import dataclass

from tests.discord_server.api import Call, Route
from tests.discord_server.commands import CommandBook
from tests.discord_server.errors import ApiError, Problem
from tests.discord_server.gateway import Gateway
from tests.discord_server.people import Json
from tests.discord_server.world import World

COMMANDS = "/applications/{application}/commands"
GUILD_COMMANDS = "/applications/{application}/guilds/{guild}/commands"


@dataclass(slots=True, eq=False)
class ApplicationRoutes:
    world: World
    gateway: Gateway
    commands: CommandBook

    def table(self) -> list[Route]:
        routes: list[Route] = [
            ("GET", "/users/@me", self.me),
            ("GET", "/oauth2/applications/@me", self.application),
            ("GET", "/applications/@me", self.application),
            ("GET", "/gateway", lambda call: {"url": self.gateway.url}),
            ("GET", "/gateway/bot", self.gateway_bot),
            ("POST", "/users/@me/channels", self.open_direct_channel),
            ("GET", "/guilds/{guild}", self.get_guild),
        ]
        for path in (COMMANDS, GUILD_COMMANDS):
            routes += [
                ("GET", path, lambda call: self.commands.all(_scope(call))),
                ("PUT", path, lambda call: self.commands.replace(_scope(call), call.body or [])),
                ("POST", path, lambda call: self.commands.put(_scope(call), call.body)),
                ("GET", path + "/{command}", self.get_command),
                ("PATCH", path + "/{command}", self.edit_command),
                ("DELETE", path + "/{command}", self.delete_command),
            ]
        return routes

    def me(self, call: Call) -> Json:
        user = self.world.bot
        return {**user.to_json(), "locale": user.locale, "mfa_enabled": True, "verified": True}

    def application(self, call: Call) -> Json:
        return {
            "id": str(self.world.bot.id),
            "name": self.world.bot.name,
            "description": "",
            "icon": None,
            "bot_public": True,
            "bot_require_code_grant": False,
            "owner": self.world.owner.to_json(),
            "team": self.world.team.to_json() if self.world.team else None,
            "verify_key": "0" * 64,
            "type": None,
            "flags": 0,
            "flags_new": "0",
            "explicit_content_filter": 0,
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "eligible_oauth2_scopes": ["bot", "applications.commands"],
            "approximate_guild_count": len(self.world.guilds),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "integration_types_config": {str(kind): {} for kind in self.world.integration_types},
        }

    def gateway_bot(self, call: Call) -> Json:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        shards = self.gateway.shards
        return {"url": self.gateway.url, "shards": shards, "session_start_limit": limit}

    def open_direct_channel(self, call: Call) -> Json:
        user = self.world.users.get(int(call.body["recipient_id"]))
        if user is None:
            raise ApiError(Problem.UNKNOWN_USER)
        return self.world.direct_channel(user).to_json()

    def get_guild(self, call: Call) -> Json:
        guild = self.world.guilds.get(int(call.parameters["guild"]))
        if guild is None:
            raise ApiError(Problem.UNKNOWN_GUILD)
        return guild.to_json()

    def get_command(self, call: Call) -> Json:
        return self.commands.get(_scope(call), call.parameters["command"])

    def edit_command(self, call: Call) -> Json:
        return self.commands.update(_scope(call), call.parameters["command"], call.body)

    def delete_command(self, call: Call) -> None:
        self.commands.delete(_scope(call), call.parameters["command"])


def _scope(call: Call) -> int | None:
    guild = call.parameters.get("guild")
    return None if guild is None else int(guild)
