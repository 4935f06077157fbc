"""Discord's gateway: sessions over websockets, each with the events of one shard.

A session outlives its connection: events that a client missed are kept and replayed when it
resumes. Frames are plain text, which discord.py takes whatever compression it asked for.

https://docs.discord.com/developers/events/gateway
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import discord
from aiohttp import web

from tests.discord_server.people import Json
from tests.discord_server.places import Guild
from tests.discord_server.sessions import PRIVILEGED, CloseCode, Connection, Op, Session
from tests.discord_server.signals import PATIENCE
from tests.discord_server.world import World

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True, eq=False, repr=False)
class Gateway:
    """Every session, and what a test can do to their connections (`shard` None is all)."""

    world: World
    token: Callable[[], str]
    url: str = ""
    shards: int = 1
    """How many shards a bot that asks is told to run."""
    heartbeat_interval: float = 41.25
    """Seconds, told to clients as they connect."""
    acknowledging: bool = True
    """Whether heartbeats are acknowledged."""
    sessions: list[Session] = field(default_factory=list)
    identified: list[Session] = field(default_factory=list)
    """One entry for each IDENTIFY that was accepted, in order."""
    resumed: list[Session] = field(default_factory=list)
    """One entry for each RESUME that was accepted, in order."""
    connections: list[Connection] = field(default_factory=list)

    def dispatch(self, event: str, data: Json, guild: Guild | None) -> None:
        """Tell an event to every session it concerns; interactions come from anywhere."""
        if guild is not None and not guild.has_bot and event != "INTERACTION_CREATE":
            return
        for session in self.sessions:
            if session.wants(event, guild):
                session.dispatch(event, data)

    async def online(self, guild: Guild | None = None, patience: float = PATIENCE) -> Session:
        """Return the connected session that hears of a guild, once there is one."""

        def look() -> Session | None:
            connected = (session for session in self.sessions if session.connection)
            return next((one for one in connected if one.wants("INTERACTION_CREATE", guild)), None)

        return await self.world.signal.until(look, "a connected session", patience=patience)

    async def offline(self, patience: float = PATIENCE) -> None:
        """Wait until no connection is left."""
        await self.world.signal.until(
            lambda: not self.connections, "the end of", self.connections, patience=patience
        )

    async def heartbeat(self, shard: int = 0, patience: float = PATIENCE) -> float:
        """Ask a client for a heartbeat and return the seconds until it came."""
        session = next(one for one in self.sessions if one.shard == shard and one.connection)
        assert session.connection is not None
        before, asked = session.heartbeats, time.perf_counter()
        session.connection.send(Op.HEARTBEAT)
        await self.world.signal.until(
            lambda: session.heartbeats > before, "a heartbeat", patience=patience
        )
        return time.perf_counter() - asked

    def drop(self, shard: int | None = None) -> None:
        """Break connections without a word; their sessions can be resumed."""
        for connection in self._of(shard):
            connection.drop()

    def close(self, code: int, shard: int | None = None) -> None:
        """Close connections with a code."""
        for connection in self._of(shard):
            connection.close(code)

    def reconnect(self, shard: int | None = None) -> None:
        """Ask clients to connect anew and resume."""
        for connection in self._of(shard):
            connection.send(Op.RECONNECT)

    def invalidate(self, shard: int | None = None) -> None:
        """End sessions for good, so that clients have to identify again."""
        for connection in self._of(shard):
            if connection.session is not None:
                self.sessions.remove(connection.session)
                connection.session.connection = None
            connection.send(Op.INVALID_SESSION, False)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Talk with one client until its connection ends."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, request.transport)
        self.connections.append(connection)
        connection.send(Op.HELLO, {"heartbeat_interval": int(self.heartbeat_interval * 1000)})
        writer = asyncio.create_task(connection.write())
        try:
            async for frame in socket:
                self._receive(connection, frame.json())
                self.world.signal.notify()
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self.connections.remove(connection)
            if connection.session is not None and connection.session.connection is connection:
                connection.session.connection = None
            self.world.signal.notify()
        return socket

    def _of(self, shard: int | None) -> list[Connection]:
        return [
            connection
            for connection in self.connections
            if shard is None or (connection.session and connection.session.shard == shard)
        ]

    def _receive(self, connection: Connection, frame: Json) -> None:
        op, data = frame["op"], frame["d"]
        if op == Op.HEARTBEAT:
            if connection.session is not None:
                connection.session.heartbeats += 1
            if self.acknowledging:
                connection.send(Op.HEARTBEAT_ACK)
        elif op in (Op.IDENTIFY, Op.RESUME) and data["token"] != self.token():
            connection.close(CloseCode.AUTHENTICATION_FAILED)
        elif op == Op.IDENTIFY:
            self._identify(connection, data)
        elif op == Op.RESUME:
            self._resume(connection, data)
        elif connection.session is None:
            connection.close(CloseCode.NOT_AUTHENTICATED)

    def _identify(self, connection: Connection, data: Json) -> None:
        shard, count = data.get("shard", (0, 1))
        if not 0 <= shard < count:
            return connection.close(CloseCode.INVALID_SHARD)
        if data["intents"] & PRIVILEGED:
            return connection.close(CloseCode.DISALLOWED_INTENTS)
        intents = discord.Intents._from_value(data["intents"])
        session = Session(shard, count, intents, connection)
        connection.session = session
        self.sessions.append(session)
        self.identified.append(session)
        guilds = [one for one in self.world.guilds.values() if one.shard(count) == shard]
        ready = {
            "v": 10,
            "user": self.world.bot.to_json(),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [shard, count],
            "application": {"id": str(self.world.bot.id), "flags": 0},
        }
        session.dispatch("READY", ready)
        for guild in guilds:
            if session.wants("GUILD_CREATE", guild):
                session.dispatch("GUILD_CREATE", guild.to_json())
        return None

    def _resume(self, connection: Connection, data: Json) -> None:
        for session in self.sessions:
            if session.id == data["session_id"]:
                session.connection = connection
                connection.session = session
                self.resumed.append(session)
                return session.replay(data["seq"])
        return connection.send(Op.INVALID_SESSION, False)
