"""The random model is one that transformers itself can load, and is the same each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from musicgen_bot.engine import Engine
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.engine.random_model import build_random_model
from musicgen_bot.generation import GenerationRequest
from tests.engine.reference import Reference


def test_the_same_seed_gives_the_same_weights(random_checkpoint: Path, tmp_path: Path) -> None:
    torch.manual_seed(7)
    state = torch.get_rng_state()
    with quiet_transformers():
        build_random_model(tmp_path / "again")
        build_random_model(tmp_path / "other", seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    first, again, other = (
        load_file(folder / "model.safetensors")
        for folder in (random_checkpoint, tmp_path / "again", tmp_path / "other")
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_transformers_loads_it_with_its_generation_defaults(random_checkpoint: Path) -> None:
    model = Reference(random_checkpoint).model
    defaults = model.generation_config
    assert (defaults.do_sample, defaults.guidance_scale, defaults.max_length) == (True, 3.0, 1500)
    assert defaults.decoder_start_token_id == defaults.pad_token_id == 256
    assert model.audio_encoder.quantizer.num_quantizers == 4


@pytest.mark.parametrize("prompt", ["", "lofi beat", "\N{CJK UNIFIED IDEOGRAPH-97F3}", "x" * 500])
@pytest.mark.parametrize("top_k", [1, 250])
def test_its_sound_is_audible_and_does_not_clip(small: Engine, prompt: str, top_k: int) -> None:
    requests = [GenerationRequest(prompt, 2.0, seed, top_k=top_k) for seed in range(3)]
    for clip in small.generate(requests):
        assert 0.03 < np.sqrt(np.mean(clip.samples**2)) < 0.3
        assert np.abs(clip.samples).max() < 1
