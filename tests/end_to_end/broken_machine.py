"""The bot on a machine that breaks: a program in the place of bot.py.

Its first argument says how, `fails` or `hangs`; the rest is for the bot. Until there is a file
`broken` in its folder the model gets nowhere, but nothing is wrong with it yet.
"""

import sys
import threading
import time
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Run the bot."""
    sys.path.insert(0, str(ROOT))
    from musicgen_bot import app, cli
    from musicgen_bot.backends.engine_thread import PATIENCE, Patience
    from musicgen_bot.engine import Engine, StepResult

    fault = sys.argv.pop(1)

    def step(_: Engine, frames: int, seconds: float = 0.0) -> StepResult:
        if not Path("broken").exists():
            time.sleep(0.01)
            return StepResult({}, {})
        if fault == "hangs":
            threading.Event().wait()
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    pauses = (0.0, 0.0)
    patience = Patience(1.0, 1.0) if fault == "hangs" else PATIENCE
    with (
        mock.patch.object(Engine, "step", step),
        mock.patch.multiple(app, PATIENCE=patience, RELOAD_PAUSES=pauses, TERMINAL_PAUSES=pauses),
    ):
        cli.main()


if __name__ == "__main__":
    main()
