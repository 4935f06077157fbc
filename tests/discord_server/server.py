"""The simulated Discord as a test holds it: its places, its people, and what goes wrong there."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

from tests.discord_server.actions import Actions
from tests.discord_server.api import LARGEST_BODY, PREFIX, Api, Call
from tests.discord_server.attachments import Attachment
from tests.discord_server.commands import CommandBook
from tests.discord_server.gateway import Gateway
from tests.discord_server.message_routes import ChannelRoutes, InteractionRoutes
from tests.discord_server.messages import Message
from tests.discord_server.people import User
from tests.discord_server.places import DEFAULT_UPLOAD_LIMIT, Channel, Guild
from tests.discord_server.routes import ApplicationRoutes
from tests.discord_server.schema import OpenApi
from tests.discord_server.sessions import CloseCode
from tests.discord_server.signals import PATIENCE, Signal
from tests.discord_server.world import Clock, World

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SITE = Path(__file__).parent / "site"


class DiscordServer(Actions):
    """A Discord on loopback, alive between `async with` and its end."""

    def __init__(self, schema: OpenApi | None = None) -> None:
        """`schema` is what requests are checked against, so that many servers can share one."""
        self.token = "loopback.bot.token"
        self.signal = Signal()
        self.world = World(self.signal, lambda *event: self.gateway.dispatch(*event))
        self.gateway = Gateway(self.world, lambda: self.token)
        self.commands = CommandBook(self.world)
        self.url = ""
        self._api = Api(self.signal, lambda: self.token, schema or OpenApi())
        self.interactions = {}
        self.faults = self._api.faults
        self.violations = self._api.violations
        """Where requests, or answers, broke Discord's description of its interface; sentences."""
        self.requests: list[Call] = self._api.calls
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/gateway/", self.gateway.serve)
        app.router.add_get("/cdn/attachments/{channel}/{attachment}/{filename}", self._cdn)
        routes = ApplicationRoutes(self.world, self.gateway, self.commands).table()
        routes += ChannelRoutes(self.world).table()
        routes += InteractionRoutes(self.world, self.interactions).table()
        self._api.mount(routes, app.router)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self.world.cdn = f"{self.url}/cdn"
        self.gateway.url = f"ws://{host}:{port}/gateway/"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        self.faults.clear()
        self.gateway.drop()
        await self._runner.cleanup()

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def bot(self) -> User:
        return self.world.bot

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find this server in place of Discord."""
        paths = [str(SITE), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            "PYTHONPATH": os.pathsep.join(paths),
            "DISCORD_SERVER_API": self.url + PREFIX,
            "DISCORD_SERVER_GATEWAY": self.gateway.url,
            "DISCORD_SERVER_CDN": self.world.cdn,
            "DISCORD_TOKEN": self.token,
        }

    @property
    def sockets(self) -> int:
        """How many connections are open here, the gateway's included."""
        assert self._runner is not None
        assert self._runner.server is not None
        return len(self._runner.server.connections)

    def add_guild(
        self,
        name: str = "Cellar",
        *,
        upload_limit: int = DEFAULT_UPLOAD_LIMIT,
        locale: str = "en-US",
        with_bot: bool = True,
    ) -> Guild:
        """Make a guild that the bot is in, or is not; `upload_limit` is in bytes a file."""
        return self.world.add_guild(name, upload_limit, locale, with_bot)

    def direct_channel(self, user: User) -> Channel:
        return self.world.direct_channel(user)

    def private_channel(self, *people: User) -> Channel:
        """Make a channel between two people, or a group of more, which the bot is not in."""
        return self.world.private_channel(*people)

    def messages(self, channel: Channel) -> list[Message]:
        """Return what is to be seen in a channel, ephemeral messages included, oldest first."""
        return [message for message in channel.messages.values() if not message.deleted]

    def download(self, attachment: Attachment) -> bytes:
        return attachment.data

    def revoke_token(self) -> None:
        """Make the bot's token worthless, as its owner does by resetting it."""
        self.token = "loopback.another.token"
        self.gateway.sessions.clear()
        self.gateway.close(CloseCode.AUTHENTICATION_FAILED)

    async def until(
        self, look: Callable[[], T | None], *wanted: object, patience: float = PATIENCE
    ) -> T:
        """Return the first true value of `look`, tried at each change of this server.

        `wanted` says in words, and things, what a test waited for in vain.
        """
        return await self.signal.until(look, *wanted, patience=patience)

    async def requested(self, method: str, path: str, patience: float = PATIENCE) -> Call:
        """Wait for a request that was answered; in `path`, `*` is any run of characters."""

        def look() -> Call | None:
            matching = (call for call in self.requests if call.matches(method, path))
            return next((call for call in matching if call.status is not None), None)

        wanted = (method, path, "in", self.requests)
        return await self.signal.until(look, *wanted, patience=patience)

    async def _cdn(self, request: web.Request) -> web.Response:
        fault = self.faults.take(request.method, request.path)
        if fault is not None and (struck := await fault.strike(request)) is not None:
            return struck
        attachment = self.world.files.get(int(request.match_info["attachment"]))
        if attachment is None:
            raise web.HTTPNotFound
        kind = attachment.content_type or "application/octet-stream"
        return web.Response(body=attachment.data, content_type=kind)
