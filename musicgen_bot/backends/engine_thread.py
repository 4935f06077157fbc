"""The one thread that touches the model: loads it, lets go of it, and loads it again.

A call that does not come back is not waited for without end, as a GPU can hang for good: a thread
cannot be stopped from outside, so after that only a new process can help.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine

PORTIONS = 20

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


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a call may take before the thread counts as hung."""

    first: float = 600.0
    """While the model is loaded, and until it has made its first clip: much is prepared then."""
    later: float = 300.0
    """Which is long: the sound of a long clip takes minutes on a slow machine."""


PATIENCE = Patience()


class LoadFailed(Exception):
    """The model could not be loaded again; the cause tells why."""


class Hung(Exception):
    """A call did not come back. Nothing can be asked of the thread any more."""


class EngineThread:
    """A thread and the engine on it. Made by `EngineThread.load`, ended by `close`."""

    def __init__(
        self,
        load_engine: Callable[[], Engine],
        engine: Engine,
        thread: ThreadPoolExecutor,
        patience: Patience,
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
        self.has_made_a_clip = False
        """Since the model was loaded; for its owner to set."""
        self._load_engine = load_engine
        self._engine: Engine | None = engine
        """Set and used on the thread; None while the model is let go."""
        self._thread = thread
        self._patience = patience
        self._calls: set[Future[Any]] = set()

    @classmethod
    async def load(cls, load_engine: Callable[[], Engine], patience: Patience = PATIENCE) -> Self:
        """Load the model on the thread that will own it. Raises ModelError."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        try:
            engine = await asyncio.get_running_loop().run_in_executor(thread, load_engine)
        except BaseException:
            thread.shutdown(wait=False, cancel_futures=True)
            raise
        return cls(load_engine, engine, thread, patience)

    @property
    def is_loaded(self) -> bool:
        """Whether the model is there."""
        return self._engine is not None

    async def call(self, work: Callable[[Engine], _T]) -> _T:
        """Do something with the model, which is loaded again first where it was let go.

        Raises LoadFailed, Hung, and what the work raises.
        """
        return await self._submit(lambda: work(self._loaded()))

    async def let_go(self) -> None:
        """Give back the model's memory; the next call loads it again. Raises Hung."""
        await self._submit(self._let_go)

    async def load_again(self) -> None:
        """Load the model anew, whatever state it is in. Raises LoadFailed and Hung."""
        await self._submit(self._load_again)

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
        answer = asyncio.wrap_future(future)
        is_settled = self.is_loaded and self.has_made_a_clip
        patience = self._patience.later if is_settled else self._patience.first
        try:
            # On some systems the clock goes on while the machine sleeps: that takes one portion.
            for _ in range(PORTIONS):
                await asyncio.wait({answer}, timeout=patience / PORTIONS)
                if answer.done():
                    return answer.result()
        finally:
            answer.cancel()
        raise Hung(f"The model has not answered for {patience:g} seconds.")

    def _loaded(self) -> Engine:
        if self._engine is None:
            start = time.perf_counter()
            self.has_made_a_clip = False
            try:
                self._engine = self._load_engine()
            except Exception as error:
                raise LoadFailed from error
            _log.info("The model is loaded again, in %.1f s", time.perf_counter() - start)
        return self._engine

    def _let_go(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def _load_again(self) -> None:
        try:
            self._let_go()
        except Exception:  # of a GPU that fails, nothing can be given back in an orderly way
            _log.warning("The model could not be let go in order", exc_info=True)
        self._loaded()
