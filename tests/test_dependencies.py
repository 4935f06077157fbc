"""What the code imports is what pyproject.toml asks for."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = {"musicgen_bot", "tests", "training"}


def imported(folder: str) -> Iterator[str]:
    """Yield the name of every package of others that some module there imports."""
    for module in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from {name.split(".")[0] for name in names} - OWN - sys.stdlib_module_names


def declared(*extras: str) -> set[str]:
    """Return the distributions that are asked for, with those of some extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {_plain(re.split(r"[~=<>!;\[ ]", line)[0]) for line in lines}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("folder", "extras"),
    [("musicgen_bot", ()), ("training", ("training",)), ("tests", ("dev",))],
)
def test_what_is_imported_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    providers = packages_distributions()
    asked_for = declared(*extras)
    missing = {
        name
        for name in imported(folder)
        # What is not installed, as what training needs on top may not be, is called as it is named.
        if asked_for.isdisjoint(map(_plain, providers.get(name, [name])))
    }
    assert missing == set()
