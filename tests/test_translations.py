"""Every sentence is in every catalogue, whole and well-formed, and none goes around them."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.jobs.limits import in_words
from musicgen_bot.translations import ENGLISH, LOCALES, Counted, Language, Text, Translations
from tests.sentences import PACKAGE, SPEAKERS, Message, fields, in_code

OTHERS = [locale for locale in LOCALES if locale != ENGLISH]
FORMS = {"de": 2, "fr": 2, "es-ES": 2, "pt-BR": 2, "ja": 1}
"""How many forms of a word a number can ask for."""


def catalogue(locale: str) -> Catalog:
    path = PACKAGE / "locales" / f"{locale}.po"
    return read_po(io.BytesIO(path.read_bytes()), abort_invalid=True)


def entries(locale: str) -> Iterator[tuple[Message, list[str]]]:
    """Yield what is in a catalogue, and what it says for it, form by form."""
    for entry in catalogue(locale):
        if entry.id:
            assert not entry.fuzzy, f"nobody has looked at {entry.id!r} since it has changed"
            english, plural = (entry.id, "") if isinstance(entry.id, str) else entry.id
            said = [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
            yield Message(english, plural, entry.context or ""), said


def missing(wanted: list[Message], locale: str) -> str:
    """Return the entries that a catalogue lacks, as they would be written into it."""
    there = {message for message, _ in entries(locale)}
    return "\n".join(dict.fromkeys(str(each) for each in wanted if each not in there))


def test_there_is_a_catalogue_for_each_language_and_no_other() -> None:
    assert {path.stem for path in (PACKAGE / "locales").iterdir()} == set(OTHERS)


@pytest.mark.parametrize("locale", OTHERS)
def test_every_sentence_in_the_code_is_in_the_catalogue_and_no_other(locale: str) -> None:
    wanted = list(in_code())
    if lacking := missing(wanted, locale):
        pytest.fail(f"please add to musicgen_bot/locales/{locale}.po:\n\n{lacking}")
    unused = {message for message, _ in entries(locale) if not message.context} - set(wanted)
    assert not unused, "nothing says this any more"


@pytest.mark.parametrize("locale", OTHERS)
def test_every_entry_is_whole(locale: str) -> None:
    assert catalogue(locale).num_plurals == FORMS[locale]
    for message, said in entries(locale):
        assert len(said) == (FORMS[locale] if message.plural else 1), message
        for form in said:
            assert form, f"nothing is said for {message}"
            assert form == form.strip() or message.english.startswith(","), form
            assert fields(form) == fields(message.plural or message.english), form
            assert form.count("`") == message.english.count("`"), form
            assert form.count("**") == message.english.count("**"), form


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_can_be_said(locale: str) -> None:
    say = Translations().language(locale)
    for message in in_code():
        values = dict.fromkeys(fields(message.plural or message.english) - {"count"}, "{x}")
        for count in (0, 1, 2, 5, 1.5):
            text = Text(message.english, **values)
            if message.plural:
                text = Counted(message.english, message.plural, count=count, **values)
            assert say(text).count("{x}") >= len(values)


def test_what_people_type_is_no_pattern() -> None:
    typed = "{0} {clip} {{x}} %s {clip.__class__}"
    for locale in LOCALES:
        say = Translations().language(locale)
        assert typed in say("There is no style “{name}”.", name=typed)


def test_numbers_are_written_as_the_language_writes_them() -> None:
    translations = Translations()
    said = {
        locale: translations.language(locale)("{seconds} s", seconds=2.5)
        for locale in ("en-US", "de", "fr", "ja")
    }
    assert said == {"en-US": "2.5 s", "de": "2,5 s", "fr": "2,5 s", "ja": "2.5秒"}
    assert Language(ENGLISH).number(86_400) == "86400"


def test_one_is_not_several() -> None:
    translations = Translations()
    for locale, words in {
        "en-US": ["1 second", "2 seconds", "3 minutes", "2 hours"],
        "de": ["1 Sekunde", "2 Sekunden", "3 Minuten", "2 Stunden"],
        "pt-BR": ["1 segundo", "2 segundos", "3 minutos", "2 horas"],
        "ja": ["1秒", "2秒", "3分", "2時間"],
    }.items():
        say = translations.language(locale)
        assert [say(in_words(seconds)) for seconds in (1, 2, 180, 7200)] == words


def test_a_text_inside_a_text_is_said_in_the_same_language() -> None:
    text = Text(
        "The limit here is one clip every {cooldown}; try again in {wait}.",
        cooldown=in_words(10),
        wait=in_words(1),
    )
    assert str(text) == "The limit here is one clip every 10 seconds; try again in 1 second."
    assert Translations().language("de")(text) == (
        "Hier gilt ein Cooldown von 10 Sekunden; versuch es in 1 Sekunde wieder."
    )


def test_an_error_is_english_in_a_log_and_keeps_what_other_languages_need() -> None:
    error = InvalidRequest("Clip {clip} is already finished.", clip="7")
    assert str(error) == "Clip 7 is already finished."
    assert Translations().language("fr")(error.text) == "Le morceau 7 est déjà terminé."


def test_of_which_country_a_language_is_makes_no_difference() -> None:
    translations = Translations()
    for locale, cancelled in (
        ("en-GB", "Cancelled."),
        ("es-419", "Cancelado."),
        ("es-ES", "Cancelado."),
        ("ko", "Cancelled."),
        ("", "Cancelled."),
    ):
        assert translations.language(locale)("Cancelled.") == cancelled


SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
SHOWN = {"title", "label", "placeholder", "content", "text"}
DESCRIBED = {"command", "ContextMenu", "describe", "Choice", "Literal"}
"""Where commands are defined; what stands there is looked at where it is registered."""
LOGGED = {"debug", "info", "warning", "error", "exception", "Undeliverable", "Closed", "Refused"}
BUGS = {"TypeError", "RuntimeError"}
NOT_SAID = DESCRIBED | LOGGED | BUGS | SPEAKERS | {"Counted"}


@pytest.mark.parametrize("room", ["cogs", "ui"])
def test_no_sentence_goes_around_the_catalogues(room: str) -> None:
    around = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value!r}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for node in literals(ast.parse(path.read_text()))
    ]
    assert not around


def literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the texts that people could read and no catalogue has."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.ClassDef):  # its keywords describe a group of commands
            node.keywords = []
        if isinstance(node, ast.Call) and called(node.func) in NOT_SAID:
            continue
        if isinstance(node, ast.Subscript) and called(node.value) in NOT_SAID:
            continue
        if isinstance(node, ast.keyword) and node.arg in SHOWN and is_text(node.value):
            yield from (each for each in [node.value] if isinstance(each, ast.Constant))
        elif isinstance(node, ast.Constant) and is_text(node) and SENTENCE.search(str(node.value)):
            yield node
        else:
            yield from literals(node)


def called(function: ast.expr) -> str:
    if isinstance(function, ast.Call):  # say_to(interaction)("…")
        return "say"
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)


def test_the_catalogues_are_files_of_the_package() -> None:
    assert Path(PACKAGE / "locales" / "de.po").is_file()
    settings = (PACKAGE.parent / "pyproject.toml").read_text()
    assert '"locales/*.po"' in settings
