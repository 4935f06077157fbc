"""In 8 bits, a decoder computes nearly what it computes in fp32, and each row for itself."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.batch import AnyDecoder
from musicgen_bot.engine.cache import KeyValueCache
from musicgen_bot.engine.decoder import Decoder
from musicgen_bot.engine.device import choose_precision, why_not_quantised
from musicgen_bot.engine.loader import _matrix_type
from musicgen_bot.engine.matrices import (
    FbgemmInt8,
    OneDnnInt8,
    PlainMatrix,
    WeightOnlyInt8,
    exact_int8,
)
from musicgen_bot.engine.memory import estimate_memory, weight_bytes
from musicgen_bot.engine.model_files import fetch_config
from musicgen_bot.engine.native import build as builder
from musicgen_bot.engine.native.packing import pack
from musicgen_bot.engine.random_model import RandomModelSizes
from musicgen_bot.errors import ModelError
from musicgen_bot.generation import GenerationRequest
from tests.engine.conftest import Build
from tests.engine.unpacking import unpack

CPU, GPU = torch.device("cpu"), torch.device("cuda")
ROWS = (1, 2, 3, 5, 8, 17, 64)
KNOWN = torch.cpu.get_capabilities()
NEEDS_VNNI = pytest.mark.skipif(
    not (KNOWN.get("avx512_vnni") or KNOWN.get("avx_vnni")), reason="needs a processor with VNNI"
)
NEEDS_AVX2 = pytest.mark.skipif(not KNOWN.get("avx2"), reason="needs a processor with AVX2")
KINDS = (
    pytest.param(OneDnnInt8, marks=NEEDS_VNNI),
    pytest.param(FbgemmInt8, marks=NEEDS_AVX2),
)
LARGEST = {OneDnnInt8: 127, FbgemmInt8: 64}
SIZES = [(256, 64), (64, 256), (33, 35), (1024, 1024)]
HELD_TO_AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "FBGEMM_ENABLE_INSTRUCTIONS": "AVX2"}

Int8 = type[OneDnnInt8 | FbgemmInt8]


@pytest.fixture
def not_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "FOLDER", tmp_path)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Int8:
    """Each way to multiply bytes, which is then the one that this processor has."""
    kind: Int8 = request.param
    if kind is FbgemmInt8:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    return kind


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def off(found: Tensor, expected: Tensor) -> float:
    """Return how far off values are, as a part of their size."""
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_alone_in_8_bits_are_nearly_the_matrix(dtype: torch.dtype) -> None:
    matrix, x = random(96, 64).to(dtype), random(3, 64).to(dtype)
    product = WeightOnlyInt8.pack(matrix).multiply(x)
    assert product.dtype == dtype
    assert off(product.float(), x.float() @ matrix.float().t()) < 0.01


def test_weights_are_rounded_as_those_of_the_compiled_step() -> None:
    matrix = random(48, 96)
    packed = WeightOnlyInt8.pack(matrix)
    assert torch.equal(packed.weight * packed.scales, unpack(pack(matrix, 8)))


def test_large_sums_fit_into_half_precision() -> None:
    matrix, x = torch.full((16, 4096), 0.01).half(), torch.full((2, 4096), 8.0).half()
    product = WeightOnlyInt8.pack(matrix).multiply(x)
    assert product == pytest.approx(np.full((2, 16), 0.01 * 8 * 4096), rel=0.01)


def test_zeros_and_tiny_weights_stay_finite() -> None:
    matrix = torch.zeros(16, 64).half()
    matrix[3] = 1e-6
    product = WeightOnlyInt8.pack(matrix).multiply(torch.ones(2, 64).half())
    assert product.isfinite().all()
    assert product.abs().max() < 0.01


def check_exact(kind: Int8, matrix: Tensor, x: Tensor) -> None:
    """Multiply bytes: whole numbers, and the largest of each row is the largest there is."""
    sums = x.long() @ matrix.long().t()
    assert torch.equal(kind.pack(matrix).multiply(x), sums.float())


def check_rows(kind: Int8, out: int, inputs: int) -> None:
    packed, x = kind.pack(random(out, inputs)), random(64, inputs)
    together = packed.multiply(x)
    for rows in ROWS:
        assert torch.equal(packed.multiply(x[:rows].clone()), together[:rows])
        assert torch.equal(packed.multiply(x[-rows:].clone()), together[-rows:])


def check_largest_bytes(kind: Int8) -> None:
    """Multiply the largest and the least bytes, alike and in turn, in matrices of all sizes."""
    for out, inputs in SIZES:
        signs = torch.ones(4, inputs)
        signs[1], signs[2, ::2], signs[3, 1::4] = -1, -1, -1
        for rows in (1, 2, 16):
            matrix, x = signs.repeat(out, 1)[:out], signs.repeat(4, 1)[-rows:]
            check_exact(kind, matrix * LARGEST[kind], x * 127)


def test_bytes_are_added_up_exactly(kind: Int8) -> None:
    matrix, x = random(80, 4096), random(5, 4096)
    assert off(kind.pack(matrix).multiply(x), x @ matrix.t()) < 0.02
    matrix, x = (matrix * 30).round().clamp(-64, 64), (x * 50).round().clamp(-127, 127)
    matrix[:, 0], x[:, 0] = LARGEST[kind], 127
    check_exact(kind, matrix, x)
    check_largest_bytes(kind)


@pytest.mark.parametrize(("out", "inputs"), SIZES)
def test_a_row_does_not_depend_on_others(kind: Int8, out: int, inputs: int) -> None:
    check_rows(kind, out, inputs)


def test_rows_of_zeros_stay_zero(kind: Int8) -> None:
    assert not kind.pack(random(16, 64)).multiply(torch.zeros(3, 64)).any()
    assert not kind.pack(torch.zeros(16, 64)).multiply(random(3, 64)).any()


def held_to_avx2(code: str) -> str:
    """Run code in a process whose kernels do without VNNI, and return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **HELD_TO_AVX2},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@NEEDS_AVX2
