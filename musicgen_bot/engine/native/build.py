"""Compiles step.cpp when the bot is installed, for every kind of processor that it may then meet.

`build_backend.py` runs this file as a program, with nothing but Python around it, so it imports
nothing of the bot. After a change of the step: `python musicgen_bot/engine/native/build.py`.

The compiler is the one that CXX names; else zig's, which is clang, fetched into a temporary folder;
else that of the system. The library lies beside this file, and what is in it in step.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent
LIBRARY = {"win32": "step.dll", "darwin": "step.dylib"}.get(sys.platform, "step.so")
RECORD = "step.json"
OPTIONS = (
    *("-std=c++17", "-O3", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti"),
    *("-fno-math-errno", "-fPIC", "-fvisibility=hidden", "-Wno-psabi"),
)
ZIG = "ziglang==0.17.1"
ZIG_ON_WINDOWS = ("-nostdlib", "-Wl,--no-entry", "-lkernel32", "-lucrtbase")
"""What zig links the library with there: all of MinGW's would be compiled first, for minutes."""
_SYSTEM_COMPILERS = ("c++", "g++", "clang++")
_SECONDS = 1800
"""After which a program hangs, however slow the network and the machine are."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of processor."""

    name: str
    options: tuple[str, ...]
    """How GCC and clang are told of it."""
    zig: str
    """How zig is."""
    needs: frozenset[str]
    """What such a processor has, as torch.cpu.get_capabilities() calls it."""


_V3 = frozenset(("avx2", "bmi", "bmi2", "f16c", "fma3", "lzcnt"))
_V4 = _V3 | {"avx512_bw", "avx512_cd", "avx512_dq", "avx512_f", "avx512_vl"}
_NEON = frozenset(("neon",))
_VNNI = ("-march=x86-64-v3", "-mavxvnni")
_VNNI_512 = ("-march=x86-64-v4", "-mavx512vnni")
_X86 = (
    Target("avx2", ("-march=x86-64-v3",), "x86_64_v3", _V3),
    Target("avxvnni", _VNNI, "x86_64_v3+avxvnni", _V3 | {"avx_vnni"}),
    Target("avx512vnni", _VNNI_512, "x86_64_v4+avx512vnni", _V4 | {"avx512_vnni"}),
)
_ARM = (
    Target("neon", ("-march=armv8-a",), "generic", _NEON),
    Target("dotprod", ("-march=armv8.2-a+dotprod",), "generic+v8_2a+dotprod", _NEON | {"dot"}),
)
TARGETS = {"x86_64": _X86, "amd64": _X86, "aarch64": _ARM, "arm64": _ARM}
"""By what a system calls the kind of machine; the slowest first."""


class CannotBuild(Exception):
    """A compiler does not build the library, for the reason that the text gives."""


@dataclass(frozen=True, slots=True)
class Record:
    """What came of the last attempt to build the library; empty where there was none."""

    sources: str = ""
    """Their fingerprint."""
    compiler: str = ""
    library: str = ""
    """Its digest."""
    targets: tuple[str, ...] = ()
    obstacle: str = ""
    """Why there is no library, or nothing."""


def targets_here() -> tuple[Target, ...]:
    """Return the kinds of processor that this machine may have, the slowest first."""
    return TARGETS.get(platform.machine().lower(), ())


def read_record() -> Record:
    """Return what came of the last attempt."""
    try:
        fields = json.loads((FOLDER / RECORD).read_text(encoding="utf-8"))
        return Record(**{**fields, "targets": tuple(fields["targets"])})
    except (OSError, ValueError, TypeError, KeyError):
        return Record()


def fingerprint() -> str:
    """Return what changes with the sources, with this file, and with the kind of machine."""
    result = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
    for path in sorted([*FOLDER.glob("*.cpp"), *FOLDER.glob("*.h"), FOLDER / "build.py"]):
        result.update(f"\n{path.name} {digest(path)}".encode())
    return result.hexdigest()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file; nothing where there is none to be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def build() -> str:
    """Build the library unless it is there, and return a sentence on what came of it."""
    obstacles = [] if targets_here() else [f"it is not made for {platform.machine()}"]
    for compiler in _compilers() if targets_here() else ():
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                version = _version(compiler, Path(folder))
                if not _is_built(version):
                    targets = _build(compiler, Path(folder))
                    _put(Path(folder) / LIBRARY)
                    _write(Record(fingerprint(), version, digest(FOLDER / LIBRARY), targets))
            return f"The step is compiled by {version} for {', '.join(read_record().targets)}."
        except (CannotBuild, OSError) as error:
            obstacles.append(f"{compiler}: {error}")
    why = "; ".join(obstacles)
    if _is_built(read_record().compiler):
        return f"The step stays as it is ({why})."
    _write(Record(obstacle=why))
    return f"The step is not compiled, so clips take longer ({why})."


