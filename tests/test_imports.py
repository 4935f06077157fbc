"""The house: imports point one way, and heavy libraries stay in their rooms."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "musicgen_bot"
MODULES = sorted(PACKAGE.rglob("*.py"))

DOMAIN = {
    *("errors", "generation", "translations", "job", "clip_list", "blocks", "snowflakes"),
    *("guild_settings", "guild_settings_json"),
}
"""What everybody talks about."""
MAY_IMPORT = {
    "translations": set(),
    "errors": {"translations"},
    "generation": {"errors", "translations"},
    "snowflakes": set(),
    "blocks": set(),
    "job": {"generation", "translations"},
    "clip_list": {"job"},
    "guild_settings": {"errors", "translations"},
    "guild_settings_json": {"errors", "guild_settings", "snowflakes"},
    "styles": {"errors", "generation", "translations"},
    "network": set(),
    "gateway": set(),
    "audio": {"errors", "generation", "translations"},
    "store": DOMAIN,
    "logs": set(),
    "process": set(),
    "__main__": {"process", "cli"},
    "config": {"errors"},
    "engine": {"errors", "generation", "translations"},
    "backends": {"engine", "errors", "generation", "translations"},
    "jobs": {"backends", "store", "audio", *DOMAIN},
    "ui": {"jobs", "audio", "styles", "network", *DOMAIN},
    "cogs": {"ui", "jobs", "audio", "styles", "network", "gateway", *DOMAIN},
    "terminal": {"audio", *DOMAIN},
    "connection": {"network", "errors"},
    "command_sync": {"cogs", "ui", "store", "network"},
    "check": {"engine", "audio", "store", *DOMAIN},
    "bench": {"engine", "process"},
    "app": {
        *("__version__", "terminal", "connection", "command_sync", "cogs", "ui", "jobs"),
        *("backends", "engine", "audio", "store", "config", *DOMAIN),
    },
    "cli": {"app", "bench", "check", "config", "logs", "process", "audio", *DOMAIN},
}
ROOMS = {
    "discord": {"cogs", "ui", "connection", "network", "command_sync", "app"},
    "torch": {"engine"},
    "transformers": {"engine"},
    "PIL": {"audio"},
    "aiosqlite": {"store"},
    "babel": {"translations"},
    "typer": {"cli"},
}


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_imports_point_one_way(module: Path) -> None:
    room = room_of(module)
    if room == "__init__":
        return
    for name in imported(module):
        top, _, rest = name.partition(".")
        if top == "musicgen_bot":
            other = rest.split(".")[0]
            assert other == room or other in MAY_IMPORT[room], f"{room} must not import {other}"
        elif top in ROOMS:
            assert room in ROOMS[top], f"{top} belongs into {ROOMS[top]}, not {room}"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_modules_do_nothing_but_define(module: Path) -> None:
    for node in ast.parse(module.read_text()).body:
        assert not isinstance(node, ast.For | ast.While | ast.With | ast.Try | ast.AugAssign)
        assert not isinstance(node, ast.Expr) or isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Dict | ast.Set):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            assert names == {"__all__"} or all(name.isupper() for name in names), (
                f"{names} could be changed while the bot runs"
            )


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, musicgen_bot.cli; "
        "print({'torch', 'transformers', 'discord', 'numpy'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "set()"
