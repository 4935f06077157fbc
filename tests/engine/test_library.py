"""The compiled step is loaded as it was compiled, for the processor at hand, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from musicgen_bot.engine.native import build as builder
from musicgen_bot.engine.native.build import TARGETS, Record
from musicgen_bot.engine.native.decoder import Team
from musicgen_bot.engine.native.library import NotCompiled, _choose, library
from musicgen_bot.errors import ModelError

AVX2 = ("avx2", "bmi", "bmi2", "f16c", "fma3", "lzcnt")
AVX512 = ("avx512_bw", "avx512_cd", "avx512_dq", "avx512_f", "avx512_vl")
X86 = ("avx2", "avxvnni", "avx512vnni")
ARM = ("neon", "dotprod")


@pytest.fixture
def native(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder that the step was compiled in."""
    try:
        library()
    except NotCompiled as obstacle:
        pytest.skip(f"the step is not compiled here: {obstacle}")
    folder = tmp_path / "native"
    shutil.copytree(builder.FOLDER, folder)
    monkeypatch.setattr(builder, "FOLDER", folder)
    return folder


def test_what_was_compiled_is_loaded_where_it_lies(native: Path) -> None:
    compiled = library()
    assert compiled.path == native / builder.LIBRARY
    memory = torch.ones(1 << 17, dtype=torch.uint8)
    Team(compiled.path, compiled.target, threads=2).read(memory)


@pytest.mark.parametrize("size", [0, 4096])
def test_a_library_cut_short_is_not_loaded(native: Path, size: int) -> None:
    with (native / builder.LIBRARY).open("r+b") as file:
        file.truncate(size)
    with pytest.raises(NotCompiled, match=r"is not what was compiled; .*pip install -e"):
        library()


def test_a_library_that_is_gone_is_told(native: Path) -> None:
    (native / builder.LIBRARY).unlink()
    with pytest.raises(NotCompiled, match="is not what was compiled"):
        library()


@pytest.mark.parametrize("name", ["step.cpp", "new.h"])
def test_a_library_of_other_sources_is_not_loaded(native: Path, name: str) -> None:
    with (native / name).open("a") as file:
        file.write("// changed\n")
    with pytest.raises(NotCompiled, match=r"have changed since it was; .*pip install -e"):
        library()


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"targets": [], "other": 1}'])
def test_without_a_record_nothing_is_loaded(native: Path, text: str | None) -> None:
    record = native / builder.RECORD
    record.unlink()
    if text is not None:
        record.write_text(text)
    with pytest.raises(NotCompiled, match=r"was not installed here; .*pip install -e"):
        library()


def test_why_nothing_was_compiled_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "FOLDER", tmp_path)
    builder._write(Record(obstacle="c++: it does not run"))
    with pytest.raises(NotCompiled, match=r"failed .* \(c\+\+: it does not run\); .*pip install"):
        library()


def test_a_library_that_the_system_does_not_load_is_told(native: Path) -> None:
    (native / builder.LIBRARY).write_bytes(b"no program")
    record = builder.read_record()
    digest = builder.digest(native / builder.LIBRARY)
    builder._write(Record(record.sources, record.compiler, digest, record.targets))
    with pytest.raises(NotCompiled, match="the system does not load"):
        library()


def test_a_target_can_be_chosen(native: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slowest = builder.targets_here()[0].name
    monkeypatch.setenv("MUSICGEN_STEP_TARGET", slowest)
    assert library().target == slowest


@pytest.mark.parametrize("name", ["avx3", "avx512_vnni", "../step"])
@pytest.mark.usefixtures("native")
def test_a_target_that_is_not_there_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSICGEN_STEP_TARGET", name)
    with pytest.raises(ModelError, match=r"MUSICGEN_STEP_TARGET is .* choose one of \w+"):
        library()


def processor(monkeypatch: pytest.MonkeyPatch, machine: str, features: tuple[str, ...]) -> None:
    known: dict[str, object] = dict.fromkeys(("avx2", "neon", "avx_vnni"), False)
    has = {**known, **dict.fromkeys(features, True), "l2_cache_size": 1 << 21}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    monkeypatch.setattr(builder, "targets_here", lambda: TARGETS[machine])
    monkeypatch.delenv("MUSICGEN_STEP_TARGET", raising=False)


@pytest.mark.parametrize(
    ("machine", "features", "target"),
    [
        ("x86_64", AVX2, "avx2"),
        ("amd64", (*AVX2, "avx_vnni"), "avxvnni"),
        ("x86_64", (*AVX2, *AVX512), "avx2"),
        ("x86_64", (*AVX2, *AVX512, "avx512_vnni"), "avx512vnni"),
        ("x86_64", (*AVX2, *AVX512, "avx512_vnni", "avx_vnni"), "avx512vnni"),
        ("x86_64", (*AVX2, "avx512_vnni"), "avx2"),
        ("aarch64", ("neon",), "neon"),
        ("arm64", ("neon", "dot"), "dotprod"),
    ],
)
def test_the_fastest_target_that_a_processor_can_run_is_taken(
    machine: str, features: tuple[str, ...], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(monkeypatch, machine, features)
    assert _choose(X86 + ARM) == target


def test_a_target_that_was_left_out_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, "x86_64", (*AVX2, *AVX512, "avx512_vnni", "avx_vnni"))
    assert _choose(("avx2",)) == "avx2"


def test_a_target_that_this_processor_cannot_run_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processor(monkeypatch, "x86_64", AVX2)
    monkeypatch.setenv("MUSICGEN_STEP_TARGET", "avx512vnni")
    with pytest.raises(ModelError, match="choose one of avx2"):
        _choose(X86)


def test_a_processor_of_no_kind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, "x86_64", ("avx2",))
    with pytest.raises(NotCompiled, match="none of the kinds"):
        _choose(X86)
