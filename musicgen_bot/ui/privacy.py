"""What `/privacy` says, and its buttons, which are one person's alone."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

import discord
from discord import ButtonStyle, Interaction
from discord.ui import Button, DynamicItem, Item, View

from musicgen_bot.translations import Language, Text

ABOUT = Text(
    "**What I keep about you**: your clips with their prompts and recipes, when and where you "
    "asked for them, your favourites, and whether you are blocked. Old clips are deleted "
    "automatically; how long they are kept is up to the host of this bot. I read no messages "
    "except those whose audio somebody chooses to continue, and after a crash those around my own "
    "answer, to find it again."
)
WARNING = Text(
    "**This deletes all your clips, prompts and favourites, in all servers, for good.** Whatever "
    "you have waiting is cancelled. Messages already posted stay in Discord, but their buttons "
    "will stop working; if you want a message gone, press its **Delete** first."
)
STAYS = Text(
    "The seconds of music you had still count for two days, so that deleting is no way around a "
    "limit. Blocks stay, and what you did as a moderator or admin belongs to the server."
)


class PrivacyAction(StrEnum):
    """What one of the buttons is for."""

    SHOW = "show"
    DELETE = "delete"
    CONFIRM = "confirm"


_BUTTONS = {
    PrivacyAction.SHOW: (Text("Show me everything"), ButtonStyle.primary),
    PrivacyAction.DELETE: (Text("Delete everything …"), ButtonStyle.secondary),
    PrivacyAction.CONFIRM: (Text("Yes, delete everything"), ButtonStyle.danger),
}


class PrivacyButton(
    DynamicItem[Button[View]],
    template=rf"privacy:(?P<action>{'|'.join(PrivacyAction)}):(?P<user>\d{{1,20}})",
):
    """A button for one person alone.

    A press is handed to a cog as `privacy_button` (interaction, PrivacyAction, user id).
    """

    def __init__(self, action: PrivacyAction, user_id: int, label: str = "") -> None:
        _, style = _BUTTONS[action]
        custom_id = f"privacy:{action}:{user_id}"
        super().__init__(Button(label=label, style=style, custom_id=custom_id))
        self._pressed = (action, user_id)

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction[Any], item: Item[Any], match: re.Match[str], /
    ) -> Self:
        """Return the button that was pressed."""
        return cls(PrivacyAction(match["action"]), int(match["user"]))

    async def callback(self, interaction: Interaction[Any]) -> None:
        """Hand the press over."""
        interaction.client.dispatch("privacy_button", interaction, *self._pressed)


def privacy_buttons(say: Language, user_id: int, *actions: PrivacyAction) -> View:
    """Return buttons that only this person may press."""
    view = View(timeout=None)
    for action in actions:
        label, _ = _BUTTONS[action]
        view.add_item(PrivacyButton(action, user_id, say(label)))
    view.stop()  # discord.py need not keep it: the client knows what to do with every press
    return view


def data_file(data: Mapping[str, Any], limit_bytes: int) -> discord.File:
    """Return the data as a JSON file; packed, where it would be larger than may be uploaded."""
    text, name = json.dumps(data, indent=2, ensure_ascii=False).encode(), "my-data.json"
    if len(text) > limit_bytes:
        text, name = gzip.compress(text), f"{name}.gz"
    return discord.File(io.BytesIO(text), name)
