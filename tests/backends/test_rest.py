"""An idle model is let go, on its own thread, and comes back when it is asked for."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from musicgen_bot.backends.engine_thread import EngineThread
from musicgen_bot.backends.local import LocalBackend
from musicgen_bot.engine import Engine, load_engine
from musicgen_bot.errors import GenerationError, ModelError
from musicgen_bot.generation import Clip, GenerationRequest, Progress

IDLE = 600.0


class Bed:
    """A backend whose clock the test sets, and whose loading it can hinder."""

    backend: LocalBackend

    def __init__(self, checkpoint: Path) -> None:
        self.now = 0.0
        self.engines: list[weakref.ref[object]] = []
        """What holds the weights of each engine that was loaded."""
        self.threads: set[int] = set()
        self.errors: list[Exception] = []
        """What the next tries to load come to."""
        self.before_load: Callable[[], object] = lambda: None
        self.gate = threading.Event()
        self.gate.set()
        self._checkpoint = checkpoint

    def load(self) -> Engine:
        self.threads.add(threading.get_ident())
        assert self.gate.wait(60)
        self.before_load()
        if self.errors:
            raise self.errors.pop(0)
        engine = load_engine(str(self._checkpoint), device="cpu", precision="fp32")
        self.engines.append(weakref.ref(engine._decoder))
        return engine

    async def make(self, seed: int = 1, seconds: float = 1.0) -> Clip:
        async with asyncio.timeout(60):
            return await self.backend.generate(
                GenerationRequest("slow piano", seconds, seed), lambda _: None
            )

    async def sleep(self) -> None:
        self.now += IDLE
        assert await self.backend.rest(IDLE)


@pytest.fixture
async def bed(random_checkpoint: Path) -> AsyncIterator[Bed]:
    bed = Bed(random_checkpoint)
    bed.backend = LocalBackend(
        await EngineThread.load(bed.load), 2, pauses=[0.0] * 3, clock=lambda: bed.now
    )
    yield bed
    bed.gate.set()
    await bed.backend.close(10)


async def test_an_idle_model_is_let_go_and_loaded_for_the_next_clip(bed: Bed) -> None:
    before = await bed.make()
    bed.now += IDLE - 1
    assert not await bed.backend.rest(IDLE)
    assert bed.backend.is_loaded
    bed.now += 1
    assert await bed.backend.rest(IDLE)
    assert not bed.backend.is_loaded
    assert not await bed.backend.rest(IDLE)
    assert bed.engines[0]() is None, "the weights are still in memory"
    after = await bed.make()
    assert (before.codes == after.codes).all()
    assert bed.backend.is_loaded
    assert len(bed.engines) == 2
    assert len(bed.threads) == 1
    assert threading.get_ident() not in bed.threads


async def test_the_sound_of_a_kept_clip_wakes_it_too(bed: Bed) -> None:
    clip = await bed.make()
    await bed.sleep()
    again = await bed.backend.decode(clip.codes, clip.request)
    assert (again.samples == clip.samples).all()
    assert not await bed.backend.rest(IDLE)


async def test_it_does_not_rest_while_it_works(bed: Bed) -> None:
    started = asyncio.Event()

    def on_progress(_: Progress) -> None:
        started.set()

    request = GenerationRequest("slow piano", 20.0, 1)
    clip = asyncio.create_task(bed.backend.generate(request, on_progress))
    await started.wait()
    bed.now += IDLE
    assert not await bed.backend.rest(IDLE)
    assert (await clip).codes.shape == (4, 1000)
    assert len(bed.engines) == 1


async def test_it_is_known_to_be_loading_and_a_clip_cancelled_meanwhile_is_let_go(bed: Bed) -> None:
    await bed.sleep()
    bed.gate.clear()
    cancelled = asyncio.create_task(bed.make(1, 30.0))
    staying = asyncio.create_task(bed.make(2))
    await asyncio.sleep(0)
    assert not bed.backend.is_loaded
    cancelled.cancel()
    bed.gate.set()
    assert (await staying).request.seed == 2
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert len(bed.engines) == 2


@pytest.mark.parametrize("error", [ModelError("It does not fit."), ZeroDivisionError("a bug")])
async def test_what_waits_for_a_model_that_does_not_load_is_made_when_it_does(
    error: Exception, bed: Bed
) -> None:
    clip = await bed.make()
    await bed.sleep()
    bed.errors = [error, error]
    assert (await bed.make()).codes.shape == (4, 50)
    await bed.sleep()
    bed.errors = [error, error]
    assert (await bed.backend.decode(clip.codes, clip.request)).codes.shape == (4, 50)


async def test_somebody_who_wakes_a_model_that_does_not_load_is_told_at_once(bed: Bed) -> None:
    clip = await bed.make()
    await bed.sleep()
    bed.errors = [ModelError("It does not fit.")]
    with pytest.raises(GenerationError, match="please try again in a few minutes"):
        await bed.backend.decode(clip.codes, clip.request, patient=False)
    assert (await bed.make()).codes.shape == (4, 50)


async def test_the_weights_of_an_engine_that_failed_are_let_go_before_it_is_loaded_again(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []

    def fail(engine: Engine, *_: object) -> None:
        weights = engine._decoder  # which this frame holds now
        monkeypatch.undo()
        raise RuntimeError(f"CUDA error in {type(weights)}")

    monkeypatch.setattr(Engine, "step", fail)
    bed.before_load = lambda: held.append(bed.engines[0]() is not None)
    assert (await bed.make()).codes.shape == (4, 50)
    assert held == [False]
