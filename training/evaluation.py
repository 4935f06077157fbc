"""How good the model is: what it makes of the held-out prompts, measured and shown as a table.

Clips are made by the bot's own engine from the finished checkpoint, so that what is measured is
what people will hear. For measurements that are themselves unsure, such as a beat tracker's, the
same is measured on pieces as they were composed: no model can be expected to do better.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from transformers import AutoTokenizer, GenerationConfig, MusicgenForConditionalGeneration

from musicgen_bot.engine import Engine, load_engine
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.generation import Clip, GenerationRequest
from training import judging
from training.bank import FRAME_RATE, SAMPLE_RATE, Codes, Stem, render
from training.batches import Shape, Source, draw_batch
from training.captions import caption
from training.choosing import random_plan
from training.codec import signal_to_distortion
from training.judging import Judge, verdict
from training.language import LanguageModel, held_out
from training.listening import (
    hear,
    keeps_instruments,
    keeps_tempo,
    known,
    loudest_second_db,
    onsets_in_time,
)
from training.pieces import Composer
from training.prompts import PROMPTS, Prompt, silence_prompts
from training.report import Figure, as_json, as_table
from training.sounds import Band, build_band

RESULTS = "evaluation.json"
_SEED = 20_000_000
"""Of everything composed here; far from the seeds of training."""
_SILENT_DB = -40.0
_SIDE_BY_SIDE = 25
_LONG_CLIPS = 24
_PIECES = 60
_UNSEEN_TARGET = 0.85


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the prompts ask for, and how well it should be granted."""

    name: str
    judge: Judge
    target: float | None = None
    prototype: float | None = None
    split: bool = False
    """Whether to measure prompts whose words no template of a caption has, on their own."""


