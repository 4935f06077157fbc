"""Discord's markup becomes HTML, and nothing that is typed does."""

from __future__ import annotations

import pytest

from tests.pictures.markdown import to_html

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "<p>plain</p>"),
        ("one\n\ntwo", "<p>one</p><p></p><p>two</p>"),
        ("a **bold `code`** word", "<p>a <strong>bold <code>code</code></strong> word</p>"),
        ("`**as it is** <@1>`", "<p><code>**as it is** &lt;@1&gt;</code></p>"),
        ("-# small **too**", '<p class="small">small <strong>too</strong></p>'),
        ("for <@1>", '<p>for <span class="mention">@ada &amp; co</span></p>'),
        ("in <#2>", '<p>in <span class="mention">#music</span></p>'),
        ("[here](https://a.example/b)", '<p><span class="link">here</span></p>'),
        ("<b>`<i>`</b>", "<p>&lt;b&gt;<code>&lt;i&gt;</code>&lt;/b&gt;</p>"),
        ("🎶 on", '<p><span class="dark">🎶</span> on</p>'),
    ],
)
def test_markup_is_shown_and_all_else_is_text(text: str, html: str) -> None:
    names = {"<@1>": "@ada & co", "<#2>": "#music"}
    assert to_html(text, names, NOW) == html


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "now"),
        (1, "in 1 second"),
        (59, "in 59 seconds"),
        (60, "in 1 minute"),
        (150, "in 2 minutes"),
        (-1, "1 second ago"),
        (-300, "5 minutes ago"),
    ],
)
def test_a_moment_is_told_from_now(seconds: int, shown: str) -> None:
    text = f"ready <t:{NOW + seconds:.0f}:R>"
    assert to_html(text, {}, NOW) == f'<p>ready <span class="time">{shown}</span></p>'
