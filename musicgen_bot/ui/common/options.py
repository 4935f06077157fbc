"""What people type in a command's options, held to what the command offers.

Discord lets nobody send anything else, but a changed client need not ask it, and discord.py takes
what it gets.
"""

from __future__ import annotations

import math
from typing import Any

import discord
from discord.app_commands import Command, Parameter

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.translations import Text

_NUMBERS = (discord.AppCommandOptionType.integer, discord.AppCommandOptionType.number)


def check_options(interaction: discord.Interaction[Any]) -> None:
    """Return if every option of a command is within its range, and one of its choices.

    Raises InvalidRequest that names the option, in the language of who typed it.
    """
    if not isinstance(command := interaction.command, Command):
        return
    offered = {parameter.display_name: parameter for parameter in command.parameters}
    for name, value in interaction.namespace:
        if parameter := offered.get(name):
            _check(parameter, value)


def _check(parameter: Parameter, value: Any) -> None:
    option = parameter.display_name
    if parameter.choices:
        if value not in [choice.value for choice in parameter.choices]:
            raise InvalidRequest(
                "`{option}` must be one of the choices that Discord shows.", option=option
            )
        return
    least = -math.inf if parameter.min_value is None else parameter.min_value
    most = math.inf if parameter.max_value is None else parameter.max_value
    if parameter.type is discord.AppCommandOptionType.string:
        sentence = Text("`{option}` must be {least} to {most} characters long.")
        size = float(len(value)) if isinstance(value, str) else math.nan
    elif parameter.type in _NUMBERS:
        sentence = Text("`{option}` must be from {least} to {most}.")
        size = value if isinstance(value, int | float) else math.nan
    else:
        return
    if most == math.inf:
        sentence = Text("`{option}` must be at least {least}.")
    if not least <= size <= most:
        raise InvalidRequest(sentence.filled(option=option, least=least, most=most))
