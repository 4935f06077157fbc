"""What a model will need is known before it is loaded."""

from __future__ import annotations

import gc
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.device import describe_device, free_memory
from musicgen_bot.engine.memory import estimate_memory, weight_bytes
from musicgen_bot.engine.model_files import fetch_config
from musicgen_bot.engine.random_model import RandomModelSizes
from musicgen_bot.generation import GenerationRequest
from tests.engine.conftest import Build

CPU = torch.device("cpu")


def tensor_bytes() -> int:
    gc.collect()
    tensors = [t for t in gc.get_objects() if type(t) in (torch.Tensor, torch.nn.Parameter)]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16", "int8", "int4"])
def test_weights_and_caches_are_as_large_as_estimated(build: Build, precision: str) -> None:
    sizes = RandomModelSizes(layers=4, hidden=256, heads=4, ffn=1024, text_hidden=128)
    folder = str(build(sizes))
    before = tensor_bytes()
    engine = load_engine(folder, "cpu", precision)
    for seed in range(2):
        engine.add(GenerationRequest("lofi", 20.0, seed))
    engine.step(1)
    measured = tensor_bytes() - before
    config = fetch_config(folder)
    expected = estimate_memory(config, precision, 2, 20.0, CPU)
    # What is left without clips and weights are the process and what the codec works in.
    left = estimate_memory(config, precision, 0, 0.0, CPU) - weight_bytes(config, precision, CPU)
    assert expected - left == pytest.approx(measured, rel=0.1)


def test_more_clips_longer_clips_and_finer_numbers_need_more(random_checkpoint: Path) -> None:
    config = fetch_config(str(random_checkpoint))
    sizes = [
        estimate_memory(config, precision, slots, seconds, CPU)
        for precision, slots, seconds in [
            ("int4", 1, 10.0),
            ("int8", 1, 10.0),
            ("fp16", 1, 10.0),
            ("fp32", 1, 10.0),
            ("fp32", 2, 10.0),
            ("fp32", 2, 30.0),
        ]
    ]
    assert all(less < more for less, more in pairwise(sizes))


def test_the_cpu_is_described() -> None:
    cpu = torch.device("cpu")
    assert describe_device(cpu).startswith("CPU")
    assert 1_000_000 < free_memory(cpu) < 1 << 50