def _compilers() -> tuple[str, ...]:
    named = os.environ.get("CXX")
    return (named,) if named else (ZIG, next(filter(shutil.which, _SYSTEM_COMPILERS), "c++"))


def _version(compiler: str, folder: Path) -> str:
    if compiler == ZIG:
        return ZIG
    return _run([compiler, "--version"], folder).partition("\n")[0]


def _is_built(version: str) -> bool:
    """Return whether a compiler has built what is there, from the sources that are there."""
    record = read_record()
    return (
        record.compiler == version
        and record.sources == fingerprint()
        and record.library == digest(FOLDER / LIBRARY)
    )


def _build(compiler: str, folder: Path) -> tuple[str, ...]:
    """Build the library in a folder, and return the names of the targets that are in it."""
    if compiler == ZIG:
        command = [_fetch_zig(folder), "cc", *OPTIONS]
        commands = {each.name: [*command, f"-mcpu={each.zig}"] for each in targets_here()}
    else:
        commands = {each.name: [compiler, *OPTIONS, *each.options] for each in targets_here()}
        # An older compiler does not know the newest processors.
        (folder / "empty.cpp").touch()
        commands = {name: each for name, each in commands.items() if _knows(each, folder)}
    if not commands:
        raise CannotBuild("it knows none of the processors that the step is made for")

    def compiled(name: str) -> str:
        source = [f"-DMUSICGEN_TARGET={name}", "-c", str(FOLDER / "step.cpp")]
        _run([*commands[name], *source, "-o", f"{name}.o"], folder)
        return f"{name}.o"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, commands))
    # What the compiler adds of its own is then for the slowest.
    slowest = next(iter(commands.values()))
    with_what = ZIG_ON_WINDOWS if compiler == ZIG and sys.platform == "win32" else ()
    _run([*slowest, "-shared", "-s", *objects, *with_what, "-o", LIBRARY], folder)
    return tuple(commands)


def _knows(command: list[str], folder: Path) -> bool:
    try:
        _run([*command, "-c", "empty.cpp", "-o", "empty.o"], folder)
    except CannotBuild:
        return False
    return True


def _fetch_zig(folder: Path) -> str:
    """Have zig installed into a folder, and return where it is."""
    installer = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    installer += ["--no-user", "--retries=1", "--timeout=15"]
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv and not find_spec("pip"):
        installer = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    try:
        _run([*installer, "--no-deps", "--only-binary=:all:", "--target=zig", ZIG], folder)
    except CannotBuild as obstacle:
        raise CannotBuild(f"it cannot be fetched ({obstacle})") from obstacle
    return str(folder / "zig" / "ziglang" / ("zig.exe" if sys.platform == "win32" else "zig"))


def _run(command: list[str], folder: Path) -> str:
    """Run a program in a folder, and return what it says. Raises CannotBuild where it fails."""
    caches = {f"ZIG_{kind}_CACHE_DIR": str(folder / kind) for kind in ("GLOBAL", "LOCAL")}
    try:
        # The compiler is the one that CXX or the PATH names; nothing of it comes from a prompt.
        result = subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            env={**os.environ, **caches},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
    except FileNotFoundError as error:
        raise CannotBuild("it is not on this machine") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuild(f"it does not run ({error})") from error
    if result.returncode:
        said = result.stderr.strip().splitlines() or [f"it ends with status {result.returncode}"]
        told = (line for line in said if re.match(r"(?!WARNING).*\berror\b", line, re.IGNORECASE))
        raise CannotBuild(next(told, said[-1]).strip())
    return result.stdout


def _put(library: Path) -> None:
    """Put the library into its place at once, since the bot may be running with the last one."""
    new = FOLDER / f"{LIBRARY}.new"
    shutil.copyfile(library, new)
    new.replace(FOLDER / LIBRARY)


def _write(record: Record) -> None:
    (FOLDER / RECORD).write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(build() + "\n")
