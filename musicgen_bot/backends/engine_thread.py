"""The one thread that touches the model: loads it, lets go of it, and loads it again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from musicgen_bot.errors import GenerationError

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model also while it is let go."""

    model: str
    """As the host named it."""
    licence: str
    """Of its weights, in a sentence."""
    device: str
    precision: str
    sample_rate: int
    channels: int
    frame_rate: int


class EngineThread:
    """A thread and the engine on it. Made by `EngineThread.load`, ended by `close`."""

    def __init__(
        self, load_engine: Callable[[], Engine], engine: Engine, thread: ThreadPoolExecutor
    ) -> None:
        self.facts = Facts(
            engine.model,
            engine.licence,
            engine.device,
            engine.precision,
            engine.sample_rate,
            engine.channels,
            engine.frame_rate,
        )
        self._load_engine = load_engine
        self._engine: Engine | None = engine
        """Set and used on the thread; None while the model is let go."""
        self._thread = thread
        self._calls: set[Future[Any]] = set()

    @classmethod
    async def load(cls, load_engine: Callable[[], Engine]) -> Self:
        """Load the model on the thread that will own it. Raises ModelError."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        try:
            engine = await asyncio.get_running_loop().run_in_executor(thread, load_engine)
        except BaseException:
            thread.shutdown(wait=False, cancel_futures=True)
            raise
        return cls(load_engine, engine, thread)

    @property
    def is_loaded(self) -> bool:
        """Whether the model is there."""
        return self._engine is not None

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way, or waits for its turn."""
        return bool(self._calls)

    async def call(self, work: Callable[[Engine], _T]) -> _T:
        """Do something with the model, which is loaded again first where it was let go.

        Raises GenerationError where that fails, and what the work raises.
        """
        return await self._submit(lambda: work(self._loaded()))

    async def let_go(self) -> None:
        """Give back the model's memory; the next call loads it again."""
        await self._submit(self._let_go)

    async def close(self, patience: float) -> bool:
        """Stop after the call that runs; return whether that took at most `patience` seconds."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        running = {asyncio.wrap_future(call) for call in self._calls}
        if running:
            _, running = await asyncio.wait(running, timeout=patience)
        return not running

    async def _submit(self, call: Callable[[], _T]) -> _T:
        future = self._thread.submit(call)
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        return await asyncio.wrap_future(future)

    def _loaded(self) -> Engine:
        if self._engine is None:
            start = time.perf_counter()
            try:
                self._engine = self._load_engine()
            except Exception as error:
                _log.exception("The model could not be loaded again")
                raise GenerationError(
                    "The model could not be loaded again after a rest; please try again in a few "
                    "minutes, and tell the host if it keeps happening."
                ) from error
            _log.info("The model is loaded again, in %.1f s", time.perf_counter() - start)
        return self._engine

    def _let_go(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
