"""Styles: short enough for Discord's lists, and added to a prompt."""

import pytest

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import MAX_PROMPT_CHARACTERS, is_foreign
from musicgen_bot.styles import STYLES, described, find_style, matching


def test_the_table_fits_into_discords_lists() -> None:
    assert 20 <= len(STYLES) <= 25
    assert len({style.name.casefold() for style in STYLES}) == len(STYLES)
    for style in STYLES:
        assert style.words
        assert not is_foreign(style.words)
        assert len(f"{style.name}: {style.words}") <= 100


def test_a_style_is_found_by_its_name_however_it_is_typed() -> None:
    assert find_style(" lo-FI hip hop ").name == "Lo-fi hip hop"
    with pytest.raises(InvalidRequest, match="pick one from the list"):
        find_style("no such style")


def test_matching_looks_into_names_and_words_and_puts_beginnings_first() -> None:
    assert matching("") == [*STYLES]
    names = [style.name for style in matching("tr")]
    assert names[:2] == ["Trance", "Trap"]
    assert "Latin" in names
    assert matching("xyzzy") == []


def test_the_words_of_a_style_follow_the_prompt_or_stand_alone() -> None:
    style = find_style("Trap")
    assert described("rain", style) == f"rain, {style.words}"
    assert described("", style) == style.words


def test_what_becomes_too_long_with_a_style_says_by_how_much() -> None:
    style = find_style("Trap")
    room = MAX_PROMPT_CHARACTERS - len(style.words) - 2
    assert len(described("x" * room, style)) == MAX_PROMPT_CHARACTERS
    with pytest.raises(InvalidRequest, match="Trap, the prompt is 3 characters too long"):
        described("x" * (room + 3), style)
