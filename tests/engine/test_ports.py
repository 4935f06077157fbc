"""The compiled step comes to the same, to the bit, on other processors and systems than this one.

For those it needs zig, which compiles for them (as a module of this Python, or on the PATH), and a
program that runs what is theirs: qemu-aarch64, wine. What is not there is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from musicgen_bot.engine.native import build as builder
from musicgen_bot.engine.native.build import FOLDER, TARGETS, Target

PROGRAM = Path(__file__).parent / "native_step" / "digests.cpp"
ON_PATH = shutil.which("zig")
ZIG = [sys.executable, "-m", "ziglang"] if find_spec("ziglang") else [ON_PATH] if ON_PATH else []

pytestmark = [
    pytest.mark.skipif(not ZIG, reason="zig is not there"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows is tried from elsewhere"),
]


@dataclass(frozen=True, slots=True)
class Port:
    """A kind of machine and its system."""

    name: str
    """As zig calls it."""
    targets: tuple[Target, ...]
    """What it can run, the slowest first."""
    runner: str = ""
    """The program that runs its programs, which are otherwise run as they are."""


def runnable(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Return those of the targets that this processor can run."""
    has = {name for name, there in torch.cpu.get_capabilities().items() if there is True}
    return tuple(target for target in targets if target.needs <= has)


HERE = Port("native", runnable(builder.targets_here()))
ARM = Port("aarch64-linux-musl", TARGETS["aarch64"], "qemu-aarch64")
WINDOWS = Port("x86_64-windows-gnu", runnable(TARGETS["x86_64"]), "wine")
MACS = (Port("aarch64-macos", TARGETS["arm64"]), Port("x86_64-macos", TARGETS["x86_64"]))


def run(command: list[str], folder: Path) -> str:
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(folder / "cache"), **os.environ}
    own = {"ZIG_LOCAL_CACHE_DIR": str(folder), "WINEPREFIX": str(folder / "wine"), "DISPLAY": ""}
    env = {**caches, **own, "WINEDEBUG": "-all"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compiler(port: Port, target: Target) -> list[str]:
    """Return the command that builds the library, but for another machine."""
    return [*ZIG, "cc", "-target", port.name, *builder.OPTIONS, f"-mcpu={target.zig}"]


def objects(port: Port, folder: Path) -> list[str]:
    """Compile the step for a machine."""
    for target in port.targets:
        source = [f"-DMUSICGEN_TARGET={target.name}", "-c", str(FOLDER / "step.cpp")]
        run([*compiler(port, target), *source, "-o", f"{target.name}.o"], folder)
    return [f"{target.name}.o" for target in port.targets]


def link_library(port: Port, folder: Path, name: str) -> Path:
    """Build the library as it is built on such a machine."""
    with_what = builder.ZIG_ON_WINDOWS if "windows" in port.name else ()
    command = [*compiler(port, port.targets[0]), "-shared", "-s", *objects(port, folder)]
    run([*command, *with_what, "-o", name], folder)
    return folder / name


def digests(port: Port, folder: Path) -> dict[str, str]:
    """Return what the program prints, by the target whose step it calls."""
    folder.mkdir(exist_ok=True)
    if port is WINDOWS:
        # The program has no more start-up code than the library, and finds that beside it.
        step = [link_library(port, folder, "step.dll").name]
        options = ["-nostdlib", "-Wl,-e,begin", "-lkernel32", "-lucrtbase"]
    else:
        step, options = objects(port, folder), ["-static"] if port is ARM else []
    result = {}
    for target in port.targets:
        name = f"{target.name}.exe"
        compile_it = compiler(port, port.targets[0])
        source = [f"-DMUSICGEN_TARGET={target.name}", f"-I{FOLDER}", "-c", str(PROGRAM)]
        run([*compile_it, *source, "-o", "program.o"], folder)
        run([*compile_it, "program.o", *step, *options, "-o", name], folder)
        result[target.name] = run([*filter(None, [port.runner]), str(folder / name)], folder)
    return result


@pytest.mark.parametrize("port", [HERE, ARM, WINDOWS], ids=lambda port: port.name)
def test_all_processors_and_systems_come_to_the_same(port: Port, tmp_path: Path) -> None:
    if port.runner and not shutil.which(port.runner):
        pytest.skip(f"{port.runner} is not there")
    if not (port.targets and HERE.targets):
        pytest.skip("the step is not made for this processor")
    slowest = Port(HERE.name, HERE.targets[:1])
    (expected,) = digests(slowest, tmp_path / "here").values()
    assert expected
    for target, found in digests(port, tmp_path / "there").items():
        assert found == expected, target


@pytest.mark.parametrize("port", MACS, ids=lambda port: port.name)
def test_the_library_is_built_for_macs(port: Port, tmp_path: Path) -> None:
    library = link_library(port, tmp_path, "step.dylib").read_bytes()
    for target in port.targets:
        assert f"_musicgen_step_{target.name}".encode() in library
