"""The pictures of the documentation show what was said, and the pages show the pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from tests.discord_server.controls import controls_in
from tests.discord_server.messages import Message
from tests.end_to_end.running import ROOT, text_of
from tests.pictures import browser, page
from tests.pictures.scenes import SCENES
from tests.pictures.stage import stage

MOST_BYTES = 250_000
NOT_SHOWN = re.compile(r"<(?:@&?|#|t:)[^>]+>|\(https?:[^)]+\)|^-# |[`*\[\]]", re.MULTILINE)
"""Markup that stands for something else, or is not seen."""
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


class Reader(HTMLParser):
    """Reads what a page says, and notes which elements it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self._texts: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.add(tag)

    def handle_data(self, data: str) -> None:
        self._texts.append(data)


def words_of(message: Message) -> Iterator[str]:
    """Yield all that a person reads in a message, but for what stands for something else."""
    for line in NOT_SHOWN.sub("\n", text_of(message)).splitlines():
        yield from (part.strip() for part in line.split(": "))
    yield from (control.get("label") or "" for control in controls_in(message.components))
    shown = {embed["image"]["url"] for embed in message.embeds if "image" in embed}
    yield from (file.filename for file in message.attachments if file.url not in shown)


async def test_a_page_says_all_that_was_said_and_nothing_typed_becomes_a_part_of_it() -> None:
    async with stage() as room:
        ada = room.person("ada")
        options = {"prompt": "house & <blink>", "style": "House", "seconds": 1.0, "seed": 1}
        clip = await room.clip(ada, variations=2, **options)
        listed = await room.typed(ada, "history")
        opened = await room.server.press(ada, clip.message, "Remix")
        modal = await opened.modal()
        channel = Reader(page.channel([clip, listed]))
        form = Reader(page.form(clip, modal))
    said = [*words_of(clip.message), *words_of(listed.message)]
    assert {"house & <blink>", "Favourite", "house-blink-1.mp3", "Your clips"} <= set(said)
    assert [words for words in said if words not in channel.text] == []
    for words in ("@ada", "/history", "0:00 / 0:01", "Only you can see this"):
        assert words in channel.text
    for words in ("Remix", "Prompt", "house & <blink>", "House", "Seconds", "Submit"):
        assert words in form.text
    assert "img" in channel.elements
    assert "blink" not in channel.elements | form.elements


def test_the_pages_show_every_picture_there_is_and_each_says_what_is_in_it() -> None:
    shown = set()
    for path in PAGES:
        for alternative, target in PICTURE.findall(path.read_text(encoding="utf-8")):
            assert len(alternative) > 40, target
            shown.add((path.parent / target).resolve())
    there = {path for path in (ROOT / "docs").iterdir() if path.suffix in (".png", ".svg", ".jpg")}
    assert shown == there == {ROOT / "docs" / f"{name}.png" for name in SCENES}


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_twice_as_large_as_it_is_shown_and_weighs_little(name: str) -> None:
    path = ROOT / "docs" / f"{name}.png"
    with Image.open(path) as picture:
        assert picture.width == browser.SCALE * browser.WIDTH
        assert 400 < picture.height / browser.SCALE < 1100
    assert path.stat().st_size < MOST_BYTES


def test_a_browser_draws_a_page_as_high_as_it_is(tmp_path: Path) -> None:
    found = browser.find_browser()
    if found is None:
        pytest.skip("there is no browser on this machine")
    body = '<main style="height: 30px; background: #123456; border-radius: 8px">drawn</main>'
    drawn = browser.draw(found, f"<!DOCTYPE html><style>* {{ margin: 0 }}</style>{body}")
    browser.save(drawn, tmp_path / "drawn.png")
    saved = Image.open(tmp_path / "drawn.png").convert("RGBA")
    assert saved.size == (browser.SCALE * browser.WIDTH, browser.SCALE * 30)
    assert saved.getpixel((0, 0)) == (0, 0, 0, 0)
    assert saved.getpixel((saved.width // 2, saved.height // 2)) == (0x12, 0x34, 0x56, 0xFF)
    assert len(saved.getcolors() or ()) > 2
