"""Fewer bits hardly change what the bundled model plays."""

import pytest

from musicgen_bot.engine.native.library import NotCompiled, library
from training.__main__ import BUNDLED
from training.batches import Shape
from training.rounding import PRECISIONS, measure_rounding

try:
    library()
except NotCompiled as obstacle:
    pytest.skip(f"the step is not compiled here: {obstacle}", allow_module_level=True)


def test_rounding_hardly_changes_the_bundled_model() -> None:
    fp32, bf16, int8, int4 = measure_rounding(BUNDLED, Shape(24, 100))
    assert tuple(result.precision for result in (fp32, bf16, int8, int4)) == PRECISIONS
    assert fp32.unchanged == 1
    # That it plays at all: a guess among 1536 codes costs 7.3.
    assert max(fp32.losses) < 0.5
    for result, cost, unchanged in ((bf16, 0.002, 0.999), (int8, 0.02, 0.995), (int4, 0.06, 0.99)):
        assert sum(result.losses) == pytest.approx(sum(fp32.losses), rel=cost)
        assert result.unchanged > unchanged
    assert int4.losses != int8.losses != bf16.losses
