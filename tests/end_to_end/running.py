"""The bot, running against the Discord on loopback: in this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from musicgen_bot.app import run_bot
from musicgen_bot.config import Config
from tests.discord_server.messages import Message
from tests.discord_server.server import DiscordServer
from tests.discord_server.signals import PATIENCE

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Run:
    """One run of the bot in this process."""

    task: asyncio.Task[None]
    lines: list[str] = field(default_factory=list)
    """What it said to the host."""


@asynccontextmanager
async def running_bot(server: DiscordServer, data: Path, **config: Any) -> AsyncIterator[Run]:
    """Run the bot beside the block, with the tiny model and no cooldown, and stop it at the end."""
    lines: list[str] = []
    values: dict[str, Any] = {
        "discord_token": server.token,
        "musicgen_model": "tiny",
        "musicgen_device": "cpu",
        "data_dir": data,
        "limit_cooldown_seconds": 0,
    } | config
    task = asyncio.create_task(run_bot(Config(**values), lines.append))
    online = asyncio.create_task(server.gateway.online())
    try:
        await asyncio.wait({task, online}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield Run(task, lines)
    finally:
        online.cancel()
        task.cancel()
        await asyncio.wait({task})


class BotProcess:
    """`python bot.py` as a host starts it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: list[str] = []
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls,
        environment: dict[str, str],
        folder: Path,
        *arguments: str,
        program: Path = ROOT / "bot.py",
    ) -> BotProcess:
        """Start it in a folder, with nothing of this machine's settings in its environment."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MUSICGEN", "LIMIT"))}
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                str(program),
                *arguments,
                cwd=folder,
                env={**inherited, **environment},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        )

    @property
    def pid(self) -> int:
        """What the system calls it."""
        return self._process.pid

    async def ended(self) -> tuple[int, str]:
        """Wait until it ends by itself; return its exit status and all it wrote."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(self._reading)
            return await self._process.wait(), "".join(self._lines)

    async def until(self, text: str) -> None:
        """Wait until it has written a line with this text."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: any(text in line for line in self._lines))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._news:
                self._lines.append(line.decode())
                self._news.notify_all()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stop it as a service manager does, or with another signal."""
        self.signal(number)
        return await self.ended()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def kill(self) -> None:
        """Kill it without a warning."""
        if self._process.returncode is None:
            self._process.kill()
        await self.ended()


@asynccontextmanager
async def bot_process(
    server: DiscordServer,
    folder: Path,
    program: Path = ROOT / "bot.py",
    /,
    *arguments: str,
    **more: str,
) -> AsyncIterator[BotProcess]:
    """Start the bot against the server, wait until it is connected, kill it at the end."""
    environment = {
        **server.environment,
        "MUSICGEN_MODEL": "tiny",
        "LIMIT_COOLDOWN_SECONDS": "0",
        "OMP_NUM_THREADS": "1",
        **more,
    }
    bot = await BotProcess.start(environment, folder, *arguments, program=program)
    try:
        online = asyncio.create_task(server.gateway.online())
        ended = asyncio.create_task(bot.ended())
        await asyncio.wait({online, ended}, return_when=asyncio.FIRST_COMPLETED)
        assert not ended.done(), f"the bot ended: {ended.result()}"
        yield bot
    finally:
        await bot.kill()


async def clip_in(message: Message) -> tuple[np.ndarray[Any, np.dtype[np.float64]], int]:
    """Wait for a message's clip; return its samples, [samples, channels], and their rate."""
    ((samples, rate),) = await clips_in(message)
    return samples, rate


async def clips_in(
    message: Message,
) -> list[tuple[np.ndarray[Any, np.dtype[np.float64]], int]]:
    """Wait for a message's clips, one or more, and return each as `clip_in` does."""
    await message.until(lambda m: m.attachments)
    *clips, picture = message.attachments
    assert picture.filename == "waveform.png"
    assert message.embeds[0]["image"]["url"] == picture.url
    return [soundfile.read(io.BytesIO(clip.data), always_2d=True) for clip in clips]


def text_of(message: Message) -> str:
    """Return all a person reads in a message."""
    parts = [message.content]
    for embed in message.embeds:
        parts += [embed.get("title", ""), embed.get("description", "")]
        parts += [f"{each['name']}: {each['value']}" for each in embed.get("fields", [])]
        parts.append(embed.get("footer", {}).get("text", ""))
    return "\n".join(filter(None, parts))
