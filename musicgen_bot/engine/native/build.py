"""Builds step.cpp for this very machine, once, with the compiler that is here.

The library lies in the user's cache under a name made of all that went into it, so a new version, a
new compiler or another processor finds nothing there and builds anew. So it is where the file is
not what was built: its digest lies beside it.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import logging
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
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
    name = f"step-{_fingerprint(compiler, options)}.so"
    obstacles = []
    for folder in _folders():
        try:
            _make_private(folder)
            if not _is_whole(folder / name):
                _build(compiler, options, folder / name)
            # Some file systems have no programs run from them; and nobody can exchange what is
            # loaded.
            ctypes.CDLL(str(folder / name))
            return folder / name
        except OSError as error:
            obstacles.append(f"{folder} cannot be used: {error.strerror or error}")
    raise CannotBuild("; ".join(obstacles))


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


def _folders() -> Iterator[Path]:
    """Yield where the library may be: in the user's cache, or else where it lasts for a while."""
    cache = os.environ.get("XDG_CACHE_HOME")
    if cache:
        yield Path(cache) / "musicgen-bot" / "step"
    else:
        with suppress(RuntimeError):  # a user that the system does not know has no home
            yield Path.home() / ".cache" / "musicgen-bot" / "step"
    yield Path(tempfile.gettempdir()) / f"musicgen-bot-{os.geteuid()}"


def _make_private(folder: Path) -> None:
    """Make a folder into which nobody but this user (and root) can put a library.

    Raises OSError where that cannot be, or others could have put one there. Whoever can write a
    folder above it can put another in its place, unless the system keeps people from moving what is
    not theirs, as in /tmp.
    """
    folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    itself = folder.lstat()
    is_ours = stat.S_ISDIR(itself.st_mode) and itself.st_uid == os.geteuid()
    above = [parent.stat().st_mode for parent in folder.resolve().parents]
    if (
        not is_ours
        or itself.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        or any(mode & stat.S_IWOTH and not mode & stat.S_ISVTX for mode in above)
    ):
        raise PermissionError(errno.EPERM, "others can write it")


def _is_whole(path: Path) -> bool:
    """Return whether a library is there as it was built."""
    with suppress(OSError, ValueError):
        return _digest_file(path).read_text(encoding="ascii") == _digest(path)
    return False


def _digest_file(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _build(compiler: str, options: list[str], path: Path) -> None:
    """Build the library at a path. Raises CannotBuild, and OSError where it cannot be written."""
    _log.info("Building %s with %s in %s, once", _SOURCE.name, compiler, path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        result = _run([compiler, *options, "-o", str(fresh)])
        if result.returncode:
            _log.warning("%s failed: %s", compiler, result.stderr.strip())
            raise CannotBuild(f"{compiler} could not build it (the log says why)")
        _digest_file(fresh).write_text(_digest(fresh), encoding="ascii")
        # Until both are in place, an older digest, or none, tells that the library is not whole.
        for part in (fresh, _digest_file(fresh)):
            _sync(part)
            part.replace(path.with_name(part.name))
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Wait until a file, or what is in a folder, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        # The compiler is the one that CXX or the PATH names; nothing of it comes from a prompt.
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuild(f"{command[0]} does not run: {error}") from error
