"""A page as a picture, drawn by a browser without a window."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

WIDTH, HIGHEST = 880, 4000
"""Of a page, in CSS pixels."""
SCALE = 2
"""Pixels of the picture for each of the page's."""
NAMES = ("google-chrome", "google-chrome-stable", "chrome", "chromium", "chromium-browser")
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    f"--force-device-scale-factor={SCALE}",
    f"--window-size={WIDTH},{HIGHEST}",
    "--default-background-color=00000000",
)
_PATIENCE_SECONDS = 120
_COLOURS = 255


def find_browser() -> str | None:
    """Return the path of the first browser that is installed here, if one is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def draw(browser: str, page: str) -> Image.Image:
    """Return a page as a picture, as high as what stands on it.

    The browser paints nothing around the page's frame, so that is cut off where it is transparent.
    Raises RuntimeError where the browser does not draw.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.png")
        source.write_text(page, encoding="utf-8")
        ended = subprocess.run(
            [
                browser,
                *_OPTIONS,
                f"--user-data-dir={folder}/profile",
                f"--screenshot={target}",
                source.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
        )
        if not target.exists():
            raise RuntimeError(f"{browser} drew nothing and said: {ended.stderr}")
        drawn = Image.open(io.BytesIO(target.read_bytes())).convert("RGBA")
    return drawn.crop(drawn.getbbox())


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture as a PNG of 256 colours, one of them for what is transparent."""
    small = picture.convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT, kmeans=1)
    small.putpalette(bytes(small.getpalette() or ()).ljust(3 * 256, b"\0"))
    small.paste(_COLOURS, mask=picture.getchannel("A").point(lambda alpha: 255 * (alpha < 128)))
    small.save(path, optimize=True, transparency=_COLOURS)
