"""Judges are just, and figures say what was measured."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from musicgen_bot.generation import Clip, GenerationRequest
from training import evaluation, judging
from training.bank import SAMPLE_RATE, render
from training.evaluation import code_and_decode, compose_pieces, obedience, silence, steadiness
from training.judging import Judge, verdict
from training.listening import Heard
from training.plan import BEATS, CHORD_INSTRUMENTS, GENRES, LEAD_INSTRUMENTS
from training.prompts import PROMPTS, SILENCE_PROMPTS, Prompt, silence_prompts
from training.report import Figure, as_json, as_table
from training.sounds import Band

HEARD = Heard(
    tempo=120,
    tempo_of_sound=120,
    kit="electronic",
    chords="synth",
    lead="piano",
    drums=0.5,
    minor=True,
)
DRUMLESS = replace(HEARD, kit=None, drums=0.0)


def clip(samples: np.ndarray, codes: np.ndarray, text: str = "") -> Clip:
    return Clip(codes.astype(np.int16), samples, SAMPLE_RATE, GenerationRequest(text))


@pytest.mark.parametrize(
    ("judge", "prompt", "heard", "right"),
    [
        (judging.judge_kit, Prompt("", genre="house"), HEARD, True),
        (judging.judge_kit, Prompt("", genre="jazz"), HEARD, False),
        (judging.judge_kit, Prompt("", genre="house"), DRUMLESS, False),
        (judging.judge_kit, Prompt("", genre="classical"), DRUMLESS, None),
        (judging.judge_kit, Prompt("", genre="classical", drums=True), DRUMLESS, False),
        (judging.judge_kit, Prompt("", genre="house", drums=False), HEARD, None),
        (judging.judge_chords, Prompt("", chords="synth"), HEARD, True),
        (judging.judge_chords, Prompt("", chords="organ"), HEARD, False),
        (judging.judge_lead, Prompt("", lead="piano"), HEARD, True),
        (judging.judge_lead, Prompt("", lead="flute"), HEARD, False),
        (judging.judge_no_drums, Prompt("", drums=False), HEARD, False),
        (judging.judge_no_drums, Prompt("", drums=False), DRUMLESS, True),
        (judging.judge_no_drums, Prompt("", drums=True), DRUMLESS, None),
        (judging.judge_drums, Prompt("", drums=True), HEARD, True),
        (judging.judge_drums, Prompt("", drums=True), replace(HEARD, drums=0.05), False),
        (judging.judge_mood, Prompt("", minor=True), HEARD, True),
        (judging.judge_mood, Prompt("", minor=False), HEARD, False),
        (judging.judge_mood, Prompt("", minor=False), replace(HEARD, minor=None), False),
        (judging.judge_clock, Prompt("", bpm=124), HEARD, True),
        (judging.judge_clock, Prompt("", bpm=126), HEARD, False),
        (judging.judge_sound, Prompt("", bpm=60), HEARD, False),
        (judging.judge_sound_loosely, Prompt("", bpm=60), HEARD, True),
        (judging.judge_sound_loosely, Prompt("", bpm=176), replace(HEARD, tempo_of_sound=59), True),
        (judging.judge_sound_loosely, Prompt("", bpm=90), HEARD, False),
        (judging.judge_tempo_words, Prompt("", tempo=(0, 95)), HEARD, False),
        (judging.judge_tempo_words, Prompt("", tempo=(116, 999)), HEARD, True),
    ],
)
def test_judges(judge: Judge, prompt: Prompt, heard: Heard, right: bool | None) -> None:
    assert judge(prompt, heard) is right
    assert judge(Prompt("nothing"), heard) is None


def test_a_verdict_compares_with_other_prompts() -> None:
    prompts = [Prompt("", bpm=120), Prompt("", bpm=60), Prompt("")]
    heard = [HEARD, replace(HEARD, tempo=90), replace(HEARD, tempo=60)]
    found = verdict(judging.judge_clock, prompts, heard)
    assert found is not None
    assert (found.right, found.by_chance, found.clips) == (0.5, 0.25, 2)
    assert verdict(judging.judge_mood, prompts, heard) is None


def test_a_target_is_met_or_not() -> None:
    assert Figure("", 0.9).met is None
    assert Figure("", 0.9, target=0.9).met is True
    assert Figure("", 0.8, target=0.9).met is False
    assert Figure("", 2.0, target=2.4, less_is_better=True).met is True
    assert Figure("", 2.5, target=2.4, less_is_better=True).met is False


def test_the_report_shows_every_figure() -> None:
    figures = [Figure("one", 0.5, "dB", 0.9), Figure("two", 0.25, by_chance=0.125, clips=7)]
    console = Console(width=120, no_color=True)
    with console.capture() as shown:
        console.print(as_table(figures))
    for text in ("one", "0.50 dB", "0.90 dB", "no", "two", "0.25", "0.12", "7"):
        assert text in shown.get()
    values = json.loads(as_json(figures))
    assert [value["value"] for value in values] == [0.5, 0.25]
    assert [value["met"] for value in values] == [False, None]


def test_silent_clips_are_counted() -> None:
    loud, quiet = (np.full((1, SAMPLE_RATE), level, dtype=np.float32) for level in (0.1, 0.005))

    def make(texts: Sequence[str], seconds: float) -> Iterator[Clip]:
        for number, _ in enumerate(texts):
            yield clip(quiet if number % 4 == 0 else loud, np.zeros((5, 50)))

    figure = silence(make)
    assert figure.value == 0.25
    assert figure.clips == SILENCE_PROMPTS


def test_composed_pieces_are_obedient_and_steady(band: Band) -> None:
    pytest.importorskip("librosa")
    pieces = compose_pieces(band, 8, 500)
    long_pieces = compose_pieces(band, 4, 1500)

    def make(texts: Sequence[str], seconds: float) -> Iterator[Clip]:
        chosen = pieces if seconds < 30 else long_pieces
        for number, text in enumerate(texts[:8]):
            codes = chosen[number % len(chosen)].codes
            yield clip(render(band.stems, codes)[np.newaxis], codes, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "PROMPTS", tuple(piece.prompt for piece in pieces))
        patch.setattr(evaluation, "_LONG_CLIPS", 8)
        figures = {
            figure.name: figure
            for figure in (*obedience(band.stems, make, pieces), *steadiness(band.stems, make))
        }
    for name in ("drum kit of the genre", "chord instrument", "lead instrument", "major or minor"):
        assert figures[name].value == 1
        assert figures[name].composed == 1
    assert figures["tempo as a number, by the clock"].value == 1
    assert figures["tempo as a number, by the clock"].by_chance is not None
    assert figures["tempo as a number, by the clock"].by_chance < 0.5
    assert figures["30 s keep their tempo"].value == 1
    assert figures["30 s keep their instruments"].value == 1


class NoisyCodec:
    """Gives back what it was given, and noise."""

    def __init__(self, noise: float) -> None:
        self._noise = noise

    def encode(self, sound: Tensor) -> SimpleNamespace:
        assert sound.shape[:2] == (1, 1)
        return SimpleNamespace(audio_codes=sound, audio_scales=[None])

    def decode(self, codes: Tensor, scales: list[None]) -> SimpleNamespace:
        torch.manual_seed(0)
        noise = self._noise * codes.std() * torch.randn(codes.shape)
        return SimpleNamespace(audio_values=codes + noise)


def test_a_codec_is_measured_by_what_it_adds(band: Band) -> None:
    (piece,) = compose_pieces(band, 1, 100)
    good, bad = (code_and_decode(NoisyCodec(n), band.stems, piece.codes) for n in (0.01, 1.0))
    assert good == pytest.approx(40, abs=0.5)
    assert bad == pytest.approx(0, abs=0.5)


def test_prompts_ask_for_what_there_is() -> None:
    assert len(PROMPTS) >= 150
    assert len({prompt.text for prompt in PROMPTS}) == len(PROMPTS)
    asked = {
        "numbers": sum(prompt.bpm is not None for prompt in PROMPTS),
        "no drums": sum(prompt.drums is False for prompt in PROMPTS),
        "drums": sum(prompt.drums is True for prompt in PROMPTS),
        "unseen": sum(not prompt.seen for prompt in PROMPTS),
    }
    assert asked["numbers"] >= 30
    assert min(asked["no drums"], asked["drums"]) >= 20
    assert asked["unseen"] >= 50
    assert {prompt.genre for prompt in PROMPTS} == {*GENRES, None}
    assert {prompt.chords for prompt in PROMPTS} == {*CHORD_INSTRUMENTS, None}
    assert {prompt.lead for prompt in PROMPTS} == {*LEAD_INSTRUMENTS, None}
    for prompt in PROMPTS:
        if prompt.bpm is not None:
            assert any(abs(3000 / beat / prompt.bpm - 1) <= 0.04 for beat in BEATS), prompt.text


def test_silence_is_tested_on_many_different_prompts() -> None:
    texts = silence_prompts(np.random.default_rng(0))
    assert len(texts) == SILENCE_PROMPTS
    assert len(set(texts)) > 0.98 * len(texts)
    assert "" in texts
    assert max(map(len, texts)) <= 500


def test_the_temperature_is_the_checkpoint_s(tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text('{"temperature": 0.9}')
    assert evaluation.default_temperature(tmp_path) == 0.9
    (tmp_path / "generation_config.json").write_text("{}")
    assert evaluation.default_temperature(tmp_path) == 1
