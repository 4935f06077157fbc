"""Makes the bundled model from nothing, with one command that goes on where it was interrupted.

python -m training                        everything, into musicgen_bot/models/tiny
python -m training evaluate FOLDER        how well a checkpoint does
python -m training rounding FOLDER        what 16, 8 and 4 bits cost it
python -m training samples FOLDER DOCS    the clips for the documentation
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import Progress

from training.assembly import save_checkpoint
from training.bank import Codes, Stem
from training.batches import Rng, Source
from training.captions import caption
from training.choosing import random_plan
from training.codec import build_codec
from training.encoder import train_encoder
from training.evaluation import evaluate
from training.language import LanguageModel, build_model
from training.learning import train
from training.pieces import Composer
from training.plan import Plan
from training.rounding import show_rounding
from training.samples import write_samples
from training.sounds import build_band
from training.text import pretrain_text
from training.tokenizer import build_tokenizer

BUNDLED = Path(__file__).parents[1] / "musicgen_bot" / "models" / "tiny"
SEED = 1
CAPTIONS_FOR_WORDS = 100_000
TEXT_MINUTES = 10.0
ENCODER_STEPS = 3000
ENCODER_FRAMES = 64
ENCODER_LATEST_START = 400


def main() -> None:
    """Run the command line."""
    commands = typer.Typer(add_completion=False, help="Makes the bundled model from nothing.")
    commands.callback(invoke_without_command=True)(make)
    commands.command("evaluate")(show_evaluation)
    commands.command("rounding")(show_rounding)
    commands.command("samples")(make_samples)
    commands()


def make(
    context: typer.Context,
    work: Annotated[Path, typer.Option(help="Where checkpoints are kept.")] = Path("training-run"),
    minutes: Annotated[float, typer.Option(help="How long the language model learns.")] = 95.0,
    output: Annotated[Path, typer.Option(help="Where the model is written.")] = BUNDLED,
) -> None:
    """Make the model, going on from what an earlier run left in the work folder."""
    if context.invoked_subcommand is not None:
        return
    console = Console()
    work.mkdir(parents=True, exist_ok=True)
    band = build_band()
    composer = Composer(band)
    codec = build_codec(band.stems)
    console.print("The encoder learns to hear")
    _hear(codec, band.stems, composer, work / "encoder.pt")
    tokenizer = build_tokenizer(_captions(CAPTIONS_FOR_WORDS))
    model = build_model(band.stems, tokenizer, codec, seed=SEED)
    language = LanguageModel(model, tokenizer)
    console.print("The text encoder learns to read captions")
    _read(language, work / "text.pt")
    console.print("The language model learns to play")
    source = Source(random_plan, caption, composer.compose)
    train(language, source, band.stems, work, minutes=minutes, seed=SEED)
    save_checkpoint(model, tokenizer, output)
    console.print(f"Written to {output}")


def show_evaluation(folder: Path) -> None:
    """Measure a checkpoint and show the table."""
    evaluate(folder)


def make_samples(folder: Path, docs: Path) -> None:
    """Write the clips for the documentation."""
    for path in write_samples(folder, docs):
        typer.echo(path)


def _captions(count: int) -> list[str]:
    rng = np.random.default_rng(SEED)
    return [caption(random_plan(rng), rng) for _ in range(count)]


def _hear(codec: Any, stems: tuple[Stem, ...], composer: Composer, path: Path) -> None:
    if path.exists():
        codec.encoder.load_state_dict(torch.load(path, weights_only=True))
        return
    with Progress() as progress:
        bar = progress.add_task("sounds", total=ENCODER_STEPS)

        def report(step: int, loss: float) -> None:
            progress.update(bar, completed=step, description=f"{step}: {loss:.2f}")

        train_encoder(codec, stems, _crops(composer), steps=ENCODER_STEPS, report=report)
    torch.save(codec.encoder.state_dict(), path)


def _crops(composer: Composer) -> Iterator[Codes]:
    """Yield a little of one piece after another, from anywhere in it."""
    rng = np.random.default_rng(SEED)
    while True:
        start = int(rng.integers(ENCODER_LATEST_START))
        codes = composer.compose(random_plan(rng), start + ENCODER_FRAMES, rng)
        yield codes[:, start:]


def _read(language: LanguageModel, path: Path) -> None:
    if path.exists():
        language.load_state_dict(torch.load(path, weights_only=True))
        return

    def draw(rng: Rng) -> tuple[Plan, str]:
        plan = random_plan(rng)
        return plan, caption(plan, rng)

    pretrain_text(language, draw, minutes=TEXT_MINUTES, seed=SEED)
    torch.save(language.state_dict(), path)


if __name__ == "__main__":
    main()
