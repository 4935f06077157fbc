"""Builds step.cpp for this very machine, once, with the compiler that is here.

The library lies in the user's cache under a name made of all that went into it, so a new version, a
new compiler or another processor finds nothing there and builds anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_log = logging.getLogger(__name__)
_SOURCE = Path(__file__).with_name("step.cpp")
_COMPILERS = ("c++", "g++", "clang++")
_SECONDS = 300


class CannotBuild(Exception):
    """There is no library, for the reason that the text gives."""


def library() -> Path:
    """Return the shared library of step.cpp, which is built where it is not there yet.

    Raises CannotBuild.
    """
    if sys.platform == "win32":
        raise CannotBuild("on Windows it is not built")
    compiler = _compiler()
    options = [*_options(), str(_SOURCE)]
    path = _folder() / f"step-{_fingerprint(compiler, options)}.so"
    if not path.exists():
        _build(compiler, options, path)
    return path


def _compiler() -> str:
    for name in (os.environ.get("CXX"), *_COMPILERS):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise CannotBuild("there is no C++ compiler; install g++ or clang")


def _options() -> list[str]:
    native = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
    return ["-std=c++17", "-O3", native, "-fPIC", "-shared", "-pthread", "-Wno-psabi"]


def _fingerprint(compiler: str, options: list[str]) -> str:
    version = _run([compiler, "--version"]).stdout
    parts = (_SOURCE.read_text(encoding="utf-8"), compiler, version, *options[:-1], _processor())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return f"{platform.machine()} {platform.processor()}"
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(sorted({line for line in lines if line.startswith(("flags", "Features"))}))


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "musicgen-bot"


def _build(compiler: str, options: list[str], path: Path) -> None:
    _log.info("Building %s with %s, once", _SOURCE.name, compiler)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            fresh = Path(folder) / path.name
            result = _run([compiler, *options, "-o", str(fresh)])
            if result.returncode:
                _log.warning("%s failed: %s", compiler, result.stderr.strip())
                raise CannotBuild(f"{compiler} could not build it (the log says why)")
            fresh.replace(path)
    except OSError as error:
        raise CannotBuild(f"{path.parent} cannot be written: {error.strerror}") from error


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        # The compiler is the one that CXX or the PATH names; nothing of it comes from a prompt.
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuild(f"{command[0]} does not run: {error}") from error
