"""Finds words in prompts, however they are written.

Only whole words count: a list with "ass" leaves "bass" alone. Accents, case and widths make no
difference, nor do letters of other alphabets and digits that look like Latin letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LETTERS = str.maketrans(
    "авеікмнорстухѕјԁһӏ" + "αβγεικνορτυχ" + "ı@$",
    "abeikmhopctyxsjdhl" + "abyeikvoptux" + "ias",
)
"""Cyrillic, Greek and others: what looks like a Latin letter, and that letter."""
_DIGITS = str.maketrans("013457", "oieast")


def unwanted_word(prompt: str, words: Iterable[str]) -> str | None:
    """Return the first of the words, or of the phrases, that is in a prompt."""
    text = f" {_folded(prompt)} "
    for word in words:
        if (plain := _folded(word)) and f" {plain} " in text:
            return word
    return None


def _folded(text: str) -> str:
    """Return the words of a text in their plainest form, with one space between two."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    # Accents, and what is not seen at all, must not make another word of a word.
    seen = (c for c in plain if c.isprintable() or c.isspace())
    letters = "".join(c for c in seen if not unicodedata.category(c).startswith("M"))
    words = re.findall(r"[^\W_]+", letters.translate(_LETTERS))
    return " ".join(w if w.isdecimal() else w.translate(_DIGITS) for w in words)
