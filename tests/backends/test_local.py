"""The worker, with the real engine: slices, joining, leaving, running out of memory."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from musicgen_bot.backends.local import LocalBackend
from musicgen_bot.engine import Engine, StepResult, load_engine
from musicgen_bot.errors import InvalidRequest, ModelError, OutOfMemory
from musicgen_bot.generation import Clip, GenerationRequest, Progress


@pytest.fixture(scope="module")
def engine(random_checkpoint: Path) -> Engine:
    return load_engine(str(random_checkpoint), device="cpu")


class Obstructed:
    """The real engine, with what a test puts in the way of its calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.tickets: set[int] = set()
        self.seeds: list[int | None] = []
        self.most_at_once = 0
        self.before_step: Callable[[], None] = lambda: None
        self.slices: list[int] = []
        """How many frames each slice was to have."""
        self.seconds: float | None = None
        """How long a slice may take, where the worker has no say in it."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def add(self, request: GenerationRequest) -> int:
        ticket = self._engine.add(request)
        self.seeds.append(request.seed)
        self.tickets.add(ticket)
        self.most_at_once = max(self.most_at_once, len(self.tickets))
        return ticket

    def step(self, frames: int, seconds: float) -> StepResult:
        self.before_step()
        result = self._engine.step(frames, self.seconds or seconds)
        self.slices.append(frames)
        self.tickets -= set(result.finished)
        return result

    def remove(self, ticket: int) -> None:
        self.tickets.discard(ticket)
        self._engine.remove(ticket)


@pytest.fixture
def obstructed(engine: Engine) -> Obstructed:
    return Obstructed(engine)


@pytest.fixture
async def backend(obstructed: Obstructed) -> AsyncIterator[LocalBackend]:
    backend = await LocalBackend.load(lambda: obstructed, slots=2)  # type: ignore[arg-type, return-value]
    yield backend
    obstructed.before_step = lambda: None
    await backend.close(10)
    for ticket in list(obstructed.tickets):
        obstructed.remove(ticket)


def request(seed: int, seconds: float = 1.0) -> GenerationRequest:
    return GenerationRequest("slow piano", seconds, seed)


def unseen(_: Progress) -> None:
    pass


async def made(backend: LocalBackend, *requests: GenerationRequest) -> list[Clip]:
    async with asyncio.timeout(60):
        return await asyncio.gather(*(backend.generate(r, unseen) for r in requests))


async def test_a_clip_is_made_with_progress_and_measured_speed(
    backend: LocalBackend, engine: Engine
) -> None:
    seen: list[Progress] = []
    assert backend.speed is None
    clip = await backend.generate(request(1, 3.0), seen.append)
    assert clip.codes.shape == (4, 150)
    assert clip.request.seed == 1
    assert [p.frames for p in seen] == sorted(p.frames for p in seen)
    assert {p.total for p in seen} == {150}
    assert backend.speed
    (alone,) = engine.generate([request(1, 3.0)])
    assert (alone.codes == clip.codes).all()
    assert backend.model == engine.model


async def test_a_slice_ends_in_time_on_a_machine_that_has_become_slow(
    backend: LocalBackend, obstructed: Obstructed
) -> None:
    await made(backend, request(1, 4.0))
    obstructed.slices.clear()
    obstructed.seconds = 1e-9  # as if every step took longer than a slice may
    seen: list[Progress] = []
    await backend.generate(request(2, 4.0), seen.append)
    assert obstructed.slices[0] > 32
    assert 0 < seen[0].frames <= 32
    assert seen[-1].frames == 200


async def test_no_more_are_in_the_batch_than_there_are_slots(
    backend: LocalBackend, obstructed: Obstructed
) -> None:
    clips = await made(backend, *(request(seed) for seed in range(5)))
    assert [clip.request.seed for clip in clips] == list(range(5))
    assert obstructed.most_at_once == 2


async def test_the_loop_is_free_while_the_model_works(
    backend: LocalBackend, obstructed: Obstructed
) -> None:
    working, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        working.set()
        assert go_on.wait(30), "the event loop was blocked by the model"

    obstructed.before_step = wait
    clip = asyncio.create_task(backend.generate(request(1), unseen))
    assert await asyncio.to_thread(working.wait, 30)
    go_on.set()
    assert (await clip).codes.shape == (4, 50)


async def test_a_cancelled_clip_leaves_and_its_neighbour_is_none_the_wiser(
    backend: LocalBackend, obstructed: Obstructed, engine: Engine
) -> None:
    started = asyncio.Event()
    cancelled = asyncio.create_task(backend.generate(request(1, 30.0), lambda _: started.set()))
    staying = asyncio.create_task(backend.generate(request(2, 2.0), unseen))
    await started.wait()
    cancelled.cancel()
    clip = await staying
    assert cancelled.cancelled()
    await made(backend, request(3))  # the worker has been round once more
    assert obstructed.tickets == set()
    (alone,) = engine.generate([request(2, 2.0)])
    assert (clip.codes == alone.codes).all()


async def test_one_cancelled_in_the_waiting_line_is_never_started(
    backend: LocalBackend, obstructed: Obstructed
) -> None:
    tasks = [asyncio.create_task(backend.generate(request(seed), unseen)) for seed in range(4)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    await asyncio.gather(*tasks[:3])
    await made(backend, request(9))
    assert obstructed.seeds == [0, 1, 2, 9]


async def test_out_of_memory_together_each_is_made_alone(
    backend: LocalBackend, obstructed: Obstructed, engine: Engine
) -> None:
    def no_room_for_two() -> None:
        if len(obstructed.tickets) > 1:
            raise OutOfMemory("The memory is used up.")

    obstructed.before_step = no_room_for_two
    clips = await made(backend, request(1), request(2), request(3))
    for clip, alone in zip(clips, engine.generate([request(n) for n in (1, 2, 3)]), strict=True):
        assert (clip.codes == alone.codes).all()


async def test_out_of_memory_alone_is_told_and_the_next_is_served(
    backend: LocalBackend, obstructed: Obstructed
) -> None:
    def no_room() -> None:
        raise OutOfMemory("The memory is used up.")

    obstructed.before_step = no_room
    with pytest.raises(OutOfMemory):
        await backend.generate(request(1), unseen)
    obstructed.before_step = lambda: None
    assert len(await made(backend, request(2))) == 1


async def test_what_the_model_cannot_make_is_refused_at_once(backend: LocalBackend) -> None:
    with pytest.raises(InvalidRequest):
        await backend.generate(request(1, 301.0), unseen)


async def test_codes_become_the_same_sound_again(backend: LocalBackend) -> None:
    (clip,) = await made(backend, request(1))
    again = await backend.decode(clip.codes, clip.request)
    assert np.array_equal(again.samples, clip.samples)
    assert again.sample_rate == clip.sample_rate


async def test_a_sound_is_encoded_between_the_slices_of_a_clip(
    backend: LocalBackend, engine: Engine
) -> None:
    started = asyncio.Event()
    clip = asyncio.create_task(backend.generate(request(1, 3.0), lambda _: started.set()))
    await started.wait()
    sound = np.random.default_rng(0).standard_normal((1, 32_000)).astype(np.float32)
    codes = await backend.encode(sound, 32_000)
    made_beside = (await clip).codes
    assert np.array_equal(codes, engine.encode(sound, 32_000))
    (alone,) = engine.generate([request(1, 3.0)])
    assert np.array_equal(made_beside, alone.codes)


async def test_a_model_that_does_not_load_is_told() -> None:
    def load() -> Engine:
        raise ModelError("There is no such model.")

    with pytest.raises(ModelError, match="no such model"):
        await LocalBackend.load(load, slots=1)


async def test_closing_waits_for_the_slice_but_not_for_ever(
    backend: LocalBackend, obstructed: Obstructed
) -> None:
    working, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        working.set()
        go_on.wait(30)

    obstructed.before_step = wait
    clip = asyncio.create_task(backend.generate(request(1), unseen))
    assert await asyncio.to_thread(working.wait, 30)
    assert not await backend.close(0.01)
    go_on.set()
    assert await backend.close(30)
    clip.cancel()
