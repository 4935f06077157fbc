"""Draws plans: what a piece shall be, when nobody has asked for anything in particular."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from training.plan import BASSES, BEATS, CHORD_INSTRUMENTS, GENRES, KEYS, LEAD_INSTRUMENTS, Plan
from training.styles import STYLES, Style

_UNUSUAL_TEMPO = 0.35
"""How often a piece has any tempo at all: people ask for slow techno, and for fast lofi."""
_UNUSUAL_INSTRUMENT = 0.3
_SOLO = 0.05
"""How often an instrument plays all alone."""
_RHYTHM = 0.02
"""How often there is nothing but drums and bass."""
_NO_DRUMS = 0.15
"""On top of what a genre does without."""


def random_plan(rng: np.random.Generator) -> Plan:
    """Return a plan; each genre is as likely as another, and no piece is silent."""
    genre = GENRES[rng.integers(len(GENRES))]
    style = STYLES[genre]
    energy = int(rng.choice(3, p=(0.25, 0.5, 0.25)))
    chords = _maybe(0.93, _instrument(style.chords, CHORD_INSTRUMENTS, rng), rng)
    lead = _maybe(style.lead, _instrument(style.leads, LEAD_INSTRUMENTS, rng), rng)
    if chords is None and lead is None:
        chords = style.chords[0]
    drums = None if rng.random() < _NO_DRUMS else _maybe(style.drums, _one(style.kits, rng), rng)
    plan = Plan(
        genre=genre,
        beat=_beat(style, energy, rng),
        key=int(rng.integers(len(KEYS))),
        minor=bool(rng.random() < style.minor),
        energy=energy,
        drums=drums,
        bass=_maybe(0.9, _instrument(style.basses, BASSES, rng), rng),
        chords=chords,
        lead=lead,
    )
    kind = rng.random()
    if kind < _RHYTHM:
        return replace(plan, drums=_one(style.kits, rng), chords=None, lead=None)
    return _solo(plan, rng) if kind < _RHYTHM + _SOLO else plan


def _solo(plan: Plan, rng: np.random.Generator) -> Plan:
    """Return the plan with all but one of the pitched instruments left out."""
    alone = replace(plan, drums=None, bass=None)
    if plan.lead is None or (plan.chords is not None and rng.random() < 0.5):
        return replace(alone, lead=None)
    return replace(alone, chords=None)


def _beat(style: Style, energy: int, rng: np.random.Generator) -> int:
    """Return the frames of a beat: the genre's tempo mostly, its calm pieces slower."""
    low, high = style.tempo
    middle = (low + high) / 2
    if rng.random() < _UNUSUAL_TEMPO:
        return int(rng.choice(BEATS))
    if energy == 0:
        high = round(middle)
    elif energy == 2:
        low = round(middle)
    tempo = rng.uniform(low, high)
    return min(BEATS, key=lambda beat: abs(3000 / beat - tempo))


def _instrument(usual: Sequence[str], all_of_them: Sequence[str], rng: np.random.Generator) -> str:
    return _one(all_of_them if rng.random() < _UNUSUAL_INSTRUMENT else usual, rng)


def _one(names: Sequence[str], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]


def _maybe(probability: float, name: str, rng: np.random.Generator) -> str | None:
    return name if rng.random() < probability else None
