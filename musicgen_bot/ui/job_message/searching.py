"""Finds the message that answered an interaction, where it was not written down in time."""

from __future__ import annotations

from datetime import timedelta

import discord

from musicgen_bot.job import Address
from musicgen_bot.ui.job_message.refusals import Closed, through

ANSWER_TIME = timedelta(seconds=10)
"""Discord takes the first answer to an interaction within three seconds of it."""
MESSAGES_SEARCHED = 200


async def find_answer(
    channel: discord.abc.Messageable, address: Address, bot: discord.ClientUser | None
) -> int:
    """Return the id of the bot's answer to the interaction of an address, if it may read there.

    Raises Closed where none is found, and as `through` does.
    """
    message_id = await through(lambda: _search(channel, address, bot))
    if message_id is None:
        raise Closed("it was never posted, or cannot be found")
    return message_id


async def _search(
    channel: discord.abc.Messageable, address: Address, bot: discord.ClientUser | None
) -> int | None:
    if address.interaction_id is None:
        return None
    asked_at = discord.utils.snowflake_time(address.interaction_id)
    history = channel.history(
        after=asked_at - timedelta(seconds=1),
        before=asked_at + ANSWER_TIME,
        limit=MESSAGES_SEARCHED,
    )
    async for message in history:
        # An answer names its interaction, also while it is still "thinking" and has no buttons.
        source = message.interaction_metadata
        if source is not None and source.id == address.interaction_id and message.author == bot:
            return message.id
    return None
