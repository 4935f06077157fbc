"""All that the bot says, read from its code and its commands: what a catalogue has to have."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from musicgen_bot import errors
from musicgen_bot.ui.common.command_names import CHOICE, COMMAND, DESCRIPTION, OPTION
from tests.discord_server.commands import GROUP, SUBCOMMAND
from tests.discord_server.people import Json

PACKAGE = Path(__file__).parents[1] / "musicgen_bot"
ERRORS = {
    name
    for name, each in vars(errors).items()
    if isinstance(each, type) and issubclass(each, errors.PersonError)
}
SPEAKERS = {"say", "Text", *ERRORS}


@dataclass(frozen=True, slots=True)
class Message:
    """What a catalogue has an entry for."""

    english: str
    plural: str = ""
    context: str = ""
    """The kind of a name; empty for a sentence."""
    where: str = field(default="", compare=False)

    def __str__(self) -> str:
        context = f'msgctxt "{self.context}"\n' if self.context else ""
        plural = f'msgid_plural "{self.plural}"\n' if self.plural else ""
        return f'#: {self.where}\n{context}msgid "{self.english}"\n{plural}'


def fields(pattern: str) -> set[str]:
    """Return the names in braces. Raises ValueError for what is no pattern."""
    return {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}


def in_code() -> Iterator[Message]:
    """Yield every sentence in the code; fails where one is put together as no catalogue can."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem == "app":  # what it says is for the host, on the terminal
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield from _said(node, f"{path.relative_to(PACKAGE.parent)}:{node.lineno}")


def _said(call: ast.Call, where: str) -> Iterator[Message]:
    name = _name(call.func)
    if name == "Counted":
        one, others = call.args
        yield Message(_literal(one, where), _literal(others, where), where=where)
    elif name in SPEAKERS and call.args:
        (first,) = call.args
        if isinstance(first, ast.Constant):
            yield Message(_literal(first, where), where=where)
        else:
            assert not isinstance(first, ast.JoinedStr | ast.BinOp | ast.IfExp), (
                f"{where}: say a whole sentence, with names in braces"
            )


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Call):  # say_to(interaction)("…")
        return "say" if _name(function.func) in ("say_to", "say_in") else ""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _literal(node: ast.expr, where: str) -> str:
    assert isinstance(node, ast.Constant), f"{where}: a sentence is said as it is"
    assert isinstance(node.value, str), f"{where}: a sentence is a text"
    return node.value


def in_commands(commands: list[Json]) -> Iterator[Message]:
    """Yield every name and description of registered commands, and of what is in them."""
    for command in commands:
        yield from _named(command, COMMAND, f"/{command['name']}")


def _named(entry: Json, kind: str, where: str) -> Iterator[Message]:
    yield Message(entry["name"], context=kind, where=where)
    if entry.get("description"):
        yield Message(entry["description"], context=DESCRIPTION, where=where)
    for option in entry.get("options") or []:
        inner = COMMAND if option["type"] in (SUBCOMMAND, GROUP) else OPTION
        yield from _named(option, inner, f"{where} {option['name']}")
    for choice in entry.get("choices") or []:
        yield from _named(choice, CHOICE, f"{where} {choice['name']}")
