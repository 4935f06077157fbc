"""What a failing disk refuses is written later, in its order, or at the end."""

import asyncio
from collections.abc import Callable

import pytest

from musicgen_bot.errors import StoreError
from musicgen_bot.jobs.job_writer import JobWriter, Step


class Disk:
    """Takes what is written, unless it is full; a pause ends when the test says so."""

    def __init__(self) -> None:
        self.is_full = False
        self.written: list[str] = []
        self.pauses: list[float] = []
        self._paused, self._over = asyncio.Event(), asyncio.Event()

    def step(self, name: str) -> Step:
        async def write() -> None:
            if self.is_full:
                raise StoreError("The disk is full.")
            self.written.append(name)

        return write

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._paused.set()
        await self._over.wait()
        self._over.clear()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let one pause after the other end, until something is so."""
        async with asyncio.timeout(10):
            while not condition():
                await self._paused.wait()
                self._paused.clear()
                self._over.set()
                await asyncio.sleep(0)


async def test_what_was_refused_is_written_in_its_order_when_there_is_room() -> None:
    disk = Disk()
    writer = JobWriter(disk.sleep)
    await writer.write(disk.step("a"))
    disk.is_full = True
    await writer.write(disk.step("b"))
    await writer.write(disk.step("c"))
    await disk.until(lambda: len(disk.pauses) == 9)
    assert disk.written == ["a"]
    assert disk.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    disk.is_full = False
    await writer.write(disk.step("d"))  # not before those that wait
    await disk.until(lambda: len(disk.written) == 4)
    assert disk.written == ["a", "b", "c", "d"]
    await writer.write(disk.step("e"))
    assert disk.written[-1] == "e"
    await writer.close()


async def test_what_was_refused_is_written_before_the_end() -> None:
    disk = Disk()
    writer = JobWriter(disk.sleep)
    disk.is_full = True
    await writer.write(disk.step("a"))
    disk.is_full = False
    await writer.close()
    assert disk.written == ["a"]


async def test_what_could_not_be_written_at_all_is_told_the_host(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = Disk()
    writer = JobWriter(disk.sleep)
    disk.is_full = True
    await writer.write(disk.step("a"))
    await writer.close()
    assert "1 steps of jobs could not be written" in caplog.text


async def test_a_step_is_written_though_its_job_is_stopped_meanwhile() -> None:
    disk = Disk()
    writer = JobWriter(disk.sleep)
    begun, leave = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        begun.set()
        await leave.wait()
        await disk.step("a")()

    job = asyncio.create_task(writer.write(write))
    await begun.wait()
    job.cancel()
    await asyncio.wait({job})
    assert job.cancelled()
    leave.set()
    await writer.close()
    assert disk.written == ["a"]
