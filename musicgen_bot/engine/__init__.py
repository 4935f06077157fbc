"""MusicGen itself: synchronous torch code that knows nothing of Discord or asyncio."""

from musicgen_bot.engine.engine import Engine, StepResult
from musicgen_bot.engine.loader import load_engine

__all__ = ["Engine", "StepResult", "load_engine"]
