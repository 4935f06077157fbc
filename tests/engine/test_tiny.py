"""What only a trained model can show: the bundled one plays what it is asked for, and goes on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from musicgen_bot.engine import Engine, load_engine
from musicgen_bot.generation import Clip, GenerationRequest
from training.bank import BASS, CHORDS, CLOCK, DRUMS, LEAD, Codes
from training.listening import clock_tempo, instrument, known, sounding
from training.plan import CHORD_INSTRUMENTS, KITS, LEAD_INSTRUMENTS
from training.sounds import Band


@pytest.fixture(scope="module")
def tiny() -> Engine:
    return load_engine("tiny", "cpu")


def play(engine: Engine, prompts: Sequence[str], **options: object) -> list[Clip]:
    """Make a clip for each prompt, each with a seed of its own."""
    values = {"seconds": 6.0, **options}
    return engine.generate(
        [GenerationRequest(prompt, seed=seed, **values) for seed, prompt in enumerate(prompts)]  # type: ignore[arg-type]
    )


def codes_of(band: Band, clip: Clip) -> Codes:
    return known(band.stems, clip.codes)


def leads(band: Band, clips: Sequence[Clip]) -> list[str | None]:
    stem = band.stems[LEAD]
    return [instrument(stem, codes_of(band, clip)[LEAD], LEAD_INSTRUMENTS) for clip in clips]


def test_the_prompt_chooses_the_instruments(tiny: Engine, band: Band) -> None:
    asked = ["flute", "violin", "bells"]
    clips = play(tiny, [f"jazz with a {name} melody" for name in asked for _ in range(4)])
    played = leads(band, clips)
    right = [played[n] == asked[n // 4] for n in range(len(clips))]
    assert sum(right) >= 10, played


def test_the_prompt_chooses_whether_there_are_drums(tiny: Engine, band: Band) -> None:
    drums = band.stems[DRUMS]
    without = play(tiny, ["techno with synth, no drums"] * 6)
    clips = play(tiny, ["techno with drums"] * 6)
    assert sum(sounding(drums, codes_of(band, clip)[DRUMS]) < 0.02 for clip in without) >= 5
    kits = [instrument(drums, codes_of(band, clip)[DRUMS], KITS) for clip in clips]
    assert kits.count("electronic") >= 5, kits


def test_the_prompt_chooses_the_tempo(tiny: Engine, band: Band) -> None:
    asked = [70, 100, 130, 160]
    clips = play(tiny, [f"pop at {bpm} bpm" for bpm in asked for _ in range(2)])
    tempi = [clock_tempo(band.stems[CLOCK], codes_of(band, clip)[CLOCK]) for clip in clips]
    right = [abs(tempo / asked[n // 2] - 1) <= 0.06 for n, tempo in enumerate(tempi)]
    assert sum(right) >= 7, tempi


def test_seeds_vary_the_music_and_not_the_band(tiny: Engine, band: Band) -> None:
    clips = play(tiny, ["rock with organ and drums"] * 6)
    codes = [codes_of(band, clip) for clip in clips]
    assert len({clip.codes.tobytes() for clip in clips}) == 6
    kits = [instrument(band.stems[DRUMS], each[DRUMS], KITS) for each in codes]
    chords = [instrument(band.stems[CHORDS], each[CHORDS], CHORD_INSTRUMENTS) for each in codes]
    assert kits.count("acoustic") >= 5, kits
    assert chords.count("organ") >= 5, chords


def test_guidance_makes_it_keener_on_the_prompt(tiny: Engine, band: Band) -> None:
    prompts = [f"a {name} solo" for name in ("flute", "violin", "bells", "guitar") * 6]
    wild = {"seconds": 3.0, "temperature": 2.5}

    def obeyed(guidance: float) -> int:
        played = leads(band, play(tiny, prompts, guidance=guidance, **wild))
        return sum(name in prompt for name, prompt in zip(map(str, played), prompts, strict=True))

    assert obeyed(3.0) > obeyed(1.0)


def test_an_extension_goes_on_in_tempo_and_style(tiny: Engine, band: Band) -> None:
    prompts = ["funk with electric piano, drums", "synthwave 100 bpm", "slow jazz, flute, drums"]
    starts = play(tiny, prompts)
    longer = tiny.generate(
        [
            GenerationRequest(prompt, 12.0, seed, continue_from=first.codes)
            for seed, (prompt, first) in enumerate(zip(prompts, starts, strict=True), start=50)
        ]
    )
    for first, whole in zip(starts, longer, strict=True):
        np.testing.assert_array_equal(whole.codes[:, :300], first.codes)
        codes = codes_of(band, whole)
        clock = codes[CLOCK]
        steps = band.stems[CLOCK].successor[clock[299:-1]] == clock[300:]
        assert steps.mean() > 0.99
        for stem in (CHORDS, DRUMS, BASS):
            names = [str(n) for n in range(band.stems[stem].factors[:, 0].max())]
            before, after = (
                instrument(band.stems[stem], part, tuple(names))
                for part in (codes[stem, :300], codes[stem, 300:])
            )
            assert before == after


def test_half_the_precision_plays_as_well(band: Band) -> None:
    full, half = (load_engine("tiny", "cpu", precision) for precision in ("fp32", "bf16"))
    prompts = ["house with piano, 125 bpm", "folk with guitar and violin", "trap, no drums"]
    for exact, short in zip(
        play(full, prompts, top_k=1), play(half, prompts, top_k=1), strict=True
    ):
        one, other = codes_of(band, exact), codes_of(band, short)
        assert (one[CLOCK] == other[CLOCK]).mean() > 0.95
        for stem, names in ((CHORDS, CHORD_INSTRUMENTS), (DRUMS, KITS), (LEAD, LEAD_INSTRUMENTS)):
            assert instrument(band.stems[stem], one[stem], names) == instrument(
                band.stems[stem], other[stem], names
            )


def test_any_prompt_makes_a_sound_that_does_not_clip(tiny: Engine) -> None:
    for clip in play(tiny, ["", "a dragon flies over the castle", "asdf qwer", "ピアノと雨"]):
        assert clip.samples.std() > 0.02
        assert np.abs(clip.samples).max() < 1
