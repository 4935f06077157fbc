"""Several clips at once, as if they were one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable

from musicgen_bot.generation import Clip


async def together(works: Iterable[Coroutine[None, None, Clip]]) -> list[Clip]:
    """Return the clips of all works in their order; where one fails, the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
