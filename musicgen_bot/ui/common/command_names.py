"""What commands, their options and choices are called in each language.

In English they are called what they are where they are defined. A name is looked up with its kind,
since as a name it follows Discord's rules (lower case, no spaces), whatever the word is elsewhere.
"""

from __future__ import annotations

from typing import Any

from discord import Locale
from discord.app_commands import (
    Command,
    TranslationContextLocation,
    TranslationContextTypes,
    Translator,
    locale_str,
)

from musicgen_bot.translations import ENGLISH, Language, Translations

COMMAND, OPTION, CHOICE, DESCRIPTION = "command", "option", "choice", "description"
KINDS = {
    TranslationContextLocation.command_name: COMMAND,
    TranslationContextLocation.group_name: COMMAND,
    TranslationContextLocation.parameter_name: OPTION,
    TranslationContextLocation.choice_name: CHOICE,
    TranslationContextLocation.command_description: DESCRIPTION,
    TranslationContextLocation.group_description: DESCRIPTION,
    TranslationContextLocation.parameter_description: DESCRIPTION,
}


class CommandNames(Translator):
    """Tells Discord the names in each of its languages that is spoken here."""

    def __init__(self, translations: Translations) -> None:
        self._translations = translations

    async def translate(
        self, string: locale_str, locale: Locale, context: TranslationContextTypes
    ) -> str | None:
        """Return a name in a language; None where that is English, or not spoken here."""
        language = self._translations.language(locale.value)
        if language is self._translations.language(ENGLISH):
            return None
        return language.name(KINDS[context.location], string.message)


def full_name(say: Language, command: Command[Any, ..., Any]) -> str:
    """Return a command's name as one types it, behind those of the groups it is in."""
    return " ".join(say.name(COMMAND, part) for part in command.qualified_name.split())
