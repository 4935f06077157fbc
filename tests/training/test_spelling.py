"""Captions are typed as people type, and still mean the same."""

from collections import Counter

import numpy as np
import pytest

from training import spelling
from training.captions import caption, words
from training.choosing import random_plan
from training.dice import Dice
from training.spelling import typed

PROMPT = "a calm lofi piece with piano, no drums"


def texts_of(prompt: str, count: int = 4000) -> list[str]:
    dice = Dice(np.random.default_rng(1))
    return [typed(prompt, dice) for _ in range(count)]


@pytest.mark.parametrize(
    ("word", "ending", "other"),
    [
        ("happy", "ness", "happiness"),
        ("happy", "est", "happiest"),
        ("sunny", "y", "sunny"),
        ("house", "y", "housy"),
        ("trap", "y", "trappy"),
        ("piano", "ist", "pianist"),
        ("sad", "est", "saddest"),
        ("strings", "s", "strings"),
        ("flute", "like", "flutelike"),
        ("guitar", "ist", "guitarist"),
        ("rain", "y", "rainy"),
    ],
)
def test_endings_follow_the_rules_of_spelling(word: str, ending: str, other: str) -> None:
    assert spelling._with_ending(word, ending) == other


def test_most_prompts_are_typed_without_an_error() -> None:
    alike = sum(text.lower() == PROMPT for text in texts_of(PROMPT))
    assert 0.55 < alike / 4000 < 0.75


def test_some_prompts_are_typed_in_capitals() -> None:
    texts = texts_of(PROMPT)
    assert 0.01 < sum(text.isupper() for text in texts) / 4000 < 0.06
    assert 0.08 < sum(text.startswith("A ") for text in texts) / 4000 < 0.2


def test_what_turns_the_meaning_around_is_never_changed() -> None:
    for text in texts_of("no drums"):
        assert "no" in text.lower(), text


def test_an_empty_prompt_stays_a_prompt() -> None:
    assert all(isinstance(text, str) for text in texts_of("", 200))


def test_words_are_changed_less_often_than_kept() -> None:
    vocabulary = {part for word in words() for part in word.lower().strip(".,;!()").split("-")}
    rng = np.random.default_rng(3)
    unknown: Counter[str] = Counter()
    total = 0
    for _ in range(3000):
        text = caption(random_plan(rng), rng).lower()
        for sign in ",;!.:|/-+&()@~=":
            text = text.replace(sign, " ")
        for word in text.split():
            total += 1
            bare = word.removesuffix("bpm")
            if bare and bare not in vocabulary and bare not in spelling._FILLERS:
                unknown[bare] += 1
    assert 0.01 < sum(unknown.values()) / total < 0.06, unknown.most_common(30)


def test_dice_use_every_draw_once() -> None:
    dice = Dice(np.random.default_rng(0))
    draws = [dice.roll() for _ in range(200)]
    assert len(set(draws)) == 200
    assert all(0 <= draw < 1 for draw in draws)
