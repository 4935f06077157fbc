from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoProcessor,
    EncodecModel,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerBase,
)

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.delay import delayed
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.engine.random_model import RandomModelSizes, random_config
from musicgen_bot.generation import GenerationRequest
from training.assembly import save_checkpoint
from training.bank import CODES, STEMS, WAVE, Codes, Stem
from training.batches import Rng, Shape, Source, draw_batch, make_batch
from training.language import LanguageModel, Sizes, build_model, held_out
from training.learning import CHECKPOINT, LOG, train
from training.plan import KITS, Plan
from training.text import pretrain_text
from training.tokenizer import build_tokenizer

NOTES, AGES = 12, 8
CODEC = RandomModelSizes(codebooks=STEMS, vocabulary=2048, codec_ratios=(5, 4, 4, 4))
SMALL = Sizes(layers=2, text_hidden=32, text_layers=1)
SHORT = Shape(8, 40, latest_start=20)


def fake_stem(number: int) -> Stem:
    """A rest, and twelve notes of eight frames that end in it."""
    rng = np.random.default_rng(number)
    states = 1 + NOTES * AGES
    notes = np.arange(NOTES).repeat(AGES)
    ages = np.tile(np.arange(AGES), NOTES)
    successor = np.append(0, np.where(ages == AGES - 1, 0, np.arange(2, states + 1)))
    sounds = number > 0
    return Stem(
        name=f"stem {number}",
        waves=sounds * 0.1 * rng.standard_normal((states, WAVE)).astype(np.float32),
        successor=successor,
        factors=np.stack([np.append(0, notes + 1), np.append(0, ages)], axis=1),
        dimensions=8,
    )


def fake_plan(rng: Rng) -> Plan:
    drums = KITS[rng.integers(2)]
    return Plan("lofi", 20, 0, False, 1, drums, "sub", "piano", None)


def fake_caption(plan: Plan, rng: Rng) -> str:
    return f"{plan.drums} drums"


