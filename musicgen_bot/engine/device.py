"""What the model computes on: which device, how precisely, and with how much memory."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from musicgen_bot.engine.machine import free_main_memory, processor_limit
from musicgen_bot.engine.matrices import exact_int8
from musicgen_bot.engine.native.library import CompiledStep, NotCompiled, library
from musicgen_bot.engine.native.packing import fits
from musicgen_bot.errors import ModelError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
QUANTISED = {"int8": 8, "int4": 4}
"""Bits of a weight; see `why_not_quantised` for where each is to be had."""
_OUT_OF_MEMORY_TEXTS = ("out of memory", "not enough memory", "can't allocate memory")


def choose_device(name: str) -> torch.device:
    """Return the device of a name such as auto, cpu, cuda, cuda:1 or mps.

    auto is cuda where there is one, else mps, else cpu. Raises ModelError for a device that is
    unknown, or not in this machine.
    """
    if name == "auto":
        return _best_device()
    kind, _, number = name.partition(":")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ModelError("PyTorch finds no Apple GPU here; choose the device auto.")
    if name in ("cpu", "mps"):
        return torch.device(name)
    if kind != "cuda" or not (number.isdecimal() or name == "cuda"):
        raise ModelError(
            f"There is no device called {name!r}; choose auto, cpu, cuda, cuda:0 (or another "
            "number) or mps."
        )
    index = int(number or 0)
    if index >= torch.cuda.device_count():
        raise ModelError(
            f"The device {name} was asked for, but PyTorch finds {torch.cuda.device_count()} CUDA "
            "GPUs here; choose the device auto, or install NVIDIA's driver and a CUDA build of "
            "PyTorch."
        )
    return torch.device("cuda", index)


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda", 0)
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_precision(name: str, device: torch.device, decoder: Any) -> str:
    """Return the name of the precision of a decoder with the configuration `decoder`.

    auto is int8 on a CPU that can, and fp32 on any other, since these keep a clip the same (fp32
    almost always) whatever it shares a batch with; on a GPU it is fp16, which may not. Raises
    ModelError for an unknown one, and for one that is not to be had here.
    """
    if name == "auto":
        if device.type != "cpu":
            return "fp16"
        return "fp32" if why_not_quantised("int8", device, decoder) else "int8"
    if name not in PRECISIONS and name not in QUANTISED:
        raise ModelError(
            f"There is no precision called {name!r}; choose auto, {', '.join(PRECISIONS)}, "
            f"{', '.join(QUANTISED)}."
        )
    obstacle = why_not_quantised(name, device, decoder) if name in QUANTISED else ""
    if obstacle:
        raise ModelError(f"The precision {name} is not to be had here, because {obstacle}.")
    return name


def why_not_quantised(name: str, device: torch.device, decoder: Any) -> str:
    """Return why such a decoder cannot compute in int8 or int4 on a device, or nothing.

    int4 is the compiled step's alone; int8 is PyTorch's as well, on an NVIDIA GPU and on a CPU that
    adds bytes up exactly.
    """
    if device.type == "cuda" and name == "int8":
        return ""
    if device.type != "cpu":
        return f"it is not made for {device.type}; choose auto"
    obstacle = why_not_compiled(decoder)
    if not obstacle or name != "int8":
        return obstacle
    if exact_int8():
        return ""
    return f"PyTorch adds no bytes up exactly here, and the step is not compiled ({obstacle})"


def working_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return in what PyTorch's own decoder computes what is not quantised."""
    if precision in PRECISIONS:
        return PRECISIONS[precision]
    return torch.float32 if device.type == "cpu" else torch.float16


def compiled_step(decoder: Any) -> CompiledStep:
    """Return the step for this processor and such a decoder.

    Raises NotCompiled, and what `library` raises.
    """
    if not fits(decoder):
        raise NotCompiled("the model has sizes that it is not made for")
    return library()


def why_not_compiled(decoder: Any) -> str:
    """Return why there is no step for this processor and such a decoder, or nothing."""
    try:
        compiled_step(decoder)
    except NotCompiled as obstacle:
        return str(obstacle)
    return ""


def threads() -> int:
    """Return how many threads compute on a CPU: PyTorch's choice, if so many can run at once."""
    return min(torch.get_num_threads(), processor_limit() or torch.get_num_threads())


def limit_threads(device: torch.device) -> None:
    """Let PyTorch compute on a CPU with `threads` from now on."""
    if device.type == "cpu" and threads() < torch.get_num_threads():
        torch.set_num_threads(threads())


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute on the calling thread alone in this block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def synchronize(device: torch.device) -> None:
    """Wait until a GPU has done all that it was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether PyTorch says by `error` that the device's memory is used up."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The allocators of the CPU and of MPS raise plain RuntimeErrors.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(part in text for part in _OUT_OF_MEMORY_TEXTS)


def release_memory(device: torch.device) -> None:
    """Give memory that PyTorch holds but does not use back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif sys.platform == "linux":
        # glibc keeps what is freed for later; other C libraries have no such function.
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def used_main_memory() -> int | None:
    """Return the bytes of main memory that this process takes; None where the system is mute."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def used_device_memory(name: str) -> int | None:
    """Return the bytes of a GPU's own memory that this process takes; None on a CPU."""
    device = torch.device(name)
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return torch.mps.driver_allocated_memory() if device.type == "mps" else None


def free_memory(device: torch.device) -> int:
    """Return the bytes that are free on `device`, as far as the system says (`machine.py`)."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return free_main_memory()


def describe_device(device: torch.device) -> str:
    """Return what a person calls `device`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    return f"CPU, {threads()} threads"
