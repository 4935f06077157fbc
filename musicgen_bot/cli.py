"""The commands: run the bot (the default), make a clip, check this machine, measure its speed.

Whatever takes long to import (torch, discord) is imported by the command that needs it, so that
`--help` answers at once.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from musicgen_bot.errors import MachineError, MusicgenBotError
from musicgen_bot.logs import Redactor, set_up_logging
from musicgen_bot.process import allow_many_files, run_until_stopped, step_back, unwind

if TYPE_CHECKING:
    from musicgen_bot.config import Config
    from musicgen_bot.generation import Progress

RESTART = 75
"""Exit status of a bot that is to be started again: EX_TEMPFAIL of sysexits.h."""
SECRETS = ("DISCORD_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Where in the environment there are secrets, which may look like anything."""

_log = logging.getLogger(__name__)

Model = Annotated[
    str | None, typer.Option(help="A model of the hub, a folder, or tiny.", show_default=False)
]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", show_default=False)
]
Precision = Annotated[
    str | None, typer.Option(help="auto, fp32, bf16, fp16, int8 or int4.", show_default=False)
]


class Shape(StrEnum):
    """Sizes of the models that there are."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    STEREO_SMALL = "stereo-small"


class Rival(StrEnum):
    """What our engine is compared with."""

    TRANSFORMERS = "transformers"


def main() -> None:
    """Run the command line."""
    commands = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        help="A Discord bot that makes music with MusicGen. Without a command it runs the bot.",
    )
    commands.callback(invoke_without_command=True)(run)
    commands.command()(generate)
    commands.command()(check)
    commands.command()(bench)
    commands(prog_name=Path(sys.argv[0]).name)


def run(context: typer.Context) -> None:
    """Run the bot, unless another command was given."""
    if context.invoked_subcommand is not None:
        return
    from musicgen_bot.config import load_config

    with _errors_told(broken=RESTART):
        config = load_config()
        redact = _set_up(config, config.log_level, config.log_format)
        allow_many_files()
        from musicgen_bot.app import run_bot

        console = Console(highlight=False, soft_wrap=True)
        run_until_stopped(run_bot(config, lambda line: console.print(redact(line), markup=False)))
    _leave(0)


def generate(
    prompt: Annotated[str, typer.Argument(help="What it should sound like.", show_default=False)],
    output: Annotated[
        Path, typer.Option(help="The file to write: .mp3, .wav, .flac or .ogg.")
    ] = Path("clip.mp3"),
    seconds: Annotated[float, typer.Option(help="Length of the clip.")] = 10.0,
    seed: Annotated[
        int | None,
        typer.Option(
            help="The same prompt and seed give the same clip again.", show_default="random"
        ),
    ] = None,
    model: Model = None,
    device: Device = None,
    precision: Precision = None,
) -> None:
    """Make a clip on the terminal."""
    with _errors_told():
        config = _config(model, device, precision)
        _set_up(config, "WARNING")
        from musicgen_bot.audio.files import check_output
        from musicgen_bot.generation import (
            READS_ENGLISH,
            GenerationRequest,
            clean_prompt,
            is_foreign,
        )

        request = GenerationRequest(clean_prompt(prompt), seconds, seed)
        check_output(output)
        if is_foreign(request.prompt):
            typer.echo(str(READS_ENGLISH), err=True)
        from musicgen_bot.app import make_clip

        with _progress_bar(f"Loading {config.musicgen_model}") as show:
            job = run_until_stopped(make_clip(request, output, config, show))
        typer.echo(f"{output}: {job.request.seconds:g} s, seed {job.order.seeds[0]}")
    _leave(0)


def check(model: Model = None, device: Device = None, precision: Precision = None) -> None:
    """Tell whether the bot will run on this machine."""
    with _errors_told():
        config = _config(model, device, precision)
        redact = _set_up(config, "ERROR")
        from musicgen_bot.check import Setup, check_host

        unwind()
        setup = Setup(
            model=config.musicgen_model,
            device=config.musicgen_device,
            precision=config.musicgen_precision,
            slots=config.musicgen_max_batch,
            seconds=config.limit_clip_seconds,
            database=config.database_path,
            has_token=config.discord_token is not None,
        )
        could_start = check_host(Console(highlight=False), setup, redact)
    raise typer.Exit(0 if could_start else 1)


def bench(
    shape: Annotated[Shape, typer.Option(help="The model's sizes.")] = Shape.SMALL,
    device: Device = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(help="What to measure; can be given several times.", show_default="auto"),
    ] = None,
    compare: Annotated[
        Rival | None, typer.Option(help="Measure that beside it.", show_default=False)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on the last line.")
    ] = False,
) -> None:
    """Measure how fast this machine makes music, with random weights."""
    with _errors_told():
        config = _config(None, device, None)
        precisions: list[str] = [
            _config(None, None, each).musicgen_precision for each in precision or ["auto"]
        ]
        _set_up(config, "ERROR")
        from musicgen_bot import bench as benchmark

        unwind()
        console = Console(highlight=False)
        report = benchmark.bench(
            console,
            shape.value,
            config.musicgen_device,
            precisions,
            compare=compare is not None,
        )
        console.print(benchmark.as_table(report))
        for line in (benchmark.limit_line(report), *benchmark.advice(report)):
            console.print(line, soft_wrap=True)
        if as_json:
            typer.echo(benchmark.as_json(report))


def _config(model: str | None, device: str | None, precision: str | None) -> Config:
    """Return what the host has set, with what the command line says instead."""
    from musicgen_bot.config import load_config

    given = {
        "musicgen_model": model,
        "musicgen_device": device,
        "musicgen_precision": precision,
    }
    return load_config(**{name: value for name, value in given.items() if value is not None})


def _set_up(config: Config, level: str, form: str = "text") -> Redactor:
    """Set up the log, and the process's priority before a library starts its threads.

    Returns what takes the host's secrets out of all that is written for them to read.
    """
    redact = _redactor(config)
    set_up_logging(level, form, redact)
    step_back(config.nice)
    return redact


@contextmanager
def _progress_bar(title: str) -> Iterator[Callable[[Progress | None], None]]:
    """Show a bar; what is given to the function it yields moves it."""
    from rich import progress as rich_progress

    with rich_progress.Progress(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.TimeRemainingColumn(compact=True),
    ) as bars:
        bar = bars.add_task(title, total=None)

        def show(progress: Progress | None) -> None:
            if progress is not None:
                bars.update(
                    bar, description="Making music", completed=progress.frames, total=progress.total
                )

        yield show


def _redactor(config: Config | None = None) -> Redactor:
    """Return what takes the host's secrets out of all that is written for them to read."""
    known = [os.environ.get(name, "") for name in SECRETS]
    if config is not None and config.discord_token is not None:
        known.append(config.discord_token.get_secret_value())
    return Redactor(known)


@contextmanager
def _errors_told(broken: int = 1) -> Iterator[None]:
    """Tell errors in one sentence and leave with status 1; what nobody expected goes to the log.

    `broken` is the status where the machine cannot go on in this process.
    """
    redact = _redactor()
    set_up_logging("INFO", "text", redact)
    try:
        yield
    except MusicgenBotError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"Error: {redact(str(error))}", style="red", markup=False
        )
        _leave(broken if isinstance(error, MachineError) else 1)
    except SystemExit as stopped:  # by a signal
        _leave(int(stopped.code or 0))
    except Exception:
        _log.exception("This has failed")
        _leave(1)


def _leave(status: int) -> NoReturn:
    """End the process.

    A call into the model cannot be interrupted; where one is still under way, nobody waits for it,
    as everything that had to be written has been by now.
    """
    if any(thread.name.startswith("engine") for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    raise typer.Exit(status)
