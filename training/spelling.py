"""How people type: with errors, endings of their own, words run together, and words in between.

This is what teaches the text encoder to read: that "housey" and "hous" have to do with house, and
that what it does not know does not matter.
"""

from __future__ import annotations

from training.dice import Dice
from training.wording import phrases

_SHORTEST = 4
"""Letters of the shortest word that is changed: an error in "no" would turn the meaning around."""
_SHORTEST_ROOT = 3
_VOWELS = "aeiouy"
_ENDINGS = phrases(
    "s, s, y, y, ish, like, er, er, est, ist, ness, ly, ed, ing, z, esque, style, ie"
)
_SUFFIXES = phrases("some, ing, ful, ous, ish, al, ic, ed, er, ly, y, s")
_FILLERS = phrases(
    "the, a, of, and, to, like, it, is, my, for, you, that, this, some, really, very, please, so, "
    "i, we, all, one, when, where, what, who, then, there, here, now, old, new, big, small, "
    "little, first, last, day, night, time, world, people, man, woman, kids, work, life, "
    "way, thing, things, stuff, kind, sort, bit, lot, more, most, much, many, other, same, every, "
    "each, from, by, on, at, in, into, over, under, about, after, before, through, "
    "between, as, if, because, while, until, but, or, also, too, just, only, even, still, again, "
    "always, sometimes, maybe, make, give, want, need, let, go, come, play, hear, feel, think, "
    "know, see, look, put, take, get, has, have, had, was, were, are, be, been, can, could, "
    "should, would, will, may, must, his, her, their, our, your, its, me, us, them, him, she, he, "
    "they, two, three, four, room, street, sky, sun, wind, fire, water, door, window, table, book"
)
_LIMIT = 3
"""Fillers in a row."""


def typed(text: str, dice: Dice) -> str:
    """Return the text as people type: mostly in lower case, sometimes with an error."""
    words = text.split(" ")
    if dice.chance(0.15):
        place = dice.below(len(words) + 1)
        words[place:place] = [dice.pick(_FILLERS) for _ in range(1 + dice.below(_LIMIT))]
    if dice.chance(0.4):
        for _ in range(1 + dice.below(2)):
            place = dice.below(len(words))
            words[place] = _changed(words[place], dice)
    if len(words) > 1 and dice.chance(0.04):
        place = dice.below(len(words) - 1)
        words[place : place + 2] = ["".join(words[place : place + 2])]
    text = " ".join(words)
    manner = dice.roll()
    if manner < 0.12:
        return text[:1].upper() + text[1:]
    if manner < 0.15:
        return text.upper()
    return text.title() if manner < 0.17 else text


def _changed(word: str, dice: Dice) -> str:
    """Return a word with an error or with another ending; short ones as they are."""
    if len(word) < _SHORTEST or not word.isalpha():
        return word
    if dice.chance(0.45):
        return _mistyped(word, dice)
    root = _root(word)
    if root and dice.chance(0.3):
        return root
    return _with_ending(root if root and dice.chance(0.3) else word, dice.pick(_ENDINGS))


def _root(word: str) -> str:
    """Return "cheer" of "cheerful", "string" of "strings"; nothing where no suffix is known."""
    for suffix in _SUFFIXES:
        root = word.removesuffix(suffix)
        if root != word and len(root) >= _SHORTEST_ROOT and not word.endswith("ss"):
            return root
    return ""


def _with_ending(word: str, ending: str) -> str:
    """Return "happiness" of "happy", "bluesy" of "blues", "trappy" of "trap"."""
    if ending == "s" and word.endswith("s"):
        return word
    if word.endswith("y") and ending not in ("s", "z", "ish", "ing", "ist", "ie"):
        return word[:-1] + ("" if ending.startswith("y") else "i") + ending
    if ending[0] not in _VOWELS:
        return word + ending
    if word[-1] in "aeioy":
        return word[:-1] + ending
    doubled = word[-1] in "bdgmnpt" and word[-2] in "aeiou" and word[-3] not in "aeiou"
    return word + word[-1] * doubled + ending


def _mistyped(word: str, dice: Dice) -> str:
    """Return a word with a letter left out, drawn out, replaced, or swapped with the next."""
    place = dice.below(len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    kind = dice.roll()
    if kind < 0.15:
        return word[:-1]
    if kind < 0.35:
        return before + after
    if kind < 0.6:
        return before + letter * (2 + dice.below(3)) + after
    if kind < 0.75:
        return before + dice.pick(_VOWELS) + after
    return before + after[0] + letter + after[1:]
