"""What a container or a service may have of the machine is read as the kernel tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from musicgen_bot.engine import device, load_engine
from musicgen_bot.engine.machine import free_main_memory, processor_limit

CPU = torch.device("cpu")
GIB = 2**30


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files below a root folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The files of a machine with 8 GiB free and no limits."""
    meminfo = "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n"
    return write(tmp_path, {"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n"})


def group(root: Path, folder: str, most: object, taken: int = GIB, inactive: int = 0) -> None:
    """Limit the memory of a group of version 2."""
    write(
        root / "sys/fs/cgroup" / folder,
        {
            "memory.max": f"{most}\n",
            "memory.current": f"{taken}\n",
            "memory.stat": f"anon {taken}\ninactive_file {inactive}\nfile {inactive}\n",
        },
    )


def older_group(root: Path, folder: str, most: int, taken: int, inactive: int) -> None:
    """Limit the memory of a group of version 1."""
    write(
        root / "sys/fs/cgroup/memory" / folder,
        {
            "memory.limit_in_bytes": f"{most}\n",
            "memory.usage_in_bytes": f"{taken}\n",
            "memory.stat": f"cache 5\ninactive_file 7\ntotal_inactive_file {inactive}\n",
        },
    )


def belongs_to(root: Path, groups: str) -> None:
    (root / "proc/self/cgroup").write_text(groups)


def test_without_limits_it_is_what_the_machine_has_free(root: Path) -> None:
    assert free_main_memory(root) == 8 * GIB
    assert processor_limit(root) is None
    (root / "proc/self/cgroup").unlink()
    assert free_main_memory(root) == 8 * GIB
    assert processor_limit(root) is None


def test_a_container_has_what_its_limit_leaves_and_the_cache_it_can_give_back(root: Path) -> None:
    group(root, "", most=2 * GIB, taken=GIB, inactive=GIB // 4)
    assert free_main_memory(root) == GIB + GIB // 4


@pytest.mark.parametrize("most", ["max", 64 * GIB])
def test_a_limit_above_what_is_free_is_none(root: Path, most: object) -> None:
    group(root, "", most=most)
    assert free_main_memory(root) == 8 * GIB


def test_nothing_is_left_where_more_is_taken_than_allowed(root: Path) -> None:
    group(root, "", most=GIB, taken=2 * GIB)
    assert free_main_memory(root) == 0


def test_the_limit_of_a_group_further_out_counts_too(root: Path) -> None:
    belongs_to(root, "0::/system.slice/bot.service\n")
    group(root, "system.slice/bot.service", most="max")
    assert free_main_memory(root) == 8 * GIB
    group(root, "system.slice", most=3 * GIB)
    assert free_main_memory(root) == 2 * GIB
    group(root, "system.slice/bot.service", most=2 * GIB)
    assert free_main_memory(root) == GIB


@pytest.mark.parametrize("path", ["/docker/0123", "/../0123", "/../.."])
def test_a_path_outside_the_container_leads_to_its_own_group(root: Path, path: str) -> None:
    belongs_to(root, f"0::{path}\n")
    group(root, "", most=2 * GIB)
    write(root, {"sys/fs/cgroup/cpu.max": "100000 100000\n"})
    assert free_main_memory(root) == GIB
    assert processor_limit(root) == 1


def test_groups_of_version_1_count_as_well(root: Path) -> None:
    belongs_to(root, "5:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n0::/\n")
    older_group(root, "", most=9223372036854771712, taken=30 * GIB, inactive=GIB)
    assert free_main_memory(root) == 8 * GIB
    older_group(root, "docker/0123", most=4 * GIB, taken=2 * GIB, inactive=GIB)
    assert free_main_memory(root) == 3 * GIB


@pytest.mark.parametrize(
    ("quota", "limit"),
    [
        ("max 100000", None),
        ("200000 100000", 2),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("garbage", None),
    ],
)
def test_processors_are_limited_by_their_time(root: Path, quota: str, limit: int | None) -> None:
    write(root, {"sys/fs/cgroup/cpu.max": f"{quota}\n"})
    assert processor_limit(root) == limit


@pytest.mark.parametrize(("quota", "limit"), [(-1, None), (300000, 3), (20000, 1)])
def test_processors_are_limited_in_version_1_too(root: Path, quota: int, limit: int | None) -> None:
    belongs_to(root, "4:cpu,cpuacct:/docker/0123\n")
    folder = "sys/fs/cgroup/cpu/docker/0123"
    files = {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": "100000\n"}
    write(root, files)
    assert processor_limit(root) == limit


def test_no_more_threads_compute_than_can_run_at_once(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        monkeypatch.setattr(device, "processor_limit", lambda: 3)
        assert device.describe_device(CPU) == "CPU, 3 threads"
        load_engine(str(random_checkpoint), "cpu", "fp32")
        assert torch.get_num_threads() == 3
        monkeypatch.setattr(device, "processor_limit", lambda: 8)
        assert device.threads() == 3
    finally:
        torch.set_num_threads(before)
