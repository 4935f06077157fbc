"""The compiled step does what the other one does, for every number of bits and on any processor."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.batch import AnyDecoder, Batch
from musicgen_bot.engine.cache import KeyValueCache
from musicgen_bot.engine.decoder import Decoder
from musicgen_bot.engine.device import choose_precision
from musicgen_bot.engine.matrices import Matrix, PlainMatrix
from musicgen_bot.engine.model_files import fetch_config
from musicgen_bot.engine.native import build as builder
from musicgen_bot.engine.native.decoder import NativeDecoder
from musicgen_bot.engine.native.library import CompiledStep, NotCompiled, library
from musicgen_bot.engine.native.packing import PackedMatrix, fits, pack
from musicgen_bot.engine.weights import DecoderSizes, DecoderWeights, Layer, Norm
from musicgen_bot.errors import ModelError
from musicgen_bot.generation import GenerationRequest
from tests.engine.unpacking import unpack

SIZES = DecoderSizes(layers=3, hidden=128, heads=4, codebooks=4, channels=1, vocabulary=64)
BITS = pytest.mark.parametrize("bits", [16, 8, 4])
STEPS = 30
TOKENS = (7, 16, 1)
"""Of the prompts of the first rows."""

try:
    BUILT = library()
except NotCompiled as obstacle:
    pytest.skip(f"the step is not compiled here: {obstacle}", allow_module_level=True)


def random(*shape: int, size: float = 1.0) -> Tensor:
    return torch.randn(shape) * size


def norm() -> Norm:
    return Norm(1 + random(128, size=0.1), random(128, size=0.1), 1e-5)


def weights(bits: int) -> DecoderWeights[PackedMatrix]:
    """Return random weights, the same for any number of bits but for their rounding."""
    torch.manual_seed(0)

    def matrix(out: int, inputs: int) -> PackedMatrix:
        return pack(random(out, inputs, size=inputs**-0.5), bits)

    def layer() -> Layer[PackedMatrix]:
        return Layer(
            self_norm=norm(),
            self_query_key_value=matrix(384, 128),
            self_out=matrix(128, 128),
            cross_norm=norm(),
            cross_query=matrix(128, 128),
            cross_key_value=matrix(256, 128),
            cross_out=matrix(128, 128),
            ffn_norm=norm(),
            ffn_up=matrix(256, 128),
            ffn_down=matrix(128, 256),
        )

    return DecoderWeights(
        sizes=SIZES,
        embedding=random(4 * 65, 128),
        positions=random(64, 128),
        layers=[layer() for _ in range(SIZES.layers)],
        final_norm=norm(),
        heads=matrix(4 * 64, 128),
        activation=torch.nn.functional.gelu,
    )


def unpacked(packed: DecoderWeights[PackedMatrix]) -> DecoderWeights[Matrix]:
    """Return the same weights, as they were rounded, for the other decoder."""

    def plain(value: object) -> object:
        return PlainMatrix(unpack(value)) if isinstance(value, PackedMatrix) else value

    def layer(old: Layer[PackedMatrix]) -> Layer[Matrix]:
        return Layer(**{f.name: plain(getattr(old, f.name)) for f in fields(old)})  # type: ignore[arg-type]

    return DecoderWeights(
        sizes=SIZES,
        embedding=packed.embedding,
        positions=packed.positions,
        layers=[layer(old) for old in packed.layers],
        final_norm=packed.final_norm,
        heads=PlainMatrix(unpack(packed.heads)),
        activation=packed.activation,
    )


def logits(decoder: AnyDecoder, rows: list[int]) -> Tensor:
    """Run some of six rows for a while, the first three prompted; [steps, rows, K, V]."""
    prompted = [row for row in rows if row < len(TOKENS)]
    cache = KeyValueCache(SIZES, decoder.cache_dtype, decoder.device)
    prompts = KeyValueCache(SIZES, decoder.dtype, decoder.device)
    cache.rearrange([None] * len(rows), 64)
    prompts.rearrange([None] * len(prompted), 16)
    mask = torch.full((len(prompted), 1, 1, 16), -torch.inf, dtype=decoder.dtype)
    for place, row in enumerate(prompted):
        context = torch.randn(TOKENS[row], 128, generator=torch.Generator().manual_seed(row))
        prompts.fill(place, decoder.prompt_keys_values(context))
        mask[place, :, :, : TOKENS[row]] = 0
    codes = torch.randint(0, 65, (STEPS, 6, 4), generator=torch.Generator().manual_seed(9))
    result = []
    for step in range(STEPS):
        # Rows are at different places, as clips that joined at different times are.
        positions = torch.tensor([step + 2 * (row % 2) for row in rows])
        result.append(decoder.step(codes[step, rows], positions, cache, 64, prompts, mask).clone())
    return torch.stack(result)


def native(bits: int, threads: int = 2, compiled: CompiledStep = BUILT) -> NativeDecoder:
    return NativeDecoder(weights(bits), compiled.path, compiled.target, threads)


def off(found: Tensor, expected: Tensor) -> float:
    """Return how far off values are, as a part of their size."""
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize(("bits", "most"), [(16, 0.0025), (8, 0.008), (4, 0.12)])
def test_packed_matrices_are_nearly_what_was_packed(bits: int, most: float) -> None:
    matrix = random(48, 96)
    assert off(unpack(pack(matrix, bits)), matrix) < most


@BITS
def test_a_packed_matrix_is_packed_to_itself(bits: int) -> None:
    once = unpack(pack(random(32, 64), bits))
    assert off(unpack(pack(once, bits)), once) < (0.02 if bits == 4 else 1e-6)


def test_a_row_of_zeros_is_packed() -> None:
    for bits in (16, 8, 4):
        assert not unpack(pack(torch.zeros(16, 32), bits)).any()


@BITS
def test_it_computes_what_the_other_decoder_computes(bits: int) -> None:
    expected = logits(Decoder(unpacked(weights(bits))), [0, 1, 2, 3, 4, 5])
    # In 8 and 4 bits what is multiplied is rounded as well; keys and values always are.
    assert off(logits(native(bits), [0, 1, 2, 3, 4, 5]), expected) < (0.01 if bits == 16 else 0.03)


@BITS
@pytest.mark.parametrize("rows", [[0], [3], [5, 0], [2, 1, 4], [0, 1, 2, 3, 4, 5] * 3])
def test_a_row_does_not_depend_on_others(bits: int, rows: list[int]) -> None:
    rows = sorted(rows, key=lambda row: row >= len(TOKENS))
    together = logits(native(bits), [0, 1, 2, 3, 4, 5])
    found = logits(native(bits), rows)
    assert all(torch.equal(found[:, place], together[:, row]) for place, row in enumerate(rows))


@BITS
def test_the_number_of_threads_does_not_matter(bits: int) -> None:
    alone = logits(native(bits, threads=1), [0, 1, 4])
    assert torch.equal(logits(native(bits, threads=5), [0, 1, 4]), alone)


def taken_in(threads: int, times: int) -> Tensor:
    """Return the last layer's keys after known codes were taken in, over and over."""
    decoder = native(8, threads)
    cache = KeyValueCache(SIZES, decoder.cache_dtype, decoder.device)
    prompts = KeyValueCache(SIZES, decoder.dtype, decoder.device)
    cache.rearrange([None], 64)
    codes = torch.randint(0, 65, (4, 48), generator=torch.Generator().manual_seed(9))
    for _ in range(times):
        decoder.prefill(codes, 0, [0], cache, prompts, torch.empty(0, 1, 1, 0))
    return cache.keys[-1]


