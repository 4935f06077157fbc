"""Sound work has threads of its own, and no more sound is in memory than there is room for."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from musicgen_bot.audio import pool as pools
from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.launcher import NICENESS
from musicgen_bot.audio.mp3 import encode_mp3
from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.errors import SystemBusy
from tests.audio import signals
from tests.audio.signals import RATE
from tests.audio.stand_in import install_ffmpeg
from tests.audio.test_mp3 import TAGS


@pytest.fixture
async def pool() -> AsyncIterator[SoundPool]:
    pool = SoundPool(threads=1, most_seconds=100)
    yield pool
    pool.close()


async def test_sound_work_keeps_no_look_up_waiting(pool: SoundPool) -> None:
    done = threading.Event()
    works = [asyncio.create_task(pool.run(done.wait)) for _ in range(100)]
    await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
    assert not any(work.done() for work in works)
    done.set()
    assert all(await asyncio.gather(*works))


async def holding(pool: SoundPool, seconds: float, log: list[str], name: str) -> asyncio.Event:
    """Hold sound in a task until the event is set; log when it was let in."""
    leave = asyncio.Event()

    async def hold() -> None:
        async with pool.room(seconds, promised=name.startswith("promised")):
            log.append(name)
            await leave.wait()

    task = asyncio.create_task(hold())
    task.add_done_callback(lambda _: None)
    await settled()
    return leave


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_those_who_find_no_room_wait_in_their_order(pool: SoundPool) -> None:
    log: list[str] = []
    leaves = [
        await holding(pool, seconds, log, name)
        for seconds, name in ((60, "a"), (30, "b"), (40, "c"), (5, "d"))
    ]
    assert log == ["a", "b"]
    leaves[1].set()
    await settled()
    assert log == ["a", "b", "c"]
    leaves[0].set()
    await settled()
    assert log == ["a", "b", "c", "d"]


async def test_what_was_promised_comes_before_all_that_wait(pool: SoundPool) -> None:
    log: list[str] = []
    leave = await holding(pool, 100, log, "a")
    for name in ("b", "c", "promised 1", "promised 2"):
        await holding(pool, 50, log, name)
    leave.set()
    await settled()
    assert log == ["a", "promised 1", "promised 2"]


async def test_what_is_larger_than_all_the_room_gets_through_alone(pool: SoundPool) -> None:
    log: list[str] = []
    small = await holding(pool, 1, log, "small")
    large = await holding(pool, 4 * 300.0, log, "promised large")
    await holding(pool, 1, log, "next")
    assert log == ["small"]
    small.set()
    await settled()
    assert log == ["small", "promised large"]
    large.set()
    await settled()
    assert log == ["small", "promised large", "next"]


async def test_who_gives_up_waiting_leaves_the_room_to_others(pool: SoundPool) -> None:
    log: list[str] = []
    leave = await holding(pool, 60, log, "a")

    async def wait() -> None:
        async with pool.room(50):
            raise AssertionError

    given_up = asyncio.create_task(wait())
    await settled()
    await holding(pool, 40, log, "b")
    assert log == ["a"]
    given_up.cancel()
    await settled()
    assert log == ["a", "b"]
    at_the_last_moment = asyncio.create_task(wait())
    await settled()
    leave.set()
    await asyncio.sleep(0)
    at_the_last_moment.cancel()
    await settled()
    await holding(pool, 60, log, "c")
    assert log == ["a", "b", "c"]


class _Refill(logging.Handler):
    """Gives the files back once it is told that there were none."""

    def __init__(self, limits: tuple[int, int]) -> None:
        super().__init__()
        self.limits = limits
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        import resource

        self.told.append(record.getMessage())
        resource.setrlimit(resource.RLIMIT_NOFILE, self.limits)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
async def test_what_finds_no_file_left_is_done_when_there_are_some_again(
    pool: SoundPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.setattr(pools, "FIRST_PAUSE_SECONDS", 0.0)
    ffmpeg = find_ffmpeg()
    encode_mp3(signals.piano(0.5), RATE, TAGS, ffmpeg)  # what is imported at first needs files
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    refill = _Refill(limits)
    logger = logging.getLogger("musicgen_bot.audio.pool")
    logger.addHandler(refill)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        mp3 = await pool.run(encode_mp3, signals.piano(0.5), RATE, TAGS, ffmpeg)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        logger.removeHandler(refill)
    assert mp3.startswith(b"ID3")
    (line,) = refill.told
    assert "Too many open files" in line
    assert "trying again" in line


async def test_a_system_that_stays_busy_is_told_in_the_end(
    pool: SoundPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "FIRST_PAUSE_SECONDS", 0.0)
    attempts = 0

    def work() -> None:
        nonlocal attempts
        attempts += 1
        raise SystemBusy("busy")

    with pytest.raises(SystemBusy):
        await pool.run(work)
    assert attempts == pools.ATTEMPTS


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no niceness")
async def test_sound_work_and_the_ffmpeg_it_starts_go_behind_the_clips_in_the_making(
    pool: SoundPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = tmp_path / "nice"
    script = f'nice > {written}\nexec {imageio_ffmpeg.get_ffmpeg_exe()} "$@"'
    install_ffmpeg(tmp_path, monkeypatch, script)
    ffmpeg, own = find_ffmpeg(), os.getpriority(os.PRIO_PROCESS, 0)
    assert await pool.run(os.getpriority, os.PRIO_PROCESS, 0) == own + NICENESS
    await pool.run(encode_mp3, signals.piano(0.5), RATE, TAGS, ffmpeg)
    assert int(written.read_text()) == own + NICENESS
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
