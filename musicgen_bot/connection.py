"""The connection to Discord, with whatever can be wrong with it told to the host in a sentence."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import discord

from musicgen_bot.errors import DiscordError
from musicgen_bot.network import UNREACHABLE

CLOSING_SECONDS = 2.0
AUTHENTICATION_FAILED = 4004
"""Close code of Discord's gateway."""


async def log_in(client: discord.Client, token: str) -> None:
    """Check the token with Discord. Raises DiscordError."""
    try:
        await client.login(token)
    except discord.LoginFailure:
        raise DiscordError(
            "Discord does not accept DISCORD_TOKEN; copy the token again from the Bot page of "
            "your application in Discord's developer portal."
        ) from None
    except (discord.HTTPException, *UNREACHABLE) as error:
        raise _unreachable(error) from error


async def stay_connected(client: discord.Client) -> None:
    """Stay connected until the client is closed. Raises DiscordError when it never can again."""
    try:
        await client.connect()
    except (discord.GatewayNotFound, *UNREACHABLE) as error:
        raise _unreachable(error) from error
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise DiscordError(
                "Discord has withdrawn DISCORD_TOKEN; make a new one on the Bot page of your "
                "application in Discord's developer portal."
            ) from None
        raise DiscordError(f"Discord ended the connection ({error}).") from error


async def close(client: discord.Client) -> None:
    """Close the connections, without waiting for a network that is gone."""
    with suppress(TimeoutError):
        await asyncio.wait_for(client.close(), CLOSING_SECONDS)


def _unreachable(error: Exception) -> DiscordError:
    return DiscordError(f"Discord cannot be reached ({error}); check this machine's connection.")
