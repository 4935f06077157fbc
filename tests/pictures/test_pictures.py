"""The pictures of the documentation can still be drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from tests.end_to_end.running import text_of
from tests.pictures.canvas import Canvas
from tests.pictures.form import WIDTH, draw_form
from tests.pictures.markdown import names_in
from tests.pictures.stage import picture, stage

NOT_SHOWN = re.compile(r"<[^>]+>|\(https?:[^)]+\)|[`*\[\]]")
"""Markup that stands for something else, or is not seen."""


def texts_in(svg: str) -> Iterator[str]:
    """Yield all that is written; nothing of it, and no box, may jut out."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - drawn a moment ago
    width = float(root.attrib["width"])
    for shape in root.iter():
        length = shape.get("textLength") or shape.get("width") or 0
        assert 0 <= float(shape.get("x", 0)) <= width - float(length), shape.attrib
        if shape.text and shape.text.strip():
            yield shape.text


async def test_a_picture_says_all_that_was_said_and_stays_inside_its_frame() -> None:
    async with stage() as room:
        ada = room.person("ada")
        options = {"prompt": "house & <techno>", "style": "House", "seconds": 1.0, "seed": 1}
        clip = await room.clip(ada, variations=2, **options)
        listed = await room.typed(ada, "history")
        svg = picture([clip, listed])
        modal = await (await room.server.press(ada, clip.message, "Remix")).modal()
        form = Canvas()
        height = draw_form(form, modal, names_in(room.channel))
    shown = " ".join(texts_in(svg))
    for message in (clip.message, listed.message):
        for word in NOT_SHOWN.sub(" ", text_of(message)).replace("-# ", "").split():
            assert word.strip(":") in shown
    for word in ("@ada", "/history", "Favourite", "house-techno-1.mp3", "0:01", "Only you"):
        assert word in shown
    assert "data:image/png;base64," in svg
    filled = list(texts_in(form.svg(WIDTH, height, "#000000")))
    assert {"Remix", "Prompt", "house & <techno>", "House", "Submit"} <= set(filled)