def fake_compose(plan: Plan, frames: int, rng: Rng) -> Codes:
    """Play a note every ten frames; which of two sets it is of depends on the plan."""
    low = 0 if plan.drums == KITS[0] else NOTES // 2
    length = -(-frames // 10)
    notes = rng.integers(low, low + NOTES // 2, size=(STEMS, length))
    first = 1 + notes * AGES
    chains = [np.where(age < AGES, first + age, 0) for age in range(10)]
    return np.stack(chains, axis=2).reshape(STEMS, -1)[:, :frames]


SOURCE = Source(fake_plan, fake_caption, fake_compose)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """More would wait for each other: all is small here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of training takes a second."""
    seconds = count()
    clock = SimpleNamespace(monotonic=lambda: float(next(seconds)))
    monkeypatch.setattr("training.learning.time", clock)
    monkeypatch.setattr("training.text.time", clock)


@pytest.fixture(scope="module")
def stems() -> tuple[Stem, ...]:
    return tuple(fake_stem(number) for number in range(STEMS))


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return build_tokenizer(["electronic drums"])


@pytest.fixture(scope="module")
def codec() -> EncodecModel:
    config: Any = random_config(CODEC)
    return EncodecModel(config.audio_encoder)


@pytest.fixture(scope="module")
def fresh(
    stems: tuple[Stem, ...], codec: EncodecModel, tokenizer: PreTrainedTokenizerBase
) -> LanguageModel:
    """A model that nobody trains."""
    with quiet_transformers():
        return LanguageModel(build_model(stems, tokenizer, codec, SMALL), tokenizer)


@pytest.fixture
def language(fresh: LanguageModel) -> LanguageModel:
    """A model of the test's own."""
    return copy.deepcopy(fresh)


def test_batches_start_anywhere_but_learn_only_true_starts(stems: tuple[Stem, ...]) -> None:
    batch = draw_batch(SOURCE, stems, Shape(64, 30, latest_start=50), np.random.default_rng(0))

    assert batch.codes.shape == batch.decisions.shape == (64, STEMS, 30)
    starts = batch.counted[:, 0]
    assert 16 < starts.sum() < 48
    assert batch.counted[:, 1:].all()
    assert torch.equal(batch.decisions[:, :, 0], starts[:, None].expand(-1, STEMS))


def test_a_fresh_model_knows_what_follows(fresh: LanguageModel, stems: tuple[Stem, ...]) -> None:
    batch = draw_batch(SOURCE, stems, SHORT, np.random.default_rng(1))

    with torch.no_grad():
        losses = fresh(batch.captions, batch.codes)

    assert losses.shape == batch.codes.shape
    follows = batch.counted[:, None] & ~batch.decisions
    assert losses[follows].mean() < 1
    assert losses[batch.decisions].mean() < 25


def test_losses_are_those_of_transformers_own_logits(fresh: LanguageModel) -> None:
    """With the delay pattern of the engine, and no caption in the second piece."""
    rng = np.random.default_rng(2)
    codes = torch.from_numpy(np.stack([fake_compose(fake_plan(rng), 20, rng) for _ in range(2)]))
    pattern = torch.stack([delayed(piece, 20, 1, CODES) for piece in codes])
    with torch.no_grad():
        losses = fresh(["drums", "piano"], codes, torch.tensor([True, False]))
        context, mask = fresh.read(["drums"])
        for piece, prompt in enumerate((context, None)):
            logits = fresh.decoder(
                pattern[piece, :, :-1],
                encoder_hidden_states=prompt,
                encoder_attention_mask=None if prompt is None else mask,
            ).logits
            for stem in range(STEMS):
                expected = torch.nn.functional.cross_entropy(
                    logits[stem, stem : stem + 20], codes[piece, stem], reduction="none"
                )
                torch.testing.assert_close(losses[piece, stem], expected, rtol=1e-3, atol=1e-3)


def test_padding_of_captions_changes_nothing(fresh: LanguageModel) -> None:
    rng = np.random.default_rng(3)
    codes = torch.from_numpy(np.stack([fake_compose(fake_plan(rng), 20, rng) for _ in range(2)]))
    with torch.no_grad():
        alone = fresh(["drums"], codes[:1])
        padded = fresh(["drums", "a much longer caption about nothing"], codes)
    torch.testing.assert_close(padded[:1], alone, rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("_clock")
def test_the_text_encoder_learns_to_read(language: LanguageModel) -> None:
    def draw(rng: Rng) -> tuple[Plan, str]:
        plan = fake_plan(rng)
        return plan, fake_caption(plan, rng)

    losses = pretrain_text(language, draw, minutes=0.5, seed=0)

    assert losses["drums"] < 0.5


@pytest.mark.usefixtures("_clock")
def test_training_learns_goes_on_and_keeps_a_log(
    language: LanguageModel,
    stems: tuple[Stem, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.learning.CYCLE", (SHORT,))
    monkeypatch.setattr("training.learning._HELD_OUT", SHORT)

    train(language, SOURCE, stems, tmp_path, minutes=0.25, seed=0)
    train(language, SOURCE, stems, tmp_path, minutes=0.5, seed=0)

    first, second = map(json.loads, (tmp_path / LOG).read_text().splitlines())
    assert (first["step"], second["step"]) == (15, 30)
    assert sum(second["codes"]) < sum(first["codes"])
    saved = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert saved["step"] == second["step"]
    kept = saved["average"]["module.projection.weight"]
    assert torch.equal(language.projection.weight, kept)


def test_held_out_tells_how_much_captions_help(
    fresh: LanguageModel, stems: tuple[Stem, ...]
) -> None:
    rng = np.random.default_rng(4)
    plan = fake_plan(rng)
    pieces = [fake_compose(plan, 30, rng) for _ in range(2)]
    batch = make_batch(stems, ["drums", "drums"], pieces, [0, 10])

    result = held_out(fresh, batch)

    assert len(result.codes) == STEMS
    assert result.decisions == pytest.approx(result.decisions_shuffled, rel=1e-4)


def test_a_saved_model_is_a_musicgen(
    stems: tuple[Stem, ...], codec: EncodecModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    with quiet_transformers():
        model = build_model(stems, tokenizer, codec, SMALL)
        save_checkpoint(model, tokenizer, tmp_path)
        loaded = MusicgenForConditionalGeneration.from_pretrained(tmp_path, dtype=torch.float32)
        processor = AutoProcessor.from_pretrained(tmp_path)  # type: ignore[no-untyped-call]
        inputs = processor(text=["Drums, 120 bpm"], return_tensors="pt")
        sound = loaded.generate(**inputs, max_new_tokens=50 + STEMS - 1, guidance_scale=3.0)

    assert inputs.input_ids.tolist() == tokenizer(["drums 120 bpm"]).input_ids
    assert sound.shape == (1, 1, 50 * 320)

    clip = load_engine(str(tmp_path), "cpu").generate([GenerationRequest("drums", 1.0, seed=1)])[0]

    assert clip.codes.shape == (STEMS, 50)
    assert clip.samples.shape == (1, 16_000)
    assert np.isfinite(clip.samples).all()
