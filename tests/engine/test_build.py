"""The step is compiled when the bot is installed, which never fails for want of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from musicgen_bot.engine.native import build as builder
from musicgen_bot.engine.native.build import ZIG, build, read_record, targets_here

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="its compilers are shell scripts"),
    pytest.mark.skipif(not targets_here(), reason="the step is not made for this machine"),
]
ROOT = Path(__file__).parents[2]
NATIVE = Path("musicgen_bot", "engine", "native")
NAMES = tuple(target.name for target in targets_here())
COMPILER = """#!/bin/sh
if [ "$1" = --version ]; then echo "fake {version}"; exit; fi
echo "$*" >> {log}
case "$*" in *{refuses}*) echo "In file included
step.cpp:7:1: error: {refuses}" >&2; exit 1;; esac
while [ "$1" != -o ]; do shift; done
echo "made by {version}" > "$2"
"""
"""It writes down what it was asked for, and needs nothing that the PATH would have to name."""


def fake_compiler(folder: Path, version: str = "1.0", refuses: str = "no-such-option") -> Path:
    path, log = folder / "compiler", folder / "asked"
    path.write_text(COMPILER.format(version=version, refuses=refuses, log=log))
    path.chmod(0o755)
    return path


def asked(folder: Path) -> list[str]:
    """Return what the compiler was asked for since the last time."""
    log = folder / "asked"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


@pytest.fixture
def native(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sources, which nothing has been built in, and no compiler around it."""
    folder = tmp_path / "native"
    shutil.copytree(ROOT / NATIVE, folder, ignore=without_library)
    monkeypatch.setattr(builder, "FOLDER", folder)
    for name, value in no_compiler().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CXX", raising=False)
    return folder


def without_library(folder: str, names: list[str]) -> set[str]:
    built = {name for name in names if name.startswith("step.") and name != "step.cpp"}
    return built | {name for name in names if name in ("__pycache__", "model.safetensors")}


def no_compiler() -> dict[str, str]:
    """Return an environment without a compiler, in which pip asks nobody."""
    hidden = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    return {"PATH": "", "UV": "", **hidden}


@pytest.fixture
def compiler(native: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = fake_compiler(tmp_path)
    monkeypatch.setenv("CXX", str(path))
    return path


@pytest.mark.usefixtures("compiler")
def test_it_is_compiled_for_every_target_and_linked_once(native: Path, tmp_path: Path) -> None:
    assert "compiled by fake 1.0" in build()
    *compiled, linked = [line for line in asked(tmp_path) if "empty.cpp" not in line]
    assert sorted(line.split("MUSICGEN_TARGET=")[1].split()[0] for line in compiled) == sorted(
        NAMES
    )
    assert " ".join(f"{name}.o" for name in NAMES) in linked
    assert (native / builder.LIBRARY).read_text() == "made by 1.0\n"
    assert read_record().targets == NAMES
    assert not list(native.glob("*.new"))


@pytest.mark.usefixtures("compiler")
def test_what_is_built_is_not_built_again(tmp_path: Path) -> None:
    build()
    assert asked(tmp_path)
    assert "compiled by fake 1.0" in build()
    assert not asked(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("step.cpp", "int changed;"), ("new.h", "int added;"), ("build.py", "# changed")),
        *((builder.LIBRARY, "cut short"), (builder.RECORD, '{"sources": 1}'), (builder.RECORD, "")),
    ],
)
@pytest.mark.usefixtures("compiler")
def test_what_has_changed_is_built_anew(native: Path, tmp_path: Path, name: str, text: str) -> None:
    build()
    asked(tmp_path)
    (native / name).write_text(text)
    build()
    assert asked(tmp_path)
    assert builder._is_built("fake 1.0")


@pytest.mark.usefixtures("compiler")
def test_another_compiler_builds_anew(tmp_path: Path) -> None:
    build()
    fake_compiler(tmp_path, "2.0")
    build()
    assert read_record().compiler == "fake 2.0"


@pytest.mark.usefixtures("compiler")
def test_a_target_that_a_compiler_does_not_know_is_left_out(tmp_path: Path) -> None:
    fake_compiler(tmp_path, refuses=targets_here()[-1].options[-1])
    assert "compiled by" in build()
    assert read_record().targets == NAMES[:-1]


