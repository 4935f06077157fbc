"""What of the machine's memory and processors this process may have.

In a container, or under a service with limits, that is less than the machine has. On Linux control
groups say so: in version 2 all of them lie in one tree, in version 1 in one for each resource. A
limit holds for all groups below the one that has it.

See "Control Group v2" and "Memory Resource Controller" in the kernel's documentation.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/")
_GROUPS = "sys/fs/cgroup"
_MEMORY_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""In both versions: what is allowed, what is taken, and what of that can be had back."""


def free_main_memory(root: Path = _ROOT) -> int:
    """Return the bytes of main memory that this process can still take.

    `root` is where the system's own files are. A system that does not say what is free (macOS,
    Windows) answers with all it has.
    """
    meminfo = root / "proc/meminfo"
    if meminfo.exists():
        lines = meminfo.read_text(encoding="ascii").splitlines()
        sizes = dict(line.split(":", 1) for line in lines)
        free = int(sizes["MemAvailable"].split()[0]) * 1024  # the kernel counts in kibibytes
        return min([free, *_left_in_groups(root)])
    if sys.platform == "win32":
        kibibytes = ctypes.c_ulonglong()
        ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kibibytes))
        return kibibytes.value * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def processor_limit(root: Path = _ROOT) -> int | None:
    """Return how many processors this process may keep busy; None where nothing limits that.

    More threads than that would be stopped by turns, while the others wait for them.
    """
    limits = [limit for group in _groups(root, "cpu") if (limit := _processors(group)) is not None]
    return max(1, int(min(limits))) if limits else None


def _left_in_groups(root: Path) -> Iterator[int]:
    for group in _groups(root, "memory"):
        for most, taken, cached in _MEMORY_FILES:
            # A group has the files of one version; the outermost has none.
            with suppress(OSError, ValueError):  # without a limit, it is the word "max"
                limit = int((group / most).read_text(encoding="ascii"))
                used = int((group / taken).read_text(encoding="ascii"))
                statistics = (group / "memory.stat").read_text(encoding="ascii").splitlines()
                cache = int(dict(line.split() for line in statistics).get(cached, 0))
                yield max(0, limit - used + cache)


def _processors(group: Path) -> float | None:
    """Return how many processors a group may keep busy; None without a limit."""
    with suppress(OSError, ValueError):
        quota, period = map(int, (group / "cpu.max").read_text(encoding="ascii").split())
        return quota / period
    with suppress(OSError, ValueError):
        quota = int((group / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((group / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return quota / period if quota > 0 else None
    return None


def _groups(root: Path, resource: str) -> Iterator[Path]:
    """Yield the folders of this process's groups that may limit a resource, the innermost first.

    Inside a container the path that the kernel tells may be one outside: then only the container's
    own group, which is the outermost there, is to be seen.
    """
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, resources, path = line.split(":", 2)
            if resources and resource not in resources.split(","):
                continue
            outermost = root / _GROUPS / (resource if resources else "")
            names = [name for name in path.split("/") if name not in ("", "..")]
            for count in range(len(names), -1, -1):
                yield outermost.joinpath(*names[:count])