_WISHES = (
    _Wish("drum kit of the genre", judging.judge_kit, 0.95, 1.0, split=True),
    _Wish("chord instrument", judging.judge_chords, 0.95, 0.86, split=True),
    _Wish("lead instrument", judging.judge_lead, 0.95, 1.0, split=True),
    _Wish("no drums", judging.judge_no_drums, 0.95, 0.56, split=True),
    _Wish("drums", judging.judge_drums, 0.95, split=True),
    _Wish("major or minor", judging.judge_mood, 0.95, 0.88, split=True),
    _Wish("tempo as a number, by the clock", judging.judge_clock, 0.85, 0.49),
    _Wish("tempo as a number, by librosa", judging.judge_sound, 0.85),
    _Wish("the same, in any metre", judging.judge_sound_loosely, 0.85),
    _Wish("tempo as a word, by the clock", judging.judge_tempo_words, 0.85, split=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """A piece as composed, and the prompt that asks for all that it is."""

    caption: str
    prompt: Prompt
    codes: Codes


def evaluate(folder: Path) -> list[Figure]:
    """Measure the checkpoint in a folder, print the table, and write RESULTS into the folder."""
    band = build_band()
    pieces = compose_pieces(band, _PIECES, 10 * FRAME_RATE)
    engine = load_engine(str(folder), "cpu", "fp32")
    temperature = default_temperature(folder)

    def make(texts: Sequence[str], seconds: float) -> Iterator[Clip]:
        return make_clips(engine, texts, seconds, temperature)

    figures = [
        silence(make),
        *obedience(band.stems, make, pieces),
        *steadiness(band.stems, make),
        *reading(folder, band, pieces),
        speed(engine, temperature),
    ]
    (folder / RESULTS).write_text(as_json(figures))
    Console().print(as_table(figures))
    return figures


Make = Callable[[Sequence[str], float], Iterator[Clip]]
"""Makes a clip for each of some texts, of so many seconds."""


def default_temperature(folder: Path) -> float:
    """Return the temperature that the checkpoint recommends."""
    config: Any = GenerationConfig.from_pretrained(folder)
    return 1.0 if config.temperature is None else float(config.temperature)


def make_clips(
    engine: Engine, texts: Sequence[str], seconds: float, temperature: float
) -> Iterator[Clip]:
    """Make a clip for each text, its seed the text's place."""
    requests = [
        GenerationRequest(text, seconds=seconds, seed=seed, temperature=temperature)
        for seed, text in enumerate(texts)
    ]
    starts = range(0, len(requests), _SIDE_BY_SIDE)
    for start in track(starts, f"{len(texts)} clips of {seconds:g} s"):
        yield from engine.generate(requests[start : start + _SIDE_BY_SIDE])


def compose_pieces(band: Band, count: int, frames: int) -> list[_Piece]:
    """Compose pieces that training has not seen."""
    rng = np.random.default_rng(_SEED)
    composer = Composer(band)
    pieces = []
    for _ in range(count):
        plan = random_plan(rng)
        prompt = Prompt(
            text="",
            genre=plan.genre,
            drums=plan.drums is not None,
            chords=plan.chords,
            lead=plan.lead,
            minor=plan.minor,
            bpm=plan.tempo,
        )
        pieces.append(_Piece(caption(plan, rng), prompt, composer.compose(plan, frames, rng)))
    return pieces


def silence(make: Make) -> Figure:
    """Measure how many clips cannot be heard."""
    texts = silence_prompts(np.random.default_rng(_SEED))
    silent = [
        loudest_second_db(clip.samples, clip.sample_rate) < _SILENT_DB for clip in make(texts, 5)
    ]
    return Figure("silent clips", _mean(silent), target=0.0, less_is_better=True, clips=len(silent))


def obedience(stems: tuple[Stem, ...], make: Make, pieces: Sequence[_Piece]) -> list[Figure]:
    """Measure how far clips are what the prompts ask for, and whether slow ones are in time."""
    codes: list[Codes] = []
    heard = []
    for clip in make([prompt.text for prompt in PROMPTS], 10):
        codes.append(known(stems, clip.codes))
        heard.append(hear(stems, codes[-1], clip.samples, clip.sample_rate))
    composed = [
        hear(stems, piece.codes, render(stems, piece.codes)[np.newaxis], SAMPLE_RATE)
        for piece in pieces
    ]
    asked = [piece.prompt for piece in pieces]
    figures = []
    for wish in _WISHES:
        best = verdict(wish.judge, asked, composed)
        for seen, suffix in ((True, ""), (False, ", unseen words"))[: 1 + wish.split]:
            kept = [n for n, prompt in enumerate(PROMPTS) if prompt.seen is seen]
            found = verdict(wish.judge, [PROMPTS[n] for n in kept], [heard[n] for n in kept])
            if found is not None:
                figures.append(
                    Figure(
                        wish.name + suffix,
                        found.right,
                        target=wish.target if seen else _UNSEEN_TARGET,
                        prototype=wish.prototype if seen else None,
                        by_chance=found.by_chance,
                        composed=best.right if best else None,
                        clips=found.clips,
                    )
                )
    in_time = _in_time(stems, codes)
    return [*figures, Figure("onsets in time in slow clips", in_time, target=0.9, prototype=0.4)]


def _in_time(stems: tuple[Stem, ...], codes: Iterable[Codes]) -> float:
    counts = [onsets_in_time(stems, clip) for clip in codes]
    return sum(hits for hits, _ in counts) / max(1, sum(onsets for _, onsets in counts))


def steadiness(stems: tuple[Stem, ...], make: Make) -> list[Figure]:
    """Measure whether clips of 30 s end as they began, by their first and last 10 s."""
    texts = [prompt.text for prompt in PROMPTS[:: len(PROMPTS) // _LONG_CLIPS]]
    codes = [known(stems, clip.codes) for clip in make(texts, 30)]
    frames = 10 * FRAME_RATE
    tempo = _mean(keeps_tempo(stems, clip, frames) for clip in codes)
    instruments = _mean(keeps_instruments(stems, clip, frames) for clip in codes)
    return [
        Figure("30 s keep their tempo", tempo, target=0.95, clips=len(codes)),
        Figure("30 s keep their instruments", instruments, target=0.95, clips=len(codes)),
    ]


def reading(folder: Path, band: Band, pieces: Sequence[_Piece]) -> list[Figure]:
    """Measure the codec, and how well the language model foresees pieces it does not know."""
    load: Any = MusicgenForConditionalGeneration.from_pretrained
    with quiet_transformers():
        model = load(folder, dtype=torch.float32).eval()
    ratios = [code_and_decode(model.audio_encoder, band.stems, piece.codes) for piece in pieces]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    source = Source(random_plan, caption, Composer(band).compose)
    rng = np.random.default_rng(_SEED + 1)
    figures = [Figure("codec, SI-SDR", float(np.median(ratios)), "dB", 18.0, prototype=16.6)]
    for seconds, count in ((2, 160), (5, 64)):
        batch = draw_batch(source, band.stems, Shape(count, seconds * FRAME_RATE), rng)
        losses = held_out(LanguageModel(model, tokenizer), batch)
        gap = losses.decisions_shuffled - losses.decisions
        title = f"loss of decisions, first {seconds} s"
        figures += [
            Figure(title, losses.decisions, "nats", prototype=1.05),
            Figure(f"{title}: more with another caption", gap, "nats", 0.6, prototype=0.44),
        ]
    return figures


@torch.inference_mode()
def code_and_decode(codec: Any, stems: tuple[Stem, ...], codes: Codes) -> float:
    """Return how much of a piece's sound survives an EncodecModel, in dB (SI-SDR)."""
    sound = render(stems, codes)
    encoded = codec.encode(torch.from_numpy(sound).reshape(1, 1, -1))
    decoded = codec.decode(encoded.audio_codes, encoded.audio_scales).audio_values
    return signal_to_distortion(sound, decoded[0, 0, : len(sound)].numpy())


def speed(engine: Engine, temperature: float) -> Figure:
    """Measure how long a clip of 10 s takes with two threads: the median of five."""
    request = GenerationRequest("lofi with piano", seconds=10, seed=0, temperature=temperature)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        engine.generate([request])
        times.append(time.perf_counter() - started)
    torch.set_num_threads(before)
    return Figure("10 s on two threads", float(np.median(times)), "s", 1.5, True, 2.4)


def _mean(values: Iterable[bool]) -> float:
    return float(np.mean(list(values)))
