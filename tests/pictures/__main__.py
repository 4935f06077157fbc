"""Draws the pictures of the documentation anew, all of them or those that are named.

python -m tests.pictures docs
python -m tests.pictures docs remix history
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.pictures.scenes import SCENES

if __name__ == "__main__":
    folder, *chosen = sys.argv[1:]
    for name in chosen or SCENES:
        (Path(folder) / f"{name}.svg").write_text(asyncio.run(SCENES[name]()))