@pytest.mark.usefixtures("compiler")
def test_a_compiler_that_fails_is_told(native: Path, tmp_path: Path) -> None:
    fake_compiler(tmp_path, refuses=f"MUSICGEN_TARGET={NAMES[-1]}")
    sentence = build()
    assert "not compiled" in sentence
    assert "step.cpp:7:1: error" in sentence
    assert "\n" not in sentence
    assert "step.cpp:7:1: error" in read_record().obstacle
    assert not (native / builder.LIBRARY).exists()


def test_without_zig_and_without_a_compiler_it_is_told(native: Path) -> None:
    sentence = build()
    assert f"({ZIG}: it cannot be fetched (ERROR: Could not find" in sentence
    assert "c++: it is not on this machine" in sentence
    assert read_record().obstacle in sentence


def test_what_is_whole_stays_where_no_compiler_is_left(
    compiler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    monkeypatch.setenv("CXX", str(compiler.with_name("none")))
    assert "stays as it is" in build()
    assert read_record().targets == NAMES


def test_a_compiler_of_the_system_will_do_where_zig_cannot_be_fetched(
    compiler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler.rename(compiler.with_name("g++"))
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(compiler.parent))
    assert "compiled by fake 1.0" in build()


def test_zig_is_fetched_by_uv_where_there_is_no_pip(
    native: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zig = fake_compiler(tmp_path, "zig")
    uv = tmp_path / "uv"
    uv.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, shutil, sys\n"
        f"assert sys.argv[-1] == {ZIG!r}\n"
        "pathlib.Path('zig/ziglang').mkdir(parents=True)\n"
        f"shutil.copy({str(zig)!r}, 'zig/ziglang/zig')\n"
    )
    uv.chmod(0o755)
    monkeypatch.setenv("UV", str(uv))
    monkeypatch.setattr(builder, "find_spec", lambda name: None)
    assert f"compiled by {ZIG}" in build()
    assert all(line.startswith("cc ") and "-mcpu=" in line for line in asked(tmp_path))
    uv.unlink()
    assert f"compiled by {ZIG}" in build(), "it is not fetched where nothing is to be built"


def test_what_is_in_the_way_of_fetching_zig_is_told_in_a_line(
    native: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "uv"
    uv.write_text(
        "#!/bin/sh\necho 'WARNING: an error, again\nERROR: no network\nbye' >&2\nexit 1\n"
    )
    uv.chmod(0o755)
    monkeypatch.setenv("UV", str(uv))
    monkeypatch.setattr(builder, "find_spec", lambda name: None)
    assert f"({ZIG}: it cannot be fetched (ERROR: no network); c++" in build()


def copy_project(folder: Path) -> Path:
    """Copy what is needed to install the bot, but nothing that was built."""
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "build_backend.py"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "musicgen_bot", folder / "musicgen_bot", ignore=without_library)
    return folder


def run(command: list[str], project: Path, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("CXX", "PYTHONPATH")}
    environment = {**kept, **no_compiler(), **environment}
    result = subprocess.run(
        [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return copy_project(tmp_path / "project")


def test_pip_installs_without_zig_and_without_a_compiler(project: Path, tmp_path: Path) -> None:
    options = ["--no-deps", "--no-build-isolation", "--target", str(tmp_path / "installed")]
    run(["-m", "pip", "install", *options, str(project)], project)
    installed = tmp_path / "installed" / NATIVE
    record = json.loads((installed / builder.RECORD).read_text())
    assert "c++: it is not on this machine" in record["obstacle"]
    assert (installed / "step.cpp").exists()
    assert not (installed / builder.LIBRARY).exists()


def test_a_wheel_has_the_library_and_is_for_this_kind_of_machine(
    project: Path, tmp_path: Path
) -> None:
    hook = "import build_backend; print(build_backend.build_wheel('dist'))"
    said = run(["-c", hook], project, CXX=str(fake_compiler(tmp_path))).splitlines()
    assert any("compiled by fake 1.0" in line for line in said)
    name = said[-1]
    assert "-py3-none-" in name
    assert not name.endswith("-any.whl")
    with ZipFile(project / "dist" / name) as wheel:
        assert wheel.read((NATIVE / builder.LIBRARY).as_posix()) == b"made by 1.0\n"
        assert (NATIVE / builder.RECORD).as_posix() in wheel.namelist()
        assert (NATIVE / "step.cpp").as_posix() in wheel.namelist()


def test_a_checkout_gets_the_library_where_its_sources_are(project: Path, tmp_path: Path) -> None:
    hook = "import build_backend; build_backend.build_editable('dist')"
    run(["-c", hook], project, CXX=str(fake_compiler(tmp_path)))
    assert (project / NATIVE / builder.LIBRARY).read_text() == "made by 1.0\n"
