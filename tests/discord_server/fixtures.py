"""Fixtures of the simulated Discord, and discord.py in this process pointed at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord.gateway
import discord.http
import pytest
import yarl
from discord.asset import Asset

from tests.discord_server.api import PREFIX
from tests.discord_server.schema import OpenApi
from tests.discord_server.server import DiscordServer


@pytest.fixture(scope="session")
def openapi() -> OpenApi:
    """Discord's description of its interface, read once."""
    return OpenApi()


@pytest.fixture
async def discord_server(
    monkeypatch: pytest.MonkeyPatch, openapi: OpenApi
) -> AsyncIterator[DiscordServer]:
    """A Discord on loopback; fails the test if a request broke Discord's OpenAPI document.

    Clients in this process are pointed at it, others by `discord_server.environment`.
    """
    async with DiscordServer(openapi) as server:
        gateway = yarl.URL(server.gateway.url)
        monkeypatch.setattr(discord.http.Route, "BASE", server.url + PREFIX)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        monkeypatch.setattr(Asset, "BASE", server.world.cdn)
        yield server
    assert not server.violations
