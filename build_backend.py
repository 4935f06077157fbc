"""The build backend that pyproject.toml names: setuptools, with the decoder's step compiled first.

An installation never fails for want of the step: without it, clips take longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]
Settings = dict[str, Any] | None
_FOR_THIS_MACHINE = f"--plat-name={sysconfig.get_platform()}"
_STEP = Path(__file__).parent / "musicgen_bot" / "engine" / "native" / "build.py"


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel for this kind of machine, since the compiled step is in it."""
    _compile_step()
    settings = config_settings or {}
    options = settings.get("--build-option", [])
    options = [*([options] if isinstance(options, str) else options), _FOR_THIS_MACHINE]
    settings = {**settings, "--build-option": options}
    name: str = build_meta.build_wheel(wheel_directory, settings, metadata_directory)
    return name


def build_editable(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Build what makes the checkout itself the installed package."""
    _compile_step()
    name: str = build_meta.build_editable(wheel_directory, config_settings, metadata_directory)
    return name


def _compile_step() -> None:
    # While it builds, pip hides what is installed, itself included, by these.
    hidden = ("PYTHONPATH", "PYTHONNOUSERSITE")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    # It runs this Python with a file of ours; whatever comes of it is said and written down there.
    subprocess.run([sys.executable, str(_STEP)], env=environment, check=False)  # noqa: S603
