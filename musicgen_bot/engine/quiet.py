"""Keeping transformers off the terminal, which is the bot's own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.utils.tqdm import are_progress_bars_disabled
from transformers.utils import logging as transformers_logging


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Hide transformers' progress bars, reports and advice; not those of a download."""
    verbosity = transformers_logging.get_verbosity()
    # transformers switches the bars of huggingface_hub together with its own.
    bars = transformers_logging.is_progress_bar_enabled() and not are_progress_bars_disabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
