"""A model that fails: nobody's clip is lost by it, and what is broken for good is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import numpy as np
import pytest

from musicgen_bot.backends.engine_thread import PATIENCE, Patience
from musicgen_bot.backends.local import LocalBackend
from musicgen_bot.errors import GenerationError, MachineError, ModelError
from musicgen_bot.generation import Clip, GenerationRequest
from tests.backends.machine import Machine

AT_ONCE = (0.0,) * 4
NEVER = (3600.0,)
"""So long a pause that a test sees the model out of order."""
CODES = np.zeros((4, 50), np.int16)
SOUND = np.zeros((1, 32_000), np.float32)

Running = Callable[..., AbstractAsyncContextManager[LocalBackend]]


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def running(machine: Machine) -> Running:
    @asynccontextmanager
    async def running(
        pauses: tuple[float, ...] = AT_ONCE, patience: Patience = PATIENCE
    ) -> AsyncIterator[LocalBackend]:
        backend = await LocalBackend.load(machine.load, 4, pauses=pauses, patience=patience)
        try:
            async with asyncio.timeout(60):
                yield backend
        finally:
            machine.go_on.set()
            assert await backend.close(30)

    return running


def request(seed: int) -> GenerationRequest:
    return GenerationRequest("slow piano", 1.0, seed)


def asked(backend: LocalBackend, *seeds: int) -> list[asyncio.Task[Clip]]:
    return [asyncio.create_task(backend.generate(request(seed), lambda _: None)) for seed in seeds]


class Ear(logging.Handler):
    """Waits until the log has an error: from then on the model is out of order."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._heard = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.set()

    async def heard(self) -> None:
        async with asyncio.timeout(60):
            await self._heard.wait()


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear, log = Ear(), logging.getLogger("musicgen_bot.backends.recovery")
    log.addHandler(ear)
    yield ear
    log.removeHandler(ear)


