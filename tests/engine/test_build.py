"""The compiled step is built once, is loaded only as it was built, and never for want of a home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from musicgen_bot.engine.native import build as builder
from musicgen_bot.engine.native.build import CannotBuild, library

try:
    BUILT = library()
except CannotBuild as obstacle:
    pytest.skip(f"the step is not compiled here: {obstacle}", allow_module_level=True)

LOAD = """
import ctypes
slow = build._build
build._build = lambda compiler, options, path: slow(compiler, [*options, "-O0"], path)
path = build.library()
ctypes.CDLL(str(path)).musicgen_decoder
print(path)
"""
"""Builds soon, for what is asked is not how fast it computes."""
ALONE = f"""
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("build", {builder.__file__!r})
build = module_from_spec(spec)
spec.loader.exec_module(build)
"""
"""Imports the module without the engine around it, which takes seconds."""
STRANGER = 12345
"""A user that the system has no entry of."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a library that is there already, so that no test waits for the compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    folder = tmp_path / "cache" / "musicgen-bot" / "step"
    shutil.copytree(BUILT.parent, folder)
    return folder


def loaded(cache: Path) -> Path:
    """Load the library in a process of its own, which ends well, and return where it was."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache.parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", ALONE + LOAD], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.strip())


def no_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*arguments: object) -> None:
        raise AssertionError("it is built anew")

    monkeypatch.setattr(builder, "_build", build)


def test_it_is_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_compiling(monkeypatch)
    assert library() == cache / BUILT.name
    assert library() == cache / BUILT.name


@pytest.mark.parametrize("size", [0, 4096])
def test_a_library_cut_short_is_built_anew(cache: Path, size: int) -> None:
    with (cache / BUILT.name).open("r+b") as file:
        file.truncate(size)
    assert loaded(cache) == cache / BUILT.name
    assert (cache / BUILT.name).stat().st_size > 4096
    assert sorted(path.name for path in cache.iterdir()) == sorted(
        [BUILT.name, BUILT.with_suffix(".sha256").name]
    )


@pytest.mark.parametrize("digest", [None, "", "0" * 64, "\xff"])
def test_a_library_without_its_digest_is_built_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch, digest: str | None
) -> None:
    file = (cache / BUILT.name).with_suffix(".sha256")
    file.unlink()
    if digest is not None:
        file.write_text(digest, encoding="latin-1")
    no_compiling(monkeypatch)
    with pytest.raises(AssertionError, match="anew"):
        library()


def test_a_library_is_on_the_disk_before_it_is_in_place(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace, build = builder._sync, Path.replace, builder._build

    def synced(path: Path) -> None:
        done.append(f"sync {path.name}")
        sync(path)

    def replaced(path: Path, target: Path) -> Path:
        done.append(f"replace {target.name}")
        return replace(path, target)

    def built_soon(compiler: str, options: list[str], path: Path) -> None:
        build(compiler, [*options, "-O0"], path)

    monkeypatch.setattr(builder, "_build", built_soon)
    monkeypatch.setattr(builder, "_sync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    (cache / BUILT.name).unlink()
    library()
    digest = BUILT.with_suffix(".sha256").name
    assert done == [
        *(f"sync {BUILT.name}", f"replace {BUILT.name}", f"sync {digest}", f"replace {digest}"),
        "sync step",
    ]


def test_a_compiler_that_fails_is_told(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken-compiler"
    broken.write_text('#!/bin/sh\ntest "$1" = --version\n')
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    before = sorted(cache.iterdir())
    with pytest.raises(CannotBuild, match="could not build it"):
        library()
    assert sorted(cache.iterdir()) == before


@pytest.fixture
def built_elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Copy the library instead of building it, and tell where to."""
    paths: list[Path] = []

    def build(compiler: str, options: list[str], path: Path) -> None:
        paths.append(path)
        shutil.copy(BUILT, path)
        shutil.copy(BUILT.with_suffix(".sha256"), path.with_suffix(".sha256"))

    monkeypatch.setattr(builder, "_build", build)
    return paths


def temporary(tmp_path: Path) -> Path:
    return tmp_path / "temporary" / f"musicgen-bot-{os.geteuid()}" / BUILT.name


def test_where_the_cache_cannot_be_written_it_is_a_temporary_folder(
    tmp_path: Path, cache: Path, built_elsewhere: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert [library(), library()] == 2 * [temporary(tmp_path)]
    assert built_elsewhere == [temporary(tmp_path)]
    assert temporary(tmp_path).parent.stat().st_mode & 0o777 == 0o700


def test_where_nothing_can_be_written_it_is_told(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(CannotBuild, match=r"Not a directory; .* cannot be used: Not a directory"):
        library()


def open_it(cache: Path) -> None:
    cache.chmod(0o777)


def open_it_to_the_group(cache: Path) -> None:
    cache.chmod(0o770)


def open_the_one_above(cache: Path) -> None:
    cache.parents[1].chmod(0o777)


def give_it_away(cache: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(cache, STRANGER, STRANGER)


def link_it(cache: Path) -> None:
    cache.rename(cache.with_name("elsewhere"))
    cache.symlink_to(cache.with_name("elsewhere"))


@pytest.mark.parametrize(
    "change", [open_it, open_it_to_the_group, open_the_one_above, give_it_away, link_it]
)
def test_nothing_is_loaded_from_where_others_can_write(
    tmp_path: Path, cache: Path, built_elsewhere: list[Path], change: Callable[[Path], None]
) -> None:
    change(cache)
    assert library() == temporary(tmp_path)
    assert built_elsewhere == [temporary(tmp_path)]


def test_a_folder_that_is_open_but_for_others_files_will_do(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parents[1].chmod(0o1777)
    no_compiling(monkeypatch)
    assert library() == cache / BUILT.name


def test_without_a_home_it_is_a_temporary_folder(
    tmp_path: Path,
    cache: Path,
    built_elsewhere: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", home)
    assert library() == temporary(tmp_path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can look into, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_user_whom_the_system_does_not_know_can_start(open_folder: Path) -> None:
    """As in a container that was started with another user's number."""
    (open_folder / "temporary").mkdir()
    (open_folder / "temporary").chmod(0o1777)
    shutil.copy(builder._SOURCE, open_folder / "step.cpp")
    become = f"""
import os
from pathlib import Path
from musicgen_bot.engine.native import build
build._SOURCE = Path({str(open_folder / "step.cpp")!r})
os.setgroups([])
os.setgid({STRANGER})
os.setuid({STRANGER})
"""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(open_folder / "temporary")}
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    result = subprocess.run(
        [sys.executable, "-c", become + LOAD], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    folder = open_folder / "temporary" / f"musicgen-bot-{STRANGER}"
    assert Path(result.stdout.strip()).parent == folder
