"""The controls of messages and modals, and what Discord makes of it when a person uses one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.discord_server.commands import NotTypeable, Typed
from tests.discord_server.people import Json, Member, Role, User
from tests.discord_server.places import Channel

ROW, BUTTON, STRING_SELECT, TEXT_INPUT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT = range(1, 8)
CHANNEL_SELECT, LABEL = 8, 18
SELECTS = (STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)
_CHOOSABLE: Mapping[int, tuple[type, ...]] = {
    STRING_SELECT: (str,),
    USER_SELECT: (Member, User),
    ROLE_SELECT: (Role,),
    MENTIONABLE_SELECT: (Member, User, Role),
    CHANNEL_SELECT: (Channel,),
}


def controls_in(components: Sequence[Json]) -> Iterator[Json]:
    """Yield every component that a person can use, however deep."""
    for component in components:
        if "custom_id" in component:
            yield component
        yield from controls_in(component.get("components", []))
        yield from controls_in([component["component"]] if "component" in component else [])


def find_control(components: Sequence[Json], custom_id: str, kinds: Sequence[int]) -> Json:
    """Return the control of that id. Raises NotTypeable where there is none to use."""
    known = [
        control
        for control in controls_in(components)
        if control["type"] in kinds and not control.get("disabled")
    ]
    for control in known:
        if control["custom_id"] == custom_id:
            return control
    ids = [control["custom_id"] for control in known]
    raise NotTypeable(f"there is no control {custom_id!r} to use; there are: {ids}")


def choose(select: Json, values: Sequence[Any], typed: Typed) -> list[str]:
    """Return the values of a select as Discord sends them; what they name goes into `typed`.

    Raises NotTypeable for what Discord would not let a person choose.
    """
    low, high = select.get("min_values", 1), select.get("max_values", 1)
    name = select["custom_id"]
    if not low <= len(values) <= high:
        raise NotTypeable(f"{name!r} takes {low} to {high} values, not {len(values)}")
    if len(set(map(id, values))) != len(values):
        raise NotTypeable(f"nothing can be chosen twice in {name!r}")
    if select["type"] == STRING_SELECT:
        offered = [option["value"] for option in select["options"]]
        if not set(values) <= set(offered):
            raise NotTypeable(f"{values} are not all among {offered}")
        return list(values)
    kinds = select.get("channel_types")
    for value in values:
        if not isinstance(value, _CHOOSABLE[select["type"]]):
            raise NotTypeable(f"{value!r} cannot be chosen in {name!r}")
        if isinstance(value, Channel) and kinds and value.kind not in kinds:
            raise NotTypeable(f"{value!r} is not of a type that {name!r} shows")
    return [str(typed.resolve(value)) for value in values]


def fill_in(
    modal: Json, values: Mapping[str, Any], typed: Typed, there: Mapping[int, Channel | Role]
) -> list[Json]:
    """Return a modal's components as Discord sends them; what is not given keeps its default.

    Texts are given as str, choices as lists; `there` is what a default may name, by id. Raises
    NotTypeable for what Discord would not send.
    """
    known = {control["custom_id"] for control in controls_in(modal["components"])}
    if unknown := values.keys() - known:
        raise NotTypeable(f"the modal has no {unknown}; it has: {known}")
    filled = []
    for number, label in enumerate(modal["components"]):
        control = label["component"]
        value = values.get(control["custom_id"])
        if control["type"] == TEXT_INPUT:
            text = control.get("value") or "" if value is None else value
            _check_text(control, text)
            answer: Json = {"value": text}
        else:
            chosen = _preset(control, there) if value is None else value
            if not chosen and not control.get("required", True):
                answer = {"values": []}
            else:
                answer = {"values": choose(control, chosen, typed)}
        entry = {"type": control["type"], "id": 2 * number + 2, "custom_id": control["custom_id"]}
        filled.append({"type": LABEL, "id": 2 * number + 1, "component": {**entry, **answer}})
    return filled


def _preset(select: Json, there: Mapping[int, Channel | Role]) -> list[Any]:
    """Return what is chosen when a modal opens."""
    named = [there[int(each["id"])] for each in select.get("default_values", [])]
    return named or [each["value"] for each in select.get("options", []) if each.get("default")]


def _check_text(control: Json, text: str) -> None:
    name = control["custom_id"]
    if control.get("required", True) and not text:
        raise NotTypeable(f"{name!r} must be filled in")
    low, high = control.get("min_length") or 0, control.get("max_length") or 4000
    if text and not low <= len(text) <= high:
        raise NotTypeable(f"{name!r} takes {low} to {high} characters, not {len(text)}")
