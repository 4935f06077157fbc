"""What people typed is shown as they typed it, and does nothing."""

import pytest

from musicgen_bot.generation import Progress
from musicgen_bot.jobs.active_job import Estimate
from musicgen_bot.translations import ENGLISH, Language
from musicgen_bot.ui.common.text import bar, place, quoted, shortened, status


@pytest.mark.parametrize(
    "text", ["@everyone", "**b** [x](https://a.b)", "<@1> <#2> <:a:3>", "a`b``c"]
)
def test_a_prompt_cannot_leave_its_quotes(text: str) -> None:
    assert "`" not in quoted(text)[1:-1]
    assert quoted(text)[0] == quoted(text)[-1] == "`"


def test_a_long_text_is_cut() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abc defg", 5) == "abc…"


def test_the_bar_has_always_the_same_length() -> None:
    assert len({len(bar(n / 100)) for n in range(101)}) == 1
    assert "▱" not in bar(1.0)
    assert "▰" not in bar(0.0)


def test_places_are_counted_as_people_count() -> None:
    assert [str(place(n)) for n in (1, 2, 111)] == [
        "next in line",
        "#2 in line",
        "#111 in line",
    ]


def test_the_status_tells_place_progress_and_time_where_they_are_known() -> None:
    say = Language(ENGLISH)
    assert status(say, Estimate(3, 41.0, None), 1000.0) == "⏳ #3 in line · ready <t:1041:R>"
    assert status(say, Estimate(1, None, None), 1000.0) == "⏳ next in line"
    assert status(say, Estimate(0, None, None), 1000.0) == "🎶 starting"
    paused = status(say, Estimate(2, None, None, paused=True), 1000.0)
    assert paused.startswith("⏸️ #2 in line · the host has paused the bot")
    loading = status(say, Estimate(0, None, None, loading=True), 1000.0)
    assert loading == "💤 the model was asleep and is loading"
    broken = Estimate(0, None, Progress(250, 500), loading=True, out_of_order=True)
    assert status(say, broken, 1000.0).startswith("🔧 the model has stopped working; it will")
    waiting = status(say, Estimate(2, None, None, out_of_order=True), 1000.0)
    assert waiting.startswith("🔧 #2 in line · the model has stopped working")
    running = Estimate(0, 5.0, Progress(250, 500))
    assert status(say, running, 1000.0).endswith("50% · about 5 seconds left")
