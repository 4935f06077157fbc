"""Pieces are what their plans say."""

from dataclasses import replace

import numpy as np
import pytest

from training.bank import BASS, CHORDS, CLOCK, DRUMS, LEAD, Codes, decisions, render
from training.choosing import random_plan
from training.pieces import Composer
from training.plan import BASSES, BEATS, CHORD_INSTRUMENTS, KITS, LEAD_INSTRUMENTS, Plan
from training.sounds import Band
from training.styles import FILLS, STYLES
from training.theory import mode_of

PLANS = [random_plan(np.random.default_rng(seed)) for seed in range(100)]


@pytest.fixture(scope="module")
def composer(band: Band) -> Composer:
    return Composer(band)


def compose(composer: Composer, plan: Plan, frames: int = 600, seed: int = 0) -> Codes:
    return composer.compose(plan, frames, np.random.default_rng(seed))


def test_every_pattern_is_a_bar_of_known_letters() -> None:
    for style in STYLES.values():
        for patterns, letters in (
            (style.drum_patterns, "KSHOksghTtC."),
            (style.bass_patterns, "x58-."),
            (style.chord_patterns, "x-."),
        ):
            assert len(patterns) == 3
            for pattern in patterns:
                assert len(pattern) == 16
                assert set(pattern) <= set(letters)
    assert all(len(fill) == 8 for fill in FILLS)


def test_a_seed_is_a_piece(composer: Composer) -> None:
    plan = PLANS[0]
    assert (compose(composer, plan) == compose(composer, plan)).all()
    assert any((compose(composer, plan) != compose(composer, plan, seed=s)).any() for s in (1, 2))


def test_instruments_are_those_of_the_plan(composer: Composer, band: Band) -> None:
    for plan in PLANS:
        codes = compose(composer, plan)
        for stem, name, names in (
            (CHORDS, plan.chords, CHORD_INSTRUMENTS),
            (DRUMS, plan.drums, KITS),
            (BASS, plan.bass, BASSES),
            (LEAD, plan.lead, LEAD_INSTRUMENTS),
        ):
            played = set(band.stems[stem].factors[codes[stem], 0].tolist()) - {0}
            assert played == (set() if name is None else {names.index(name) + 1}), plan


def test_the_clock_keeps_the_tempo(composer: Composer, band: Band) -> None:
    for plan in PLANS:
        factors = band.stems[CLOCK].factors[compose(composer, plan)[CLOCK]]
        assert {BEATS[length] for length in factors[:, 0]} == {plan.beat}
        assert (factors[:, 2] == np.arange(600) % plan.beat).all()


def test_notes_begin_on_the_ticks(composer: Composer, band: Band) -> None:
    for plan in PLANS:
        codes = compose(composer, plan)
        third, quarter = plan.beat / 3, plan.beat / 4
        ticks = {0, *(int(n * quarter) for n in (1, 2, 3)), *(int(n * third) for n in (1, 2))}
        ticks.add(5 * plan.beat // 6)
        new = decisions(band.stems, codes)[1:]
        for row, states, stem in zip(new, codes[1:], band.stems[1:], strict=True):
            frames = np.flatnonzero(row & (stem.factors[states, 0] > 0))
            assert {int(frame) % plan.beat for frame in frames} <= ticks


def test_moods_are_modes(composer: Composer, band: Band) -> None:
    for plan in PLANS:
        codes = compose(composer, plan, 4 * 4 * plan.beat)
        chords = band.stems[CHORDS].factors[codes[CHORDS], 1]
        assert mode_of(chords) == plan.minor, plan


def test_nothing_is_silent_and_nothing_clips(composer: Composer, band: Band) -> None:
    for plan in PLANS:
        sound = render(band.stems, compose(composer, plan))
        assert np.abs(sound).max() <= 1
        seconds = sound.reshape(-1, 16000 * 2)
        assert seconds.std(axis=1).max() > 0.02, plan


def test_every_piece_begins_with_a_sound(composer: Composer, band: Band) -> None:
    alone = [
        Plan(genre, BEATS[0], 0, False, energy, None, None, CHORD_INSTRUMENTS[0], None)
        for genre in STYLES
        for energy in range(3)
    ]
    for plan in (*PLANS, *alone):
        first = compose(composer, plan, frames=1)[:, 0]
        stems = zip(band.stems[CHORDS:], first[CHORDS:], strict=True)
        assert any(stem.factors[state, 0] > 0 for stem, state in stems), plan


def test_all_stems_may_be_left_out_but_one(composer: Composer, band: Band) -> None:
    bare = replace(PLANS[0], drums=None, bass=None, lead=None, chords="pad")
    assert render(band.stems, compose(composer, bare)).std() > 0.02