def test_a_thread_that_is_held_up_at_the_end_does_no_harm() -> None:
    """With more threads than processors some are."""
    assert torch.equal(taken_in(threads=16, times=100), taken_in(threads=1, times=1))


def older_targets() -> list[str]:
    """Return the targets that this processor can run as well as its own, but slower."""
    names = [target.name for target in builder.targets_here()]
    return names[: names.index(BUILT.target)]


@pytest.mark.parametrize("target", older_targets())
def test_older_processors_come_to_the_same(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSICGEN_STEP_TARGET", target)
    try:
        older = library()
    except ModelError as error:
        pytest.skip(str(error))
    for bits in (16, 8, 4):
        found, expected = (
            logits(native(bits, compiled=each), [0, 1, 4]) for each in (older, BUILT)
        )
        assert torch.equal(found, expected)


@pytest.mark.parametrize("precision", ["int8", "int4", "bf16"])
def test_a_clip_is_the_same_whatever_is_made_beside_it(
    random_checkpoint: Path, precision: str
) -> None:
    engine = load_engine(str(random_checkpoint), "cpu", precision)
    request = GenerationRequest("lofi", 1.0, seed=5)
    (alone,) = engine.generate([request])
    others = [GenerationRequest("", 0.5, seed=1), GenerationRequest("a long prompt", 1.5, seed=2)]
    clips = engine.generate([others[0], request, others[1]])
    np.testing.assert_array_equal(clips[1].codes, alone.codes)
    np.testing.assert_array_equal(clips[1].samples, alone.samples)


@pytest.mark.parametrize("precision", ["int8", "int4", "bf16"])
def test_known_codes_are_taken_in_at_once_and_it_makes_no_difference(
    random_checkpoint: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load_engine(str(random_checkpoint), "cpu", precision)
    known = engine.generate([GenerationRequest("lofi", 2.0, seed=1)])[0].codes
    requests = [
        GenerationRequest("lofi", 3.0, top_k=1, continue_from=known),
        GenerationRequest("", 2.5, top_k=1, continue_from=known[:, :77]),
        GenerationRequest("techno", 1.0, top_k=1),
    ]
    at_once = engine.generate(requests)
    monkeypatch.setattr(Batch, "_prefill", lambda batch, layout: False)
    for clip, other in zip(at_once, engine.generate(requests), strict=True):
        np.testing.assert_array_equal(clip.codes, other.codes)


def test_threads_of_pytorch_rest_while_steps_are_made(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, counts = load_engine(str(random_checkpoint), "cpu", "int8"), []
    compute = NativeDecoder.step

    def step(*arguments: Any) -> Tensor:
        counts.append(torch.get_num_threads())
        return compute(*arguments)

    monkeypatch.setattr(NativeDecoder, "step", step)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        engine.generate([GenerationRequest("lofi", 1.0)])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(counts) == {1}


def test_auto_is_int8_where_the_step_is_compiled(random_checkpoint: Path) -> None:
    assert load_engine(str(random_checkpoint), "cpu", "auto").precision == "int8"


def test_unusual_sizes_are_left_to_the_other_decoder(random_checkpoint: Path) -> None:
    decoder: Any = fetch_config(str(random_checkpoint)).decoder
    assert fits(decoder)
    decoder.num_attention_heads = 1
    decoder.hidden_size = 96
    assert not fits(decoder)
    with pytest.raises(ModelError, match=r"int4 .* sizes"):
        choose_precision("int4", torch.device("cpu"), decoder)


@pytest.mark.parametrize("target", builder.targets_here(), ids=lambda target: target.name)
def test_it_is_compiled_without_warnings(target: builder.Target, tmp_path: Path) -> None:
    compiler = next(filter(None, map(shutil.which, ("g++", "clang++"))), None)
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    source = [f"-DMUSICGEN_TARGET={target.name}", str(builder.FOLDER / "step.cpp")]
    command = [compiler, *builder.OPTIONS, *target.options, "-Wall", "-Wextra", "-fsyntax-only"]
    command += ["-Wno-unused-private-field"]  # which clang has for what only takes up room
    result = subprocess.run([*command, *source], capture_output=True, text=True, check=True)
    assert not result.stderr
