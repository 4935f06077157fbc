"""Who uploads what comes to nothing has to wait, and one slow file keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import numpy as np
import pytest

from musicgen_bot.audio.upload import UploadReader
from musicgen_bot.errors import AudioError, InvalidRequest, LimitReached, PersonError
from musicgen_bot.generation import Samples
from musicgen_bot.ui.common import uploads as module
from musicgen_bot.ui.common.uploads import MOST_READ, Uploads

ADA, BEN = 1, 2


class Reader:
    """Reads what a test says, when it says so."""

    def __init__(self) -> None:
        self.error: PersonError | None = None
        self.leave = asyncio.Event()
        self.leave.set()
        self.reading = 0

    async def read(self, *_: Any) -> Samples:
        self.reading += 1
        await self.leave.wait()
        self.reading -= 1
        if self.error is not None:
            raise self.error
        return np.zeros((1, 10), np.float32)


class Desk:
    """The uploads of a bot, whose clock is the test's."""

    def __init__(self) -> None:
        self.reader, self.now = Reader(), 1000.0
        self.uploads = Uploads(cast(UploadReader, self.reader), lambda: self.now)

    async def upload(self, user_id: int = ADA) -> None:
        with self.uploads.turn(user_id):
            await self.uploads.read(cast(Any, None), user_id, 32000, 1, 10.0)

    async def refuse(self, user_id: int = ADA) -> None:
        self.reader.error = InvalidRequest("no")
        with pytest.raises(InvalidRequest):
            await self.upload(user_id)
        self.reader.error = None

    async def must_wait(self, wait: str, user_id: int = ADA) -> None:
        with pytest.raises(LimitReached, match=f"try another one in {wait}"):
            await self.upload(user_id)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    async def download(*_: Any) -> bytes:
        return b""

    monkeypatch.setattr(module, "download", download)
    return Desk()


async def test_one_wrong_file_costs_nothing_and_more_in_a_row_ever_more(desk: Desk) -> None:
    await desk.refuse()
    await desk.refuse()
    await desk.must_wait("30 seconds")
    await desk.upload(BEN)
    desk.now += 31
    await desk.refuse()
    await desk.must_wait("60 seconds")
    desk.now += 61
    for _ in range(20):
        await desk.refuse()
        desk.now += module.LONGEST_PAUSE_SECONDS
    desk.now -= 1
    await desk.must_wait("1 second")


async def test_a_file_that_was_read_ends_the_row(desk: Desk) -> None:
    await desk.refuse()
    await desk.upload()
    await desk.refuse()
    await desk.upload()


async def test_old_failures_are_forgotten_and_those_of_the_machine_do_not_count(desk: Desk) -> None:
    for _ in range(5):
        await desk.refuse()
        desk.now += module.FORGOTTEN_AFTER_SECONDS
    desk.reader.error = AudioError("no ffmpeg")
    for _ in range(5):
        with pytest.raises(AudioError):
            await desk.upload()
    desk.reader.error = None
    await desk.upload()


async def test_a_slow_file_does_not_keep_the_next_one_waiting(desk: Desk) -> None:
    desk.reader.leave.clear()
    tasks = [asyncio.create_task(desk.upload(person)) for person in range(MOST_READ + 1)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert desk.reader.reading == MOST_READ == 2
    desk.reader.leave.set()
    await asyncio.gather(*tasks)
