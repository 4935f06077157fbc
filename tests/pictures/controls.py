"""What people press, choose from and type into: buttons, selects, and the form they may open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.discord_server.controls import BUTTON, STRING_SELECT, TEXT_INPUT
from tests.pictures.elements import Html, element, joined
from tests.pictures.markdown import DARK, Names

_BUTTONS = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary"}
_PARAGRAPH = 2
_MENTIONS = {"channel": "<#{}>", "role": "<@&{}>", "user": "<@{}>"}


def rows(components: Sequence[dict[str, Any]], names: Names) -> Html:
    """Return the rows of controls below a message."""
    return joined(
        *(
            element("div", "row", *(_control(control, names) for control in row["components"]))
            for row in components
        )
    )


def form(modal: dict[str, Any], names: Names) -> Html:
    """Return a form, with what stands in it when it opens."""
    fields = (_field(label, names) for label in modal["components"])
    return element(
        "div",
        "form",
        element("h1", "", modal["title"], element("span", "close", "✕")),
        *fields,
        element(
            "div",
            "end",
            element("span", "button secondary", "Cancel"),
            element("span", "button primary", "Submit"),
        ),
    )


def _field(label: dict[str, Any], names: Names) -> Html:
    control = label["component"]
    star = element("span", "star", "*") if control.get("required", True) else ""
    title = element("h2", "", label["label"], star)
    about = element("p", "small", label.get("description") or "")
    return element("div", "labelled", title, about, _control(control, names))


def _control(control: dict[str, Any], names: Names) -> Html:
    if control["type"] == BUTTON:
        return _button(control)
    if control["type"] == TEXT_INPUT:
        kind = "input tall" if control["style"] == _PARAGRAPH else "input"
        return element("div", kind, _or_placeholder(control, control.get("value") or ""))
    return element("div", "input select", _or_placeholder(control, *_chosen(control, names)))


def _button(button: dict[str, Any]) -> Html:
    disabled = " disabled" if button.get("disabled") else ""
    emoji = (button.get("emoji") or {}).get("name") or ""
    return element(
        "span",
        f"button {_BUTTONS[button['style']]}{disabled}",
        element("span", "emoji dark" if emoji[:1] in DARK else "emoji", emoji),
        button.get("label") or "",
    )


def _chosen(select: dict[str, Any], names: Names) -> list[str]:
    """Return what is chosen in a select: an option, or the names of places and roles."""
    if select["type"] == STRING_SELECT:
        return [option["label"] for option in select["options"] if option.get("default")]
    values = select.get("default_values") or []
    chosen = (names[_MENTIONS[value["type"]].format(value["id"])] for value in values)
    return [element("span", "mention", name) for name in chosen]


def _or_placeholder(control: dict[str, Any], *shown: str) -> Html:
    if any(shown):
        return joined(*shown)
    return element("span", "placeholder", control.get("placeholder") or "")
