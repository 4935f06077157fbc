"""How a sentence reaches a person in their language.

The code says every sentence in English, with names in braces for what goes into it. Where it is
known who will read it, it is said at once:

    say = translations.language("de")
    say("Clip {clip} is deleted.", clip="7")  # "Clip 7 ist gelöscht."

Where that is not known yet, as in an error raised far below Discord, it travels as a Text until it
is. The other languages are in `locales/`, one gettext catalogue each, read once by whoever makes
Translations; what a catalogue lacks is said in English. What people type only ever goes in as a
value, so nothing in it is a pattern.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from typing import TypeAlias

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

ENGLISH = "en-US"
LOCALES: Mapping[str, str] = {
    ENGLISH: "English",
    "de": "Deutsch",
    "fr": "Français",
    "es-ES": "Español",
    "pt-BR": "Português do Brasil",
    "ja": "日本語",
}
"""Discord's names of the languages that are spoken here, and what each calls itself."""

LARGEST = 10**15
"""What is larger is written as a power of ten."""

Value: TypeAlias = "str | int | float | Text"
"""What goes into a sentence; a Text is said in the same language as the sentence around it."""


class Text:
    """A sentence or a part of one, said in English until it is known who reads it."""

    def __init__(self, english: str, /, **values: Value) -> None:
        self.english = english
        self.values = values

    def filled(self, **values: Value) -> Text:
        """Return the same sentence with these values."""
        return Text(self.english, **values)

    def pattern(self, catalogue: NullTranslations) -> str:
        """Return what the catalogue has for it, with names in braces for the values."""
        return catalogue.gettext(self.english)

    def __str__(self) -> str:
        return Language(ENGLISH)(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class Counted(Text):
    """A Text with a number in it, `{count}`, on which its form depends."""

    def __init__(self, one: str, others: str, /, *, count: float, **values: Value) -> None:
        super().__init__(one, count=count, **values)
        self._others = others
        self._count = math.ceil(count)

    def pattern(self, catalogue: NullTranslations) -> str:
        """Return the form for this number."""
        return catalogue.ngettext(self.english, self._others, self._count)


def joined(between: str, items: Sequence[Value]) -> Text:
    """Return several things as one, with the same in all languages between them, such as ", "."""
    names = [f"item{number}" for number in range(len(items))]
    pattern = between.join(f"{{{name}}}" for name in names)
    return Text(pattern, **dict(zip(names, items, strict=True)))


class Language:
    """Says texts in one language; without a catalogue, in English."""

    def __init__(self, locale: str, catalogue: NullTranslations | None = None) -> None:
        self._locale = Locale.parse(locale, sep="-")
        self._catalogue = catalogue or NullTranslations()

    def __call__(self, text: str | Text, /, **values: Value) -> str:
        """Return a text, or an English sentence with these values, in this language."""
        if isinstance(text, str):
            text = Text(text, **values)
        shown = {name: self._shown(value) for name, value in text.values.items()}
        return text.pattern(self._catalogue).format(**shown)

    def name(self, kind: str, english: str) -> str:
        """Return what a thing of Discord's is called, which need not be what the word means."""
        return self._catalogue.pgettext(kind, english)

    def number(self, number: float) -> str:
        """Return a number as it is written, without a mark between thousands."""
        if abs(number) >= LARGEST:  # nobody means it, and Babel cannot write it
            return f"{number:.3g}"
        return format_decimal(number, locale=self._locale, group_separator=False)

    def _shown(self, value: Value) -> str:
        if isinstance(value, Text):
            return self(value)
        return value if isinstance(value, str) else self.number(value)


class Translations:
    """All languages."""

    def __init__(self) -> None:
        folder = files("musicgen_bot") / "locales"
        self._english = Language(ENGLISH)
        self._others = {
            _spoken(locale): Language(locale, _catalogue((folder / f"{locale}.po").read_bytes()))
            for locale in LOCALES
            if locale != ENGLISH
        }

    def language(self, locale: str) -> Language:
        """Return the language of one of Discord's locales; English where it is not spoken here.

        Of which country it is makes no difference.
        """
        return self._others.get(_spoken(locale), self._english)


def _spoken(locale: str) -> str:
    return locale.partition("-")[0]


def _catalogue(text: bytes) -> NullTranslations:
    """Read a catalogue as its translators write it, without a compiled file beside it."""
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text)))
    compiled.seek(0)
    return GNUTranslations(compiled)