def errors_in(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_error_that_sticks_to_the_engine_fails_none_of_200_clips(
    machine: Machine, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    machine.fails = lambda engine, _: engine is machine.engines[0]
    async with running() as backend:
        clips = await asyncio.gather(*asked(backend, *range(200)))
        assert backend.is_loaded
    assert [clip.request.seed for clip in clips] == list(range(200))
    first, second = machine.engines
    assert first.is_closed
    assert second.batches[0] == [0], "what was in the batch is made alone"
    assert [4, 5, 6, 7] in second.batches, "what was not is made together"
    (error,) = errors_in(caplog)
    assert error.exc_info


async def test_a_reload_that_fails_at_first_fails_nobody(
    machine: Machine, running: Running
) -> None:
    machine.fails = lambda engine, _: engine is machine.engines[0]
    machine.load_errors = []
    async with running(pauses=AT_ONCE) as backend:
        machine.load_errors = [RuntimeError("CUDA error"), ModelError("The memory is full.")]
        clips = await asyncio.gather(*asked(backend, *range(20)))
        assert backend.trouble is None
    assert len(clips) == 20
    assert len(machine.engines) == 2


async def test_a_clip_that_breaks_the_engine_fails_alone_and_all_others_are_made(
    machine: Machine, running: Running
) -> None:
    culprits = {2, 7}
    machine.fails = lambda _, requests: any(each.seed in culprits for each in requests)
    async with running() as backend:
        tasks = asked(backend, *range(12))
        await asyncio.wait(tasks)
        for seed, task in enumerate(tasks):
            if seed in culprits:
                with pytest.raises(GenerationError, match="fails on this clip every time"):
                    await task
            else:
                assert (await task).request.seed == seed
        assert backend.is_loaded


async def test_a_clip_is_not_blamed_for_a_machine_that_can_make_nothing(
    machine: Machine, running: Running
) -> None:
    machine.fails = lambda *_: True
    async with running() as backend:
        tasks = asked(backend, *range(20))
        with pytest.raises(MachineError, match=r"with RuntimeError.*did not help"):
            await backend.until_broken()
        assert not backend.is_loaded
        assert backend.trouble is not None
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()


async def test_a_model_that_cannot_be_loaded_again_is_given_up(
    machine: Machine, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    machine.fails = lambda *_: True
    async with running() as backend:
        machine.load_errors = [ModelError("It does not fit into the memory.") for _ in AT_ONCE]
        (task,) = asked(backend, 1)
        with pytest.raises(MachineError, match=r"loaded: It does not fit.*4 tries"):
            await backend.until_broken()
        assert machine.load_errors == []
        assert not task.done()
        task.cancel()
    *failures, end = errors_in(caplog)
    assert [record.exc_info is not None for record in failures] == [True] * 5
    assert "does not come back" in end.getMessage()


async def test_what_a_machine_has_to_say_tells_no_details(
    machine: Machine, ear: Ear, running: Running
) -> None:
    machine.fails = lambda *_: True
    async with running(pauses=NEVER) as backend:
        (task,) = asked(backend, 1)
        await ear.heard()
        assert backend.trouble == "The model failed, with RuntimeError; the log has the rest."
        assert not backend.is_loaded
        task.cancel()


async def test_out_of_order_people_are_told_at_once_and_deliveries_wait(
    machine: Machine, ear: Ear, running: Running
) -> None:
    machine.fails = lambda engine, _: engine is machine.engines[0]
    async with running(pauses=NEVER) as backend:
        asked_before = asyncio.create_task(backend.encode(SOUND, 32_000))
        delivery = asyncio.create_task(backend.decode(CODES, request(1)))
        await ear.heard()
        sentence = "being restarted; please try again"
        with pytest.raises(GenerationError, match=sentence):
            await asked_before
        with pytest.raises(GenerationError, match=sentence):
            await backend.decode(CODES, request(1), patient=False)
        with pytest.raises(GenerationError, match=sentence):
            await backend.encode(SOUND, 32_000)
        assert not delivery.done()
        delivery.cancel()


async def test_a_delivery_is_decoded_once_the_model_works_again(
    machine: Machine, running: Running
) -> None:
    machine.fails = lambda engine, _: engine is machine.engines[0]
    async with running() as backend:
        clip = await backend.decode(CODES, request(1))
        assert clip.samples.shape == (1, 32_000)
    assert len(machine.engines) == 2


async def test_codes_that_break_the_engine_are_told_and_the_clips_beside_them_are_made(
    machine: Machine, running: Running
) -> None:
    machine.fails = lambda _, requests: not requests
    async with running() as backend:
        delivery = asyncio.create_task(backend.decode(CODES, request(1)))
        clips = asked(backend, *range(8))
        with pytest.raises(GenerationError, match="fails on this clip every time"):
            await delivery
        assert len(await asyncio.gather(*clips)) == 8
    batches = [batch for engine in machine.engines for batch in engine.batches]
    assert min(len(batch) for batch in batches) == 4, "they were at no fault, so need not be alone"


async def test_a_clip_cancelled_while_out_of_order_is_let_go_at_once(
    machine: Machine, ear: Ear, running: Running
) -> None:
    machine.fails = lambda *_: True
    async with running(pauses=NEVER) as backend:
        staying, cancelled = asked(backend, 1, 2)
        await ear.heard()
        cancelled.cancel()
        await asyncio.wait({cancelled})
        assert backend.trouble
        staying.cancel()


async def test_a_clip_cancelled_while_out_of_order_is_not_made_later(
    machine: Machine, running: Running
) -> None:
    machine.fails = lambda engine, _: engine is machine.engines[0]
    async with running() as backend:
        machine.go_on.clear()
        staying, cancelled = asked(backend, 1, 2)
        assert await asyncio.to_thread(machine.is_hanging.wait, 30)
        cancelled.cancel()
        machine.go_on.set()
        await staying
    assert all(2 not in batch for batch in machine.engines[-1].batches)


async def test_closing_in_a_pause_ends_it(machine: Machine, ear: Ear) -> None:
    machine.fails = lambda *_: True
    backend = await LocalBackend.load(machine.load, 1, pauses=NEVER)
    (task,) = asked(backend, 1)
    await ear.heard()
    async with asyncio.timeout(60):
        assert await backend.close(30)
    task.cancel()


@pytest.mark.parametrize("work", ["generate", "decode", "load"])
async def test_a_machine_that_does_not_answer_is_given_up(
    work: str, machine: Machine, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_and_hang(*_: object) -> bool:
        machine.go_on.clear()
        return True

    async with running(patience=Patience(first=0.02, later=0.02)) as backend:
        if work == "load":
            machine.fails = fail_and_hang
        else:
            machine.go_on.clear()
        asked_for: list[asyncio.Task[Any]] = [*asked(backend, *range(3))]
        if work == "decode":
            asked_for = [asyncio.create_task(backend.decode(CODES, request(1)))]
        with pytest.raises(MachineError, match=r"has not answered.*new process"):
            await backend.until_broken()
        assert not any(task.done() for task in asked_for)
        with pytest.raises(GenerationError):
            await backend.encode(SOUND, 32_000)
        for task in asked_for:
            task.cancel()
    assert errors_in(caplog)


async def test_a_first_clip_may_take_its_time_and_those_after_it_less(
    machine: Machine, running: Running
) -> None:
    async with running(patience=Patience(first=3600.0, later=0.02)) as backend:
        machine.go_on.clear()
        (first,) = asked(backend, 1)
        assert await asyncio.to_thread(machine.is_hanging.wait, 30)
        machine.go_on.set()
        await first
        machine.go_on.clear()
        (second,) = asked(backend, 2)
        with pytest.raises(MachineError, match="has not answered"):
            await backend.until_broken()
        second.cancel()
