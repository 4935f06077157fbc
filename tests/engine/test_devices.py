"""On a GPU a step strays to no other device: PyTorch's fake tensors tell it without one."""

from __future__ import annotations

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from musicgen_bot.engine.batch import Batch
from musicgen_bot.engine.decoder import Decoder
from musicgen_bot.engine.layout import Layout
from musicgen_bot.engine.sampling import SamplingOptions
from musicgen_bot.engine.weights import DecoderSizes, DecoderWeights, Layer, Norm

SIZES = DecoderSizes(layers=2, hidden=64, heads=4, codebooks=4, channels=1, vocabulary=256)


def weight(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float16, device="cuda")


def norm() -> Norm:
    return Norm(weight(64), weight(64), 1e-5)


def layer() -> Layer[Tensor]:
    return Layer(
        self_norm=norm(),
        self_query_key_value=weight(192, 64),
        self_out=weight(64, 64),
        cross_norm=norm(),
        cross_query=weight(64, 64),
        cross_key_value=weight(128, 64),
        cross_out=weight(64, 64),
        ffn_norm=norm(),
        ffn_up=weight(128, 64),
        ffn_down=weight(64, 128),
    )


def decoder() -> Decoder:
    return Decoder(
        DecoderWeights(
            sizes=SIZES,
            embedding=weight(4 * 257, 64),
            positions=weight(1536, 64),
            layers=[layer(), layer()],
            final_norm=norm(),
            heads=weight(4 * 256, 64),
            activation=torch.nn.functional.gelu,
        )
    )


def layout() -> Layout:
    """Two clips, each with a prompted and an unprompted row."""
    ones = torch.ones(2, 1, 1, device="cuda")
    return Layout(
        codes=torch.zeros(2, 4, 100, dtype=torch.int64, device="cuda"),
        positions=torch.tensor([3, 4], device="cuda"),
        clip_of_row=torch.tensor([0, 1, 0, 1], device="cuda"),
        prompted_row=torch.tensor([0, 1], device="cuda"),
        unprompted_row=torch.tensor([2, 3], device="cuda"),
        prompt_mask=weight(2, 1, 1, 16),
        options=SamplingOptions(ones, ones, ones.long(), 250),
    )


def test_a_step_stays_on_the_gpu() -> None:
    with FakeTensorMode():
        batch = Batch(decoder())
        batch.cache.rearrange([None] * 4, 128)
        batch._prompts.rearrange([None] * 2, 16)
        noise = torch.zeros(2, 4, 256, device="cuda")
        batch._step(layout(), noise, 128)
        assert batch.cache.keys[0].device.type == "cuda"
