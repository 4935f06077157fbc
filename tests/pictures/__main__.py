"""Draws the pictures of the documentation anew, all of them or those that are named.

python -m tests.pictures docs
python -m tests.pictures docs remix settings
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.pictures.browser import NAMES, draw, find_browser, save
from tests.pictures.scenes import SCENES

if __name__ == "__main__":
    folder, *chosen = sys.argv[1:]
    browser = find_browser()
    if browser is None:
        sys.exit(f"Install Chromium or Chrome: none of {', '.join(NAMES)} is on the PATH.")
    for name in chosen or SCENES:
        save(draw(browser, asyncio.run(SCENES[name]())), Path(folder) / f"{name}.png")
