"""Gateway sessions, and the connections that carry them."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import discord
from aiohttp import web

from tests.discord_server.faults import reset
from tests.discord_server.people import Json
from tests.discord_server.places import Guild

GUILDS = discord.Intents(guilds=True).value
GUILD_MESSAGES = discord.Intents(guild_messages=True).value
DIRECT_MESSAGES = discord.Intents(dm_messages=True).value
PRIVILEGED = discord.Intents(members=True, presences=True, message_content=True).value


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode(IntEnum):
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    INVALID_SHARD = 4010
    DISALLOWED_INTENTS = 4014


@dataclass(slots=True, eq=False)
class Connection:
    """One websocket. What is queued but not yet written when it breaks is lost with it."""

    socket: web.WebSocketResponse
    transport: asyncio.BaseTransport | None
    session: Session | None = field(default=None, repr=False)
    _frames: asyncio.Queue[Json | int] = field(default_factory=asyncio.Queue, repr=False)

    def send(self, op: Op, data: object = None, **more: object) -> None:
        self._frames.put_nowait({"op": int(op), "d": data, "s": None, "t": None, **more})

    def close(self, code: int) -> None:
        """Close the websocket with a code, after what was sent before."""
        self._frames.put_nowait(code)

    def drop(self) -> None:
        """Break the connection without a word."""
        if self.session is not None:
            self.session.connection = None
        reset(self.transport)

    async def write(self) -> None:
        """Write frames until the connection ends."""
        while not isinstance(frame := await self._frames.get(), int):
            await self.socket.send_json(frame)
        await self.socket.close(code=frame)


@dataclass(slots=True, eq=False)
class Session:
    """What a client identified for: one shard and its intents."""

    shard: int
    shard_count: int
    intents: discord.Intents
    connection: Connection | None = field(repr=False)
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    events: list[tuple[str, Any]] = field(default_factory=list, repr=False)
    """Every event so far; the sequence number of one is its place, counted from 1."""
    heartbeats: int = 0

    def dispatch(self, event: str, data: Any) -> None:
        self.events.append((event, data))
        self._send(len(self.events))

    def replay(self, after: int) -> None:
        """Send again what came after a sequence number."""
        for sequence in range(after + 1, len(self.events) + 1):
            self._send(sequence)
        self.dispatch("RESUMED", {})

    def wants(self, event: str, guild: Guild | None) -> bool:
        """Tell whether an event is of this shard and among its intents."""
        if (0 if guild is None else guild.shard(self.shard_count)) != self.shard:
            return False
        if event == "INTERACTION_CREATE":
            return True
        needed = GUILDS
        if event.startswith("MESSAGE_"):
            needed = DIRECT_MESSAGES if guild is None else GUILD_MESSAGES
        return bool(needed & self.intents.value)

    def _send(self, sequence: int) -> None:
        if self.connection is not None:
            event, data = self.events[sequence - 1]
            self.connection.send(Op.DISPATCH, data, s=sequence, t=event)
