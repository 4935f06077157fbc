"""The codec's last layers give what transformers' modules give, to the first and last sample."""

from typing import Any

import pytest
import torch
from torch import nn
from transformers import EncodecConfig, EncodecModel

from musicgen_bot.engine.codec import fold_weight_norm
from musicgen_bot.engine.upsampler import Upsampler


def layers(**changes: object) -> list[nn.Module]:
    """Return the layers after the LSTM of a small random EnCodec."""
    options = {
        "num_filters": 4,
        "hidden_size": 16,
        "upsampling_ratios": [5, 4, 2],
        "use_causal_conv": False,
        "use_conv_shortcut": False,
    }
    torch.manual_seed(0)
    model: Any = EncodecModel(EncodecConfig(**{**options, **changes})).eval()  # type: ignore
    fold_weight_norm(model.decoder)
    return list(model.decoder.layers[2:])


@torch.inference_mode()
@pytest.mark.parametrize("frames", [1, 2, 30])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use_conv_shortcut": True},
        {"pad_mode": "constant"},
        {"use_causal_conv": True},
        {"num_residual_layers": 3, "residual_kernel_size": 5},
        {"upsampling_ratios": [2]},
        {"upsampling_ratios": [3, 3]},
    ],
    ids=str,
)
def test_it_computes_what_the_modules_compute(changes: dict[str, object], frames: int) -> None:
    modules = layers(**changes)
    first: Any = modules[1]
    x = torch.randn(frames, first.conv.in_channels)
    before = x.clone()
    expected = x.t().unsqueeze(0)
    for module in modules:
        expected = module(expected)
    found = Upsampler(modules)(x)
    torch.testing.assert_close(found, expected[0].t(), rtol=1e-4, atol=1e-6)
    assert torch.equal(x, before)


@torch.inference_mode()
def test_a_long_sound_is_computed_in_blocks() -> None:
    modules = layers(upsampling_ratios=[2], num_filters=32)
    x = torch.randn(9000, 64)
    expected = x.t().unsqueeze(0)
    for module in modules:
        expected = module(expected)
    torch.testing.assert_close(Upsampler(modules)(x), expected[0].t(), rtol=1e-4, atol=1e-6)
