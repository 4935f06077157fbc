"""From a model that has failed to one that works again, or to the end of all tries.

What fails by itself is told from what fails because of one clip by a simple rule. Whatever was
being made when the model failed is made again alone, after the model was loaded again. What then
fails three times alone is suspected, and the model is asked for a short clip that it always could
make. If it makes that one, the suspect is at fault: it fails, and all others go on. If not, or if
the model cannot be loaded again, the machine is broken: what waits keeps waiting, and a new process
has to go on with it.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Sequence

from musicgen_bot.backends.engine_thread import EngineThread, Hung, LoadFailed
from musicgen_bot.errors import MachineError, MusicgenBotError
from musicgen_bot.generation import GenerationRequest

RELOAD_PAUSES = (1.0, 5.0, 30.0, 120.0)
"""Seconds before each try to load the model again."""
TRIAL = GenerationRequest("slow piano", 2.0, seed=1)

_log = logging.getLogger(__name__)


class Recovery:
    """Loads a failed model again. Every method that waits raises MachineError at the end of it."""

    def __init__(self, thread: EngineThread, pauses: Sequence[float]) -> None:
        self.trouble: str | None = None
        """Why the model is out of order, in a sentence for the host; None while it works."""
        self._thread = thread
        self._pauses = pauses

    async def load_again(self, error: Exception) -> None:
        """Load the model again after this error, after growing pauses."""
        self._note(error)
        for pause in self._pauses:
            await asyncio.sleep(pause)
            try:
                await self._thread.load_again()
            except Exception as failure:
                self._note(failure)
            else:
                self.trouble = None
                return
        raise self._given_up(f"{len(self._pauses)} tries to load it again did not help.")

    async def try_out(self) -> None:
        """Have the model make a short clip."""
        try:
            await self._thread.call(lambda engine: engine.generate([TRIAL]))
        except MusicgenBotError as error:  # such as memory that others have taken: no fault of its
            _log.warning("The model could not be tried out: %s", error)
        except Exception as error:
            self._note(error)
            raise self._given_up("Loading it again did not help.") from None

    def _note(self, error: Exception) -> None:
        """Log an error, and say what the host has to know."""
        cause = error.__cause__ if isinstance(error, LoadFailed) and error.__cause__ else error
        what = "could not be loaded" if isinstance(error, LoadFailed) else "failed"
        if isinstance(error, Hung):
            self.trouble = str(error)
        elif isinstance(cause, MusicgenBotError):
            self.trouble = f"The model {what}: {cause}"
        else:  # whose text may hold anything
            self.trouble = f"The model {what}, with {type(cause).__name__}; the log has the rest."
        _log.error("The model %s", what, exc_info=cause)
        _forget_frames(error)
        if isinstance(error, Hung):
            raise self._given_up("Only a new process can load it again.")

    def _given_up(self, why: str) -> MachineError:
        self.trouble = f"{self.trouble} {why}"
        _log.critical("The model does not come back in this process: %s", self.trouble)
        return MachineError(self.trouble)


def _forget_frames(error: BaseException) -> None:
    """Let go of what the frames that failed still hold, such as the weights."""
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
