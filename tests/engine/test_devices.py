"""On a GPU a step strays to no other device: PyTorch's fake tensors tell it without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from musicgen_bot.engine import loader
from musicgen_bot.engine.batch import Batch
from musicgen_bot.engine.decoder import Decoder
from musicgen_bot.engine.graphs import Graphs
from musicgen_bot.engine.layout import Layout
from musicgen_bot.engine.matrices import Matrix, PlainMatrix, WeightOnlyInt8
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.engine.sampling import SamplingOptions
from musicgen_bot.engine.weights import DecoderSizes, DecoderWeights, Layer, Norm

SIZES = DecoderSizes(layers=2, hidden=64, heads=4, codebooks=4, channels=1, vocabulary=256)


@dataclass(frozen=True)
class Precision:
    dtype: torch.dtype
    matrix: Callable[[Tensor], Matrix]


PRECISIONS = {
    "fp16": Precision(torch.float16, PlainMatrix),
    "bf16": Precision(torch.bfloat16, PlainMatrix),
    "int8": Precision(torch.float16, WeightOnlyInt8.pack),
}
ALL = pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)


class OnGpu(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Holds every tensor that is made to the GPU, and every number to the precision."""

    def __init__(self, allowed: set[torch.dtype]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.allowed = allowed
        self.calls = 0

    def __torch_dispatch__(
        self, call: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        result = call(*args, **kwargs or {})
        self.calls += 1
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                assert tensor.device.type == "cuda", f"{call} makes a tensor on {tensor.device}"
                assert tensor.dtype in self.allowed, f"{call} makes {tensor.dtype}"
        return result


def decoder(precision: Precision) -> Decoder:
    def weight(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=precision.dtype, device="cuda")

    def matrix(out: int, inputs: int) -> Matrix:
        return precision.matrix(weight(out, inputs))

    def norm() -> Norm:
        return Norm(weight(64), weight(64), 1e-5)

    def layer() -> Layer[Matrix]:
        return Layer(
            self_norm=norm(),
            self_query_key_value=matrix(192, 64),
            self_out=matrix(64, 64),
            cross_norm=norm(),
            cross_query=matrix(64, 64),
            cross_key_value=matrix(128, 64),
            cross_out=matrix(64, 64),
            ffn_norm=norm(),
            ffn_up=matrix(128, 64),
            ffn_down=matrix(64, 128),
        )

    return Decoder(
        DecoderWeights(
            sizes=SIZES,
            embedding=weight(4 * 257, 64),
            positions=weight(1536, 64),
            layers=[layer(), layer()],
            final_norm=norm(),
            heads=matrix(4 * 256, 64),
            activation=torch.nn.functional.gelu,
        )
    )


def layout(dtype: torch.dtype) -> Layout:
    """Two clips, each with a prompted and an unprompted row."""
    ones = torch.ones(2, 1, 1, device="cuda")
    return Layout(
        codes=torch.zeros(2, 4, 100, dtype=torch.int64, device="cuda"),
        positions=torch.tensor([3, 4], device="cuda"),
        clip_of_row=torch.tensor([0, 1, 0, 1], device="cuda"),
        prompted_row=torch.tensor([0, 1], device="cuda"),
        unprompted_row=torch.tensor([2, 3], device="cuda"),
        prompt_mask=torch.zeros(2, 1, 1, 16, dtype=dtype, device="cuda"),
        options=SamplingOptions(ones, ones, ones.long(), 250),
        noise=torch.zeros(2, 4, 256, device="cuda"),
    )


@contextmanager
def fake_batch(precision: Precision) -> Iterator[Batch]:
    with FakeTensorMode():
        batch = Batch(decoder(precision), Graphs(None))
        batch.cache.rearrange([None] * 4, 128)
        batch._prompts.rearrange([None] * 2, 16)
        yield batch


@ALL
def test_a_step_stays_on_the_gpu_and_in_its_precision(precision: Precision) -> None:
    with fake_batch(precision) as batch:
        gpu = OnGpu({precision.dtype, torch.float32, torch.int64, torch.bool})
        here = layout(precision.dtype)
        with gpu:
            batch._step(here, 128)
        assert gpu.calls > 50
        for tensor in (*batch.cache.keys, *batch.cache.values):
            assert (tensor.device.type, tensor.dtype) == ("cuda", precision.dtype)
            assert tensor.shape == (4, 4, 128, 16)


@ALL
def test_logits_are_those_of_all_rows_codebooks_and_codes(precision: Precision) -> None:
    with fake_batch(precision) as batch:
        here = layout(precision.dtype)
        logits = batch.decoder.step(
            torch.zeros(4, 4, dtype=torch.int64, device="cuda"),
            here.positions.index_select(0, here.clip_of_row),
            batch.cache,
            128,
            batch._prompts,
            here.prompt_mask,
        )
        assert (logits.device.type, logits.dtype) == ("cuda", precision.dtype)
        assert logits.shape == (4, 4, 256)


@ALL
def test_prompts_are_encoded_on_the_gpu(precision: Precision) -> None:
    with fake_batch(precision) as batch:
        context = torch.zeros(7, 64, dtype=precision.dtype, device="cuda")
        for pair in batch.decoder.prompt_keys_values(context):
            for tensor in pair:
                assert (tensor.device.type, tensor.dtype) == ("cuda", precision.dtype)
                assert tensor.shape == (4, 7, 16)


@pytest.mark.parametrize("name", ["codes", "positions", "clip_of_row", "prompt_mask", "noise"])
def test_what_is_left_on_the_cpu_is_found(name: str) -> None:
    precision = PRECISIONS["fp16"]
    with fake_batch(precision) as batch:
        here = layout(precision.dtype)
        left: Any = {name: torch.zeros_like(getattr(here, name), device="cpu")}
        with pytest.raises(Exception, match="cpu"):
            batch._step(replace(here, **left), 128)


def test_8_bit_weights_take_a_byte_each_on_the_gpu() -> None:
    with fake_batch(PRECISIONS["int8"]) as batch:
        heads = batch.decoder.weights.heads
        assert isinstance(heads, WeightOnlyInt8)
        assert (heads.weight.device.type, heads.weight.dtype) == ("cuda", torch.int8)
        assert heads.weight.shape == (4 * 256, 64)
        assert (heads.scales.dtype, heads.scales.shape) == (torch.float16, (4 * 256, 1))


def held_by(thing: object) -> Iterator[Tensor]:
    """Yield all tensors of a value, its fields, and what it is made of."""
    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, torch.nn.Module):
        yield from (*thing.parameters(), *thing.buffers())
        for module in thing.modules():
            yield from (value for value in vars(module).values() if isinstance(value, Tensor))
    elif isinstance(thing, list):
        for part in thing:
            yield from held_by(part)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from held_by(getattr(thing, field.name))


@pytest.mark.parametrize("name", ["fp16", "bf16", "int8"])
def test_a_model_is_loaded_onto_its_device_in_its_precision(
    random_checkpoint: Path, name: str
) -> None:
    """`meta` is any device that is no CPU."""
    with torch.inference_mode(), quiet_transformers():
        parts = loader._read(random_checkpoint, "random")
        device = torch.device("meta")
        engine = loader._take_over(*parts, random_checkpoint, "random", device, name)
    weights = engine.batch.decoder.weights
    owners = (engine.text, engine._codec, engine.batch.decoder)
    tensors = [
        tensor for owner in owners for value in vars(owner).values() for tensor in held_by(value)
    ]
    assert len(tensors) > 60
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    dtype = torch.bfloat16 if name == "bf16" else torch.float16
    assert weights.embedding.dtype == engine.batch.cache.dtype == dtype
    assert isinstance(weights.heads, WeightOnlyInt8 if name == "int8" else PlainMatrix)