def test_without_vnni_the_kernel_for_avx2_is_taken_and_is_exact() -> None:
    code = f"""
from musicgen_bot.engine import matrices
from tests.engine.test_matrices import check_largest_bytes, check_rows
kind = matrices.exact_int8()
print(kind.__name__)
check_largest_bytes(kind)
for out, inputs in {SIZES}:
    check_rows(kind, out, inputs)
matrices._LARGEST_OF_PAIRS = 127
print(matrices.exact_int8())
"""
    # With all of their bits, weights are too large for it: it is AVX2 that computes here.
    assert held_to_avx2(code).split() == ["FbgemmInt8", "None"]


@NEEDS_VNNI
def test_with_vnni_weights_keep_8_bits() -> None:
    assert exact_int8() is OneDnnInt8


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute on one thread: PyTorch's attention rounds by how many rows its threads share."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def logits(decoder: AnyDecoder, rows: list[int]) -> Tensor:
    """Run some of six rows for a while, the first three prompted; [steps, rows, K, V]."""
    sizes, prompted = decoder.sizes, [row for row in rows if row < 3]
    cache, prompts = (KeyValueCache(sizes, decoder.dtype, CPU) for _ in range(2))
    cache.rearrange([None] * len(rows), 128)
    prompts.rearrange([None] * len(prompted), 16)
    mask = torch.full((len(prompted), 1, 1, 16), -torch.inf)
    for place, row in enumerate(prompted):
        context = random(1 + 4 * row, sizes.hidden)
        prompts.fill(place, decoder.prompt_keys_values(context))
        mask[place, :, :, : len(context)] = 0
    shape = (40, 6, sizes.codebooks)
    codes = torch.randint(sizes.vocabulary, shape, generator=torch.Generator().manual_seed(9))
    result = []
    for step in range(len(codes)):
        # Rows are at different places, as clips that joined at different times are.
        positions = torch.tensor([step + 2 * row for row in rows])
        result.append(decoder.step(codes[step, rows], positions, cache, 128, prompts, mask))
    return torch.stack(result)


@pytest.mark.usefixtures("kind", "not_compiled", "one_thread")
@pytest.mark.parametrize("rows", [[0], [3], [0, 5], [1, 2, 4], [0, 1, 2, 3, 4, 5] * 3])
def test_a_row_of_a_step_does_not_depend_on_others(
    random_checkpoint: Path, rows: list[int]
) -> None:
    decoder = load_engine(str(random_checkpoint), "cpu", "int8").batch.decoder
    rows = sorted(rows, key=lambda row: row >= 3)
    together = logits(decoder, [0, 1, 2, 3, 4, 5])
    found = logits(decoder, rows)
    assert all(torch.equal(found[:, place], together[:, row]) for place, row in enumerate(rows))


@pytest.mark.usefixtures("kind", "not_compiled")
def test_a_step_is_nearly_that_of_fp32(random_checkpoint: Path) -> None:
    found, expected = (
        logits(load_engine(str(random_checkpoint), "cpu", precision).batch.decoder, [0, 1, 4])
        for precision in ("int8", "fp32")
    )
    assert off(found, expected) < 0.05


@pytest.mark.usefixtures("kind", "not_compiled", "one_thread")
def test_a_clip_is_the_same_whatever_is_made_beside_it(random_checkpoint: Path) -> None:
    engine = load_engine(str(random_checkpoint), "cpu", "int8")
    request = GenerationRequest("lofi", 2.0, seed=5)
    (alone,) = engine.generate([request])
    # One that is further on, so that attention looks at more positions than the clip has.
    engine.add(GenerationRequest("a long prompt", 20.0, seed=2))
    engine.step(250)
    for others in (0, 1, 5):
        for seed in range(others):
            engine.add(GenerationRequest("techno", 2.5 + seed, seed=seed, guidance=1.0 + seed))
        ticket = engine.add(request)
        while ticket not in (finished := engine.step(20).finished):
            pass
        np.testing.assert_array_equal(finished[ticket].codes, alone.codes)
        np.testing.assert_array_equal(finished[ticket].samples, alone.samples)


