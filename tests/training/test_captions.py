"""Captions say what the plan is, in many ways, and never the opposite."""

from collections import Counter
from collections.abc import Collection
from itertools import combinations

import numpy as np

from training import wording
from training.captions import caption, words
from training.choosing import random_plan
from training.plan import (
    BASSES,
    BEATS,
    CHORD_INSTRUMENTS,
    GENRES,
    KITS,
    LEAD_INSTRUMENTS,
    Plan,
)
from training.prompts import PROMPTS

RNG_SEED = 3


def plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "genre": "house",
        "beat": 24,
        "key": 0,
        "minor": False,
        "energy": 1,
        "drums": "electronic",
        "bass": "synth",
        "chords": "synth",
        "lead": "bells",
    }
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def captions_of(wanted: Plan, count: int = 2000) -> list[str]:
    rng = np.random.default_rng(RNG_SEED)
    return [f" {caption(wanted, rng).lower()} " for _ in range(count)]


def holds(text: str, phrases: Collection[str]) -> bool:
    return any(phrase.lower() in text for phrase in phrases)


def share(texts: list[str], phrases: Collection[str]) -> float:
    return sum(holds(text, phrases) for text in texts) / len(texts)


def test_there_are_words_for_everything_a_plan_can_hold() -> None:
    assert set(wording.GENRES) == set(GENRES)
    assert set(wording.CHORDS) == set(CHORD_INSTRUMENTS)
    assert set(wording.LEADS) == set(LEAD_INSTRUMENTS)
    assert set(wording.BASSES) == set(BASSES)
    assert set(wording.KITS) == set(KITS)


def test_what_excludes_each_other_shares_no_phrase() -> None:
    pairs = [
        (wording.MAJOR, wording.MINOR),
        (wording.CALM, wording.ENERGETIC + wording.UPBEAT),
        (wording.SLOW + wording.VERY_SLOW, wording.FAST + wording.VERY_FAST),
        (wording.NO_DRUMS, wording.ANY_DRUMS + wording.HEAVY_DRUMS),
        (wording.WITHOUT, ("with", "and", "plus", "some")),
    ]
    for table in (wording.GENRES, wording.CHORDS, wording.LEADS, wording.KITS, wording.BASSES):
        pairs += combinations(table.values(), 2)
    for one, other in pairs:
        assert not set(one) & set(other)


def test_a_seed_is_a_caption() -> None:
    assert captions_of(plan(), 20) == captions_of(plan(), 20)


def test_captions_hardly_ever_repeat() -> None:
    rng = np.random.default_rng(RNG_SEED)
    texts = [caption(random_plan(rng), rng) for _ in range(20_000)]
    assert len(set(texts)) > 0.95 * len(texts)
    assert max(map(len, texts)) < 300
    assert min(map(len, texts)) > 0


def test_the_genre_is_told_most_often() -> None:
    assert 0.65 < share(captions_of(plan()), wording.GENRES["house"]) < 0.9


def test_moods_go_with_the_mode() -> None:
    happy, sad = captions_of(plan(minor=False)), captions_of(plan(minor=True))
    assert share(happy, [" happy", " cheerful", " joyful"]) > 0.02
    assert share(sad, [" happy", " cheerful", " joyful"]) == 0
    assert share(sad, [" sad", " gloomy", " dark"]) > 0.02
    assert share(happy, [" sad", " gloomy", " dark"]) == 0


def test_words_for_the_tempo_fit_it() -> None:
    for beat in BEATS:
        texts = captions_of(plan(beat=beat), 400)
        tempo = 3000 / beat
        slow, fast = share(texts, [" slow ", " downtempo"]), share(texts, [" fast ", "uptempo"])
        assert slow == 0 or tempo <= 90
        assert fast == 0 or tempo >= 122


def test_numbers_for_the_tempo_are_nearest_to_it() -> None:
    for beat in BEATS:
        tempo = 3000 / beat
        numbers = {
            int(word)
            for text in captions_of(plan(genre="folk", beat=beat), 600)
            for word in text.replace("bpm", " ").replace(",", " ").split()
            if word.isdigit() and 50 <= int(word) < 300
        }
        assert numbers
        for number in numbers:
            assert abs(number / tempo - 1) < 0.04
            closest = min(BEATS, key=lambda each: abs(3000 / each - number))
            assert abs(3000 / closest - number) + 1 >= abs(tempo - number)


def test_upbeat_is_energetic_and_not_slow() -> None:
    assert share(captions_of(plan(energy=2)), [" upbeat"]) > 0.005
    assert share(captions_of(plan(energy=2, beat=45)), [" upbeat"]) == 0
    assert share(captions_of(plan(energy=0)), [" upbeat"]) == 0


def test_missing_drums_are_told() -> None:
    without = [
        *wording.NO_DRUMS,
        *(f"{no} {drums}" for no in wording.WITHOUT for drums in wording.THE_DRUMS),
    ]
    assert share(captions_of(plan(drums=None)), without) > 0.7
    assert share(captions_of(plan()), without) < 0.001


def test_drums_that_are_there_are_told_sometimes() -> None:
    assert 0.05 < share(captions_of(plan(genre="folk")), [" drums"]) < 0.3


def test_instruments_are_those_of_the_plan() -> None:
    texts = captions_of(plan(genre="folk", chords="organ", lead="violin"))
    assert share(texts, ["organ"]) > 0.1
    assert share(texts, ["violin", "fiddle"]) > 0.1
    assert share(texts, ["rhodes", "flute", "marimba"]) == 0


def test_a_lead_that_might_be_the_chords_is_called_a_lead() -> None:
    texts = captions_of(plan(genre="folk", chords="organ", lead="piano"))
    roles = ("melody", "solo", "lead", "tune", "hook", "riff", "line")
    told = [text for text in texts if " piano " in text]
    assert share(told, roles) > 0.97  # but for typing errors


def test_a_few_captions_ask_for_nothing() -> None:
    rng = np.random.default_rng(RNG_SEED)
    silent = plan(genre="folk", drums=None, bass=None, chords="pad", lead=None)
    texts = Counter(caption(silent, rng).lower().strip(" .!") for _ in range(5000))
    assert texts["surprise me"] + texts["pizza"] + texts["idk"] + texts["music"] > 0


def test_held_out_prompts_are_no_captions() -> None:
    rng = np.random.default_rng(RNG_SEED)
    texts = {caption(random_plan(rng), rng).lower() for _ in range(20_000)}
    same = [prompt.text for prompt in PROMPTS if prompt.text.lower() in texts]
    # A word on its own, such as "sad", is all that there is to type.
    assert all(len(text.split()) <= 2 for text in same)


def test_unseen_prompts_hold_a_word_that_no_caption_has() -> None:
    vocabulary = {word.lower() for word in words()}
    for prompt in PROMPTS:
        if not prompt.seen:
            typed = prompt.text.lower().replace(",", " ").replace(";", " ").split()
            assert set(typed) - vocabulary, prompt.text
