"""Starts a program that may do little: a script of its own, which then becomes that program.

    python -I -S launcher.py MEMORY_BYTES PROCESSOR_SECONDS PROGRAM ARGUMENTS...

On every POSIX system the program gets a low priority and limits. On Linux it sees no more files
than it needs to start, and those in the folder it is started in, to read (Landlock, Linux 5.13),
and can open no socket (seccomp). Both need no privilege, and work in containers; where the system
has them not, or they are forbidden, the program runs without. Without a PROGRAM, it is printed what
could be done.

It imports nothing of the package, so that it starts in a few hundredths of a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Callable

NICENESS = 5
"""Somewhat less than others get, and still enough to be done in time beside them."""
WITHOUT_NETWORK, WITHOUT_FILES = "without network", "without other files"

_LIBRARIES = ("/usr", "/lib", "/lib64", "/bin", "/nix/store", "/gnu/store", "/etc/ld.so.cache")
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many kinds of access each version of Landlock knows; 16 since the fifth."""
_PROCESSORS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""The kernel's number of each kind of processor, and there of the call that opens a socket."""
_OPEN_RING = 425
"""The call for io_uring, which could open a socket as well."""
_OTHER_CALLS = 0x40000000
"""From here on the numbers are those of another set of calls, which no ffmpeg uses."""


def main(arguments: list[str]) -> None:
    """Become the program, or print what it would be kept from."""
    memory_bytes, seconds, *program = arguments
    os.nice(NICENESS)
    _limit(int(memory_bytes), int(seconds))
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    done = []
    if libc is not None and not _call(libc.prctl, _NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        files = [os.path.realpath(program[0])] if program else []
        if _hide_files(libc, [*_LIBRARIES, *files, *map(_libraries_of, files)]):
            done.append(WITHOUT_FILES)
        if _forbid_sockets(libc):
            done.append(WITHOUT_NETWORK)
    if program:
        os.execv(program[0], program)  # noqa: S606
    sys.stdout.write("\n".join(done))


def _libraries_of(program: str) -> str:
    """Return where a program brought its own libraries, if it did."""
    return os.path.join(os.path.dirname(os.path.dirname(program)), "lib")  # noqa: PTH118, PTH120


def _limit(memory_bytes: int, seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    limits = {
        resource.RLIMIT_DATA: memory_bytes,
        # No warning comes before the end: ffmpeg would take it as a wish to stop here.
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


def _hide_files(libc: ctypes.CDLL, readable: list[str]) -> bool:
    """Leave only what is readable, this folder, and the file that takes everything."""
    version = _call(libc.syscall, _CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    handled = (1 << _RIGHTS_OF_VERSION.get(version, 16)) - 1
    attributes = struct.pack("=Q", handled)
    rules = _call(libc.syscall, _CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    for path in (*readable, ".", os.devnull):
        rights = _READ | (_WRITE if path == os.devnull else _EXECUTE)
        with contextlib.suppress(FileNotFoundError):
            place = os.open(path, os.O_PATH)
            rights |= _LIST if os.path.isdir(path) else 0  # noqa: PTH112
            _call(libc.syscall, _ADD_RULE, rules, 1, struct.pack("=Qi", rights, place), 0)
            os.close(place)
    failed = _call(libc.syscall, _RESTRICT_SELF, rules, 0)
    os.close(rules)
    return not failed


def _forbid_sockets(libc: ctypes.CDLL) -> bool:
    """Have every call refused that opens a socket."""
    if os.uname().machine not in _PROCESSORS:
        return False
    processor, open_socket = _PROCESSORS[os.uname().machine]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050000 | 1, 0x80000000
    steps = (
        (load, 0, 0, 4),
        (equal, 0, 5, processor),
        (load, 0, 0, 0),
        (at_least, 4, 0, _OTHER_CALLS),
        (equal, 3, 0, open_socket),
        (equal, 2, 0, _OPEN_RING),
        (answer, 0, 0, allow),
        (answer, 0, 0, kill),
        (answer, 0, 0, refuse),
    )
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    held = ctypes.create_string_buffer(program, len(program))
    whole = struct.pack("@HP", len(steps), ctypes.addressof(held))
    return not _call(libc.prctl, _SET_SECCOMP, _FILTER, whole, 0, 0)


def _call(function: Callable[..., int], *values: int | bytes | None) -> int:
    """Call a function that takes any number of values, each as wide as the kernel reads it."""
    wide = (ctypes.c_long(value) if isinstance(value, int) else value for value in values)
    return function(*wide)


if __name__ == "__main__":
    main(sys.argv[1:])
