"""Buttons that work for as long as their message is there, whichever run of the bot made it.

A button's own id says what it does and to which clip. The client knows the two kinds of button, and
hands a press to whichever cog listens: as `clip_button` (interaction, Action, job id, variation or
None), or as `page_button` (interaction, ClipList, page, search).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Self

from discord import ButtonStyle, Interaction
from discord.ui import Button, DynamicItem, Item, View

from musicgen_bot.clip_list import ClipList
from musicgen_bot.job import Job
from musicgen_bot.translations import Language, Text


class Action(StrEnum):
    """What a clip's button does."""

    AGAIN = "again"
    REMIX = "remix"
    EXTEND = "extend"
    WAV = "wav"
    FAVOURITE = "favourite"
    DELETE = "delete"
    CANCEL = "cancel"


OF_ONE_VARIATION = frozenset({Action.EXTEND, Action.WAV, Action.FAVOURITE})

_LABELS = {
    Action.AGAIN: (Text("Again"), "🔁"),
    Action.REMIX: (Text("Remix"), "🎛️"),
    Action.EXTEND: (Text("Extend"), "➕"),
    Action.WAV: (Text("WAV"), "💾"),
    Action.FAVOURITE: (Text("Favourite"), "⭐"),
    Action.DELETE: (Text("Delete"), "🗑️"),
    Action.CANCEL: (Text("Cancel"), "✖️"),
}


class ClipButton(
    DynamicItem[Button[View]],
    template=rf"clip:(?P<action>{'|'.join(Action)}):(?P<job>\d{{1,18}}):(?P<variation>\d)",
):
    """A button that does something to a clip."""

    def __init__(
        self, action: Action, job_id: int, variation: int | None, label: str = "", emoji: str = ""
    ) -> None:
        ends_it = action in (Action.DELETE, Action.CANCEL)
        super().__init__(
            Button(
                label=label,
                emoji=emoji or None,
                style=ButtonStyle.danger if ends_it else ButtonStyle.secondary,
                custom_id=f"clip:{action}:{job_id}:{variation or 0}",
            ),
            row=1 if action is Action.DELETE else 0,
        )
        self._pressed = (action, job_id, variation)

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction[Any], item: Item[Any], match: re.Match[str], /
    ) -> Self:
        """Return the button that was pressed."""
        return cls(Action(match["action"]), int(match["job"]), int(match["variation"]) or None)

    async def callback(self, interaction: Interaction[Any]) -> None:
        """Hand the press over."""
        interaction.client.dispatch("clip_button", interaction, *self._pressed)


class PageButton(
    DynamicItem[Button[View]],
    template=rf"page:(?P<list>{'|'.join(ClipList)}):(?P<page>\d{{1,9}}):(?P<search>.*)",
):
    """A button that turns to another page of a list."""

    def __init__(
        self, label: str, clip_list: ClipList, page: int, search: str, enabled: bool
    ) -> None:
        super().__init__(
            Button(label=label, custom_id=f"page:{clip_list}:{page}:{search}", disabled=not enabled)
        )
        self._pressed = (clip_list, page, search)

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction[Any], item: Item[Any], match: re.Match[str], /
    ) -> Self:
        """Return the button that was pressed."""
        return cls("Page", ClipList(match["list"]), int(match["page"]), match["search"], True)

    async def callback(self, interaction: Interaction[Any]) -> None:
        """Hand the press over."""
        interaction.client.dispatch("page_button", interaction, *self._pressed)


def working_buttons(say: Language, job: Job) -> View:
    """Return what can be done to a clip that waits or is being made."""
    return _view([_labelled(say, Action.CANCEL, job)])


def clip_buttons(say: Language, job: Job) -> View:
    """Return what can be done with a finished clip."""
    return _view([_labelled(say, action, job) for action in Action if action is not Action.CANCEL])


def variation_buttons(say: Language, action: Action, job: Job) -> View:
    """Return the choice of a variation to do something with."""
    return _view(
        [
            ClipButton(action, job.id, number, say("Variation {number}", number=number))
            for number in range(1, job.order.variations + 1)
        ]
    )


def page_buttons(say: Language, clip_list: ClipList, page: int, search: str, is_last: bool) -> View:
    """Return the way to the page before and to the next; the first page is 0."""
    return _view(
        [
            PageButton(say("Newer"), clip_list, max(page - 1, 0), search, page > 0),
            PageButton(say("Older"), clip_list, page + 1, search, not is_last),
        ]
    )


def _labelled(say: Language, action: Action, job: Job) -> ClipButton:
    label, emoji = _LABELS[action]
    return ClipButton(action, job.id, None, say(label), emoji)


def _view(items: list[ClipButton] | list[PageButton]) -> View:
    view = View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()  # discord.py need not keep it: the client knows what to do with every press
    return view
