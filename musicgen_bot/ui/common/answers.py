"""Answers to what people do, in their language.

What only they read is in the language their Discord is in; what everybody reads, such as a job's
message, is in that of the job's address, which is the server's.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import discord

from musicgen_bot.translations import Language, Translations


class HasTranslations(Protocol):
    """A client that knows the languages."""

    translations: Translations


def say_to(interaction: discord.Interaction[Any]) -> Language:
    """Return the language of who acts, for an answer that nobody else sees."""
    return say_in(interaction, str(interaction.locale))


async def answer(interaction: discord.Interaction[Any], text: str) -> None:
    """Tell something to the one who acts and to nobody else, also where the answer is deferred."""
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True)
    else:
        await interaction.response.send_message(text, ephemeral=True)


def say_in(interaction: discord.Interaction[Any], locale: str) -> Language:
    """Return the language of a locale of Discord's."""
    return cast(HasTranslations, interaction.client).translations.language(locale)
