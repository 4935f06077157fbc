"""Buttons, lists and forms: what Discord refuses of them.

https://docs.discord.com/developers/components/reference
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.discord_server.errors import ApiError, invalid
from tests.discord_server.people import Json

ROW, BUTTON, SELECT, TEXT_INPUT, LABEL = 1, 2, 3, 4, 18
LINK_STYLE = 5
ROWS = FIELDS = BUTTONS_IN_A_ROW = 5
OPTIONS = CHOICES = 25
CUSTOM_ID = OPTION_LABEL = 100
LONGEST_TEXT = 4000


def walk(components: list[Json]) -> Iterator[Json]:
    """Yield all components, those inside of others too."""
    for component in components:
        yield component
        inner = [*component.get("components", []), component.get("component")]
        yield from walk([each for each in inner if each])


def buttons(components: list[Json]) -> list[Json]:
    """Return the buttons that can be pressed."""
    found = [each for each in walk(components) if each["type"] == BUTTON]
    return [button for button in found if "custom_id" in button and not button.get("disabled")]


def check_rows(components: list[Json]) -> None:
    """Raise ApiError where the rows of a message are not as Discord wants them."""
    _check_size("components", components, 0, ROWS)
    for number, row in enumerate(components):
        path = f"components.{number}.components"
        if row["type"] != ROW:
            raise invalid(path, "UNION_TYPE_CHOICES", "Only rows can be at the top here.")
        widths = [1 if each["type"] == BUTTON else BUTTONS_IN_A_ROW for each in row["components"]]
        if not 1 <= sum(widths) <= BUTTONS_IN_A_ROW:
            raise invalid(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in width.")
        for each in row["components"]:
            if each["type"] == BUTTON:
                _check_button(path, each)
            elif each["type"] == SELECT:
                _check_select(path, each)
    _check_ids(components)


def check_form(form: Json) -> None:
    """Raise ApiError where a modal is not as Discord wants it."""
    _check_size("custom_id", form["custom_id"], 1, CUSTOM_ID)
    _check_size("title", form["title"], 1, 45)
    _check_size("components", form["components"], 1, FIELDS)
    for number, label in enumerate(form["components"]):
        path = f"components.{number}"
        if label["type"] != LABEL:
            raise invalid(path, "UNION_TYPE_CHOICES", "A field belongs into a label.")
        _check_size(f"{path}.label", label["label"], 1, 45)
        _check_size(f"{path}.description", label.get("description") or "", 0, 100)
        field = label["component"]
        if field["type"] == TEXT_INPUT:
            most = field.get("max_length") or LONGEST_TEXT
            _check_size(f"{path}.component.value", field.get("value") or "", 0, most)
        elif field["type"] == SELECT:
            _check_select(f"{path}.component", field)
    _check_ids(form["components"])


def check_choices(choices: list[Json]) -> None:
    """Raise ApiError where offered choices are too many or too long."""
    _check_size("choices", choices, 0, CHOICES)
    for number, choice in enumerate(choices):
        _check_size(f"choices.{number}.name", choice["name"], 1, 100)
        if isinstance(choice["value"], str):
            _check_size(f"choices.{number}.value", choice["value"], 0, 100)


def _check_button(path: str, button: Json) -> None:
    _check_size(f"{path}.label", button.get("label") or "", 0, 80)
    if not (button.get("label") or button.get("emoji")):
        raise invalid(path, "BUTTON_COMPONENT_LABEL_REQUIRED", "A button needs a label or emoji.")
    if ("url" in button) != (button["style"] == LINK_STYLE):
        raise invalid(path, "BUTTON_COMPONENT_INVALID_STYLE", "A link, and only that, has a URL.")


def _check_select(path: str, select: Json) -> None:
    _check_size(f"{path}.options", select["options"], 1, OPTIONS)
    for option in select["options"]:
        for name in ("label", "value"):
            _check_size(f"{path}.options.{name}", option[name], 1, OPTION_LABEL)
        _check_size(f"{path}.options.description", option.get("description") or "", 0, 100)
    presets = sum(bool(option.get("default")) for option in select["options"])
    if presets > (select.get("max_values") or 1):
        raise invalid(f"{path}.options", "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", "Too many.")
    values = [option["value"] for option in select["options"]]
    if len(set(values)) < len(values):
        raise invalid(f"{path}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Duplicated.")


def _check_ids(components: list[Json]) -> None:
    ids = [each["custom_id"] for each in walk(components) if "custom_id" in each]
    for custom_id in ids:
        _check_size("components.custom_id", custom_id, 1, CUSTOM_ID)
    if len(set(ids)) < len(ids):
        raise invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Must be unique.")


def _check_size(path: str, value: Any, least: int, most: int) -> None:
    if not least <= len(value) <= most:
        raise _bad_length(path, least, most)


def _bad_length(path: str, least: int, most: int) -> ApiError:
    text = f"Must be between {least} and {most} in length."
    return invalid(path, "BASE_TYPE_BAD_LENGTH", text)
