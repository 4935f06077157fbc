"""The clips of the bundled model that the documentation links to."""

from __future__ import annotations

from pathlib import Path

from musicgen_bot import __version__
from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.files import file_name
from musicgen_bot.audio.loudness import master
from musicgen_bot.audio.mp3 import fit_mp3
from musicgen_bot.audio.tags import Tags
from musicgen_bot.engine import load_engine
from musicgen_bot.generation import GenerationRequest
from training.evaluation import default_temperature

_SAMPLES = (
    ("lofi with a dusty beat, electric piano and bells, 80 bpm", 1),
    ("happy chiptune, 150 bpm", 2),
    ("sad violin over a soft piano, no drums, slow", 3),
)
"""Prompts and seeds of the clips for the documentation."""
_LARGEST_BYTES = 165_000
"""Of a clip, so that a checkout stays small."""


def write_samples(folder: Path, docs: Path) -> list[Path]:
    """Make the clips for the documentation with the checkpoint in a folder, as MP3 files."""
    engine = load_engine(str(folder), "cpu", "fp32")
    temperature = default_temperature(folder)
    ffmpeg = find_ffmpeg()
    paths = []
    for prompt, seed in _SAMPLES:
        request = GenerationRequest(prompt, seconds=10.0, seed=seed, temperature=temperature)
        (clip,) = engine.generate([request])
        software = f"musicgen-bot {__version__}"
        tags = Tags.of(request, model="tiny", licence="MIT", software=software)
        paths.append(docs / file_name(prompt, ".mp3"))
        sound = master(clip.samples, clip.sample_rate)
        mp3 = fit_mp3(sound, clip.sample_rate, tags, ffmpeg, _LARGEST_BYTES)
        paths[-1].write_bytes(mp3)
    return paths
