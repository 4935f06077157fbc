"""What a person might type for a piece: some of its attributes, in the words of `wording`.

A caption tells a random choice of what the plan holds, in free order, as a list of keywords or as a
sentence, and often with words that mean nothing to the model. What it is typed like is up to
`spelling`. A few captions tell nothing at all, so that whatever people type leads to some music.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from training import phrasing, wording
from training.dice import Dice
from training.plan import BEATS, KEYS, Plan
from training.spelling import typed

_MINOR_KEYS = ("A", "E", "B", "F#")
_TAIL_STARTS = (
    *("at ", "in ", "with ", "around ", "about ", "exactly ", "just ", "@", "that "),
    *("it ", "feels ", "sounds ", "something "),
)
_JITTER = 0.03
_CLAUSES = 4
"""The most that a caption goes on about something else."""


def caption(plan: Plan, rng: np.random.Generator) -> str:
    """Return one of the very many captions of a plan; nothing in it contradicts the plan."""
    dice = Dice(rng)
    if dice.chance(0.03):
        return typed(_nothing(dice), dice)
    adjectives = [*_mood(plan, dice), *_energy(plan, dice), *_tempo_words(plan, dice)]
    extras = [*_drums(plan, dice), *_absent(plan, dice), *_key(plan, dice)]
    if dice.chance(0.3):
        extras.append(_bpm(plan.beat, dice))
    instruments = _instruments(plan, dice)
    told = adjectives or extras or instruments
    genre = _genre(plan, dice) if not told or dice.chance(0.72) else ""
    if dice.chance(0.18):
        adjectives.append(dice.pick(phrasing.ADJECTIVES))
    if dice.chance(0.2):
        extras.append(dice.pick(phrasing.SCENES))
    if dice.chance(0.1):
        extras.append(dice.pick(phrasing.HARMLESS))
    if dice.chance(0.1):
        extras += [_clause(dice) for _ in range(1 + dice.below(_CLAUSES))]
    if dice.chance(0.35):
        keywords = [*adjectives, *extras, *instruments, *([genre] if genre else [])]
        return typed(dice.pick(phrasing.SEPARATORS).join(dice.shuffled(keywords)), dice)
    return typed(_sentence(plan, genre, adjectives, instruments, extras, dice), dice)


def words() -> list[str]:
    """Return every word that a caption can be made of, typing errors aside, sorted."""
    phrases: list[str] = []
    for name, value in (*vars(wording).items(), *vars(phrasing).items()):
        if name.isupper():
            groups = value.values() if isinstance(value, dict) else (value,)
            phrases += [phrase for group in groups for phrase in group]
    phrases += [*KEYS, *_MINOR_KEYS, "key of", "that is", "in the style of", "played in"]
    numbers = [str(number) for number in range(55, 186)]
    texts = [phrase.replace("{}", " ") for phrase in phrases]
    return sorted({word for text in texts for word in text.split()}.union(numbers))


def _nothing(dice: Dice) -> str:
    """Return a prompt that asks for no attribute."""
    kind = dice.roll()
    if kind < 0.6:
        return dice.pick(phrasing.NOISE)
    if kind < 0.8:
        return f"{dice.pick(phrasing.NOUNS)} {dice.pick(phrasing.SCENES)}"
    parts = (phrasing.OPENINGS, phrasing.ADJECTIVES, phrasing.NOUNS)
    return " ".join(dice.pick(part) for part in parts)


def _clause(dice: Dice) -> str:
    """Return what somebody says beside what they want to hear."""
    return dice.pick(phrasing.SCENES if dice.chance(0.5) else phrasing.NOISE)


def _genre(plan: Plan, dice: Dice) -> str:
    names = wording.GENRES[plan.genre]
    name = dice.pick(names)
    fits = (
        (plan.minor or name not in wording.MINOR_GENRE_PHRASES)
        and (plan.tempo <= 90 or name not in wording.SLOW_GENRE_PHRASES)
        and (plan.energy < 2 or name not in wording.CALM_GENRE_PHRASES)
    )
    return name if fits else names[0]


def _mood(plan: Plan, dice: Dice) -> Iterable[str]:
    if dice.chance(0.5):
        moods = wording.MINOR if plan.minor else wording.MAJOR
        mood = dice.pick(moods)
        bare = " " not in mood and dice.chance(0.3)
        yield dice.pick(phrasing.MOODS).format(mood) if bare else mood
        if dice.chance(0.15):
            yield dice.pick(moods)


def _energy(plan: Plan, dice: Dice) -> Iterable[str]:
    if plan.energy == 0 and dice.chance(0.5):
        yield dice.pick(wording.CALM)
    if plan.energy == 2 and dice.chance(0.5):
        upbeat = plan.tempo >= 100 and dice.chance(0.3)
        yield dice.pick(wording.UPBEAT if upbeat else wording.ENERGETIC)


def _tempo_words(plan: Plan, dice: Dice) -> Iterable[str]:
    if not dice.chance(0.3):
        return
    tempo = plan.tempo
    if tempo <= 74 and dice.chance(0.4):
        yield dice.pick(wording.VERY_SLOW)
    elif tempo <= 95 and dice.chance(0.25):
        yield dice.pick(wording.LAID_BACK)
    elif tempo <= 90:
        yield dice.pick(wording.SLOW)
    elif tempo <= 116:
        yield dice.pick(wording.MIDDLING)
    elif tempo >= 150 and dice.chance(0.4):
        yield dice.pick(wording.VERY_FAST)
    elif tempo >= 122:
        yield dice.pick(wording.FAST)


def _bpm(beat: int, dice: Dice) -> str:
    """Return a tempo as a number of beats a minute for which no other length of a beat fits better.

    People like round numbers, so half of the time it is one where there is one.
    """
    place = BEATS.index(beat)
    slowest = 3000 / (beat + BEATS[place + 1]) * 2 if place + 1 < len(BEATS) else 0.0
    fastest = 3000 / (beat + BEATS[place - 1]) * 2 if place else 1e9
    tempo = 3000 / beat
    slowest, fastest = max(slowest, tempo * (1 - _JITTER)), min(fastest, tempo * (1 + _JITTER))
    number = round(slowest + (fastest - slowest) * dice.roll())
    round_number = 5 * round(tempo / 5)
    if slowest <= round_number <= fastest and dice.chance(0.5):
        number = round_number
    return dice.pick(wording.BPM).format(number)


def _drums(plan: Plan, dice: Dice) -> Iterable[str]:
    if plan.drums is None:
        if dice.chance(0.85):
            yield _without_drums(dice)
        return
    if plan.chords is None and plan.lead is None and dice.chance(0.7):
        yield dice.pick(wording.RHYTHM_ALONE)
        return
    kind = dice.roll()
    if kind < 0.2:
        yield dice.pick(wording.ANY_DRUMS)
    elif kind < 0.24:
        yield dice.pick(phrasing.WISHES).format("drums" if dice.chance(0.6) else "percussion")
    elif kind < 0.28:
        yield dice.pick(wording.KITS[plan.drums])
    elif kind < 0.36 and plan.energy == 2:
        yield dice.pick(wording.HEAVY_DRUMS)


def _without_drums(dice: Dice) -> str:
    if dice.chance(0.4):
        return dice.pick(wording.NO_DRUMS)
    return f"{dice.pick(wording.WITHOUT)} {dice.pick(wording.THE_DRUMS)}"


def _absent(plan: Plan, dice: Dice) -> Iterable[str]:
    if plan.bass is None and dice.chance(0.3):
        yield dice.pick(wording.NO_BASS)
    if plan.lead is None and dice.chance(0.3):
        yield dice.pick(wording.NO_LEAD)
    if plan.chords is None and dice.chance(0.2):
        yield dice.pick(wording.NO_CHORDS)


def _key(plan: Plan, dice: Dice) -> Iterable[str]:
    if dice.chance(0.03):
        name = f"{_MINOR_KEYS[plan.key]} minor" if plan.minor else f"{KEYS[plan.key]} major"
        yield dice.pick((f"in {name}", f"key of {name}", name, f"in {name.lower()}"))


def _instruments(plan: Plan, dice: Dice) -> list[str]:
    playing = {name for name in (plan.chords, plan.lead) if name}
    if plan.drums is None and plan.bass is None and len(playing) == 1 and dice.chance(0.6):
        (name,) = playing
        return [dice.pick(phrasing.ALONE).format(name)]
    told = []
    if plan.chords is not None and dice.chance(0.4):
        told.append(_wished(dice.pick(wording.CHORDS[plan.chords]), dice))
    if plan.lead is not None and dice.chance(0.4):
        name = dice.pick(wording.LEADS[plan.lead])
        shared = plan.lead in wording.SHARED_LEADS and plan.lead != plan.chords
        roles = wording.LEAD_ROLES if shared else wording.FREE_LEAD_ROLES
        told.append(_wished(dice.pick(roles).format(name), dice))
    if plan.bass is not None and dice.chance(0.2):
        told.append(dice.pick(wording.ANY_BASS if dice.chance(0.3) else wording.BASSES[plan.bass]))
    return told


def _wished(instrument: str, dice: Dice) -> str:
    return dice.pick(phrasing.WISHES).format(instrument) if dice.chance(0.08) else instrument


def _sentence(
    plan: Plan,
    genre: str,
    adjectives: list[str],
    instruments: list[str],
    extras: list[str],
    dice: Dice,
) -> str:
    """Return "a sad lofi track with piano and flute, no drums, 80 bpm" and its many relatives."""
    tails = extras + [phrase for phrase in adjectives if phrase.startswith(_TAIL_STARTS)]
    adjectives = [phrase for phrase in adjectives if not phrase.startswith(_TAIL_STARTS)]
    if instruments:
        dice.shuffled(instruments)
        joint = "" if instruments[0].startswith("with ") else f"{dice.pick(phrasing.JOINTS)} "
        tails.append(joint + _listed(instruments, dice))
    beat = plan.drums is not None and dice.chance(0.2)
    noun = dice.pick(phrasing.BEAT_NOUNS if beat else phrasing.NOUNS)
    if genre and dice.chance(0.35):
        noun = ""
    order = dice.roll()
    if order < 0.7 or not genre:
        head = [dice.pick((" ", " ", ", ")).join(dice.shuffled(adjectives)), genre, noun]
    elif order < 0.8:
        head = [*adjectives, noun or "music", "in the style of", genre]
    elif order < 0.9:
        head = [genre, noun, *(["that is", " and ".join(adjectives)] if adjectives else [])]
    else:
        head = [genre, noun, ", ".join(adjectives)]
    if dice.chance(0.4):
        head.insert(0, dice.pick(phrasing.OPENINGS))
    text = " ".join(part for part in head if part)
    joint = dice.pick((" ", ", ", ", ", ". "))
    return joint.join([text, *dice.shuffled(tails)]) + dice.pick(phrasing.ENDINGS)


def _listed(items: list[str], dice: Dice) -> str:
    if len(items) == 1:
        return items[0]
    return ", ".join(items[:-1]) + dice.pick((" and ", " and ", ", ", " & ", " + ")) + items[-1]
