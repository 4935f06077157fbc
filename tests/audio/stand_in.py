"""Programs that are put in the place of ffmpeg."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

needs_a_shell = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
VERSION = "ffmpeg version 7.0 --enable-libmp3lame"


def install_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a stand-in for ffmpeg first on the PATH."""
    ffmpeg = folder / "ffmpeg"
    ffmpeg.write_text(f"#!/bin/sh\n{script}\n")
    ffmpeg.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return ffmpeg
