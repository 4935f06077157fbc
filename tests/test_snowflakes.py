"""What is an id of Discord's."""

import pytest

from musicgen_bot.snowflakes import EXAMPLE_ID, LARGEST_ID, read_id


@pytest.mark.parametrize("number", [1, int(EXAMPLE_ID), LARGEST_ID])
def test_an_id_is_read(number: int) -> None:
    assert read_id(str(number)) == number


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "+1", "1_0", "1.5", " 1", "٣", "²", "@here", str(LARGEST_ID + 1), "9" * 5000],
)
def test_anything_else_is_none(text: str) -> None:
    assert read_id(text) is None
