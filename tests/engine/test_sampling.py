"""What is drawn follows the model's own probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.random_model import RandomModelSizes
from musicgen_bot.engine.sampling import SamplingOptions, draw, gumbel_noise
from musicgen_bot.generation import GenerationRequest
from tests.engine.conftest import Build
from tests.engine.reference import Reference

SIZES = RandomModelSizes(vocabulary=8, codec_filters=2, codec_ratios=(2,))
PROMPT, GUIDANCE, TEMPERATURE, TOP_K = "lofi beat", 1.5, 2.0, 5
CLIPS, AT_ONCE = 1000, 20


def probabilities(reference: Reference, columns: Tensor, codebook: int) -> Tensor:
    """Probabilities of the next code of a codebook, by transformers' logits."""
    logits = reference.guided_logits(PROMPT, columns, GUIDANCE)[codebook] / TEMPERATURE
    least = logits.sort(descending=True).values[TOP_K - 1]
    return logits.masked_fill(logits < least, float("-inf")).softmax(-1)


def test_codes_are_drawn_with_the_probabilities_of_transformers(build: Build) -> None:
    """Two codes of one frame, the second of which depends on the first."""
    folder = build(SIZES)
    reference = Reference(folder)
    start = SIZES.vocabulary
    first = probabilities(reference, torch.full((4, 1), start), 0)
    second = torch.stack(
        [
            probabilities(reference, torch.tensor([[start, code], *[[start, start]] * 3]), 1)
            for code in range(SIZES.vocabulary)
        ]
    )
    expected = (first.unsqueeze(1) * second).numpy() * CLIPS

    engine = load_engine(str(folder), "cpu", "fp32")
    counts = np.zeros_like(expected)
    for first_seed in range(0, CLIPS, AT_ONCE):
        clips = engine.generate(
            [
                GenerationRequest(PROMPT, 0.02, seed, GUIDANCE, TEMPERATURE, TOP_K)
                for seed in range(first_seed, first_seed + AT_ONCE)
            ]
        )
        for clip in clips:
            counts[clip.codes[0, 0], clip.codes[1, 0]] += 1

    possible = expected > 0
    assert possible.sum() == TOP_K**2
    assert expected[possible].min() > 5  # what the chi-square test asks for
    assert not counts[~possible].any()
    assert stats.chisquare(counts[possible], expected[possible]).pvalue > 0.01


def options(top_k: int, guidance: float = 1.0, temperature: float = 1.0) -> SamplingOptions:
    def column(value: float) -> Tensor:
        return torch.tensor([[[value]]])

    return SamplingOptions(column(guidance), column(temperature), column(top_k), top_k)


def test_the_first_of_equals_is_the_greedy_choice() -> None:
    logits = torch.tensor([[[0.0, 2.0, 2.0, 1.0]]])
    assert draw(logits, logits, torch.zeros_like(logits), options(top_k=1)).item() == 1


def test_codes_beyond_top_k_are_never_drawn() -> None:
    logits = torch.tensor([[[0.0, 3.0, 1.0, 2.0]]])
    noise = torch.tensor([[[80.0, -80.0, 80.0, -70.0]]])
    assert draw(logits, logits, noise, options(top_k=2)).item() == 3


def test_guidance_moves_away_from_the_unprompted_logits() -> None:
    prompted, unprompted = torch.tensor([[[1.0, 0.9]]]), torch.tensor([[[1.0, 0.5]]])
    noise = torch.zeros_like(prompted)
    assert draw(prompted, unprompted, noise, options(top_k=2)).item() == 0
    assert draw(prompted, unprompted, noise, options(top_k=2, guidance=3.0)).item() == 1


@pytest.mark.parametrize("cuts", [[7], [3, 4], [1] * 7])
def test_noise_does_not_depend_on_how_steps_are_cut(cuts: list[int]) -> None:
    whole = gumbel_noise(torch.Generator().manual_seed(5), 7, 4, 2048)
    generator = torch.Generator().manual_seed(5)
    parts = [gumbel_noise(generator, steps, 4, 2048) for steps in cuts]
    assert torch.equal(torch.cat(parts), whole)
    assert whole.isfinite().all()


def test_each_clip_is_drawn_from_its_own_top_k() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(4, 3, 50, generator=generator).mul(4).round()  # so that there are equals
    noise = gumbel_noise(generator, 4, 3, 50)
    top_k = torch.tensor([1, 7, 50, 7]).view(-1, 1, 1)
    ones = torch.ones(4, 1, 1)
    drawn = draw(logits, logits, noise, SamplingOptions(ones, ones, top_k, 50))
    for clip, k in enumerate(top_k.flatten().tolist()):
        least = logits[clip].sort(descending=True).values[:, k - 1 : k]
        allowed = logits[clip].masked_fill(logits[clip] < least, float("-inf"))
        assert torch.equal(drawn[clip], (allowed + noise[clip]).argmax(-1))