@pytest.mark.usefixtures("kind", "not_compiled")
def test_the_bundled_model_plays_nearly_the_same() -> None:
    found, expected = (
        logits(load_engine("tiny", "cpu", precision).batch.decoder, [0, 1, 4])
        for precision in ("int8", "fp32")
    )
    assert (found.argmax(-1) == expected.argmax(-1)).float().mean() > 0.9


@pytest.mark.usefixtures("not_compiled")
def test_without_the_compiled_step_auto_is_int8_where_bytes_are_added_up_exactly(
    kind: Int8, random_checkpoint: Path
) -> None:
    engine = load_engine(str(random_checkpoint), "cpu", "auto")
    assert engine.precision == "int8"
    assert isinstance(engine.batch.decoder, Decoder)
    assert isinstance(engine.batch.decoder.weights.heads, kind)
    assert load_engine(str(random_checkpoint), "cpu", "bf16").precision == "bf16"
    with pytest.raises(ModelError, match=r"int4 .*was not installed here"):
        load_engine(str(random_checkpoint), "cpu", "int4")


@pytest.mark.usefixtures("not_compiled")
def test_with_neither_auto_is_fp32_and_int8_is_refused(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert load_engine(str(random_checkpoint), "cpu", "auto").precision == "fp32"
    for precision in ("int8", "int4"):
        with pytest.raises(ModelError, match=rf"{precision} .*was not installed here"):
            load_engine(str(random_checkpoint), "cpu", precision)


@pytest.mark.usefixtures("not_compiled")
def test_the_log_says_why_the_step_is_not_compiled(
    random_checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_engine(str(random_checkpoint), "cpu", "auto")
    (record,) = (each for each in caplog.records if each.name.startswith("musicgen_bot"))
    assert "install the bot again with `pip install -e .`" in record.getMessage()
    caplog.clear()
    load_engine(str(random_checkpoint), "cpu", "fp32")
    assert "not compiled" not in caplog.text


def test_a_gpu_has_int8_but_no_int4(random_checkpoint: Path) -> None:
    decoder = fetch_config(str(random_checkpoint)).decoder
    assert choose_precision("auto", GPU, decoder) == "fp16"
    assert choose_precision("int8", GPU, decoder) == "int8"
    assert _matrix_type("int8", GPU) == WeightOnlyInt8.pack
    assert _matrix_type("fp16", GPU) is PlainMatrix
    with pytest.raises(ModelError, match="int4 is not to be had here"):
        choose_precision("int4", GPU, decoder)
    assert "choose auto" in why_not_quantised("int8", torch.device("mps"), decoder)


def tensor_bytes() -> int:
    gc.collect()
    tensors = [t for t in gc.get_objects() if type(t) in (Tensor, torch.nn.Parameter)]
    opaque: int = sum(t.nbytes for t in tensors if t.is_mkldnn)
    storages: dict[int, int] = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
        for t in tensors
        if not t.is_mkldnn
    }
    return opaque + sum(storages.values())


@NEEDS_VNNI
@pytest.mark.usefixtures("not_compiled")
def test_weights_and_caches_are_as_large_as_estimated(build: Build) -> None:
    sizes = RandomModelSizes(layers=4, hidden=256, heads=4, ffn=1024, text_hidden=128)
    folder = str(build(sizes))
    before = tensor_bytes()
    engine = load_engine(folder, "cpu", "int8")
    for seed in range(2):
        engine.add(GenerationRequest("lofi", 20.0, seed))
    engine.step(1)
    measured = tensor_bytes() - before
    config = fetch_config(folder)
    # What is left without clips and weights are the process and what the codec works in.
    left = estimate_memory(config, "int8", 0, 0.0, CPU) - weight_bytes(config, "int8", CPU)
    expected = estimate_memory(config, "int8", 2, 20.0, CPU) - left
    assert expected == pytest.approx(measured, rel=0.1)


def test_on_a_gpu_int8_takes_less_than_half_precision(build: Build) -> None:
    sizes = RandomModelSizes(layers=4, hidden=256, heads=4, ffn=1024, text_hidden=128)
    config = fetch_config(str(build(sizes)))
    small, large = (estimate_memory(config, name, 0, 0.0, GPU) for name in ("int8", "fp16"))
    matrices = 4 * (8 * 256**2 + 2 * 256 * 1024) + 4 * 256 * 256
    assert large - small >= matrices
