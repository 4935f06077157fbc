"""What a place that makes clips has to offer, wherever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from musicgen_bot.generation import Clip, Codes, GenerationRequest, Progress


class Backend(Protocol):
    """Makes clips, several at once."""

    @property
    def slots(self) -> int:
        """How many jobs it likes to have at once; more than that wait inside it."""

    @property
    def model(self) -> str:
        """Name of the model; codes are understood by the model that made them only."""

    @property
    def speed(self) -> float | None:
        """Seconds of music made per second, all clips together; None before it was measured."""

    def pace(self, clips: int) -> float | None:
        """Return the seconds of music a second that each of so many clips at once gets.

        None before anything was measured.
        """

    @property
    def frame_rate(self) -> float:
        """Frames of codes in a second of music."""

    @property
    def is_loaded(self) -> bool:
        """Whether the model is there; if not, what is asked for next waits until it is."""

    @property
    def trouble(self) -> str | None:
        """Why the model is out of order, in a sentence for the host; None while it works."""

    async def generate(
        self, request: GenerationRequest, on_progress: Callable[[Progress], None]
    ) -> Clip:
        """Make one clip; cancelled like any task. Waits while the model is out of order.

        Raises InvalidRequest where this model cannot make such a clip, GenerationError where the
        machine could not make this one.
        """

    async def decode(
        self, codes: Codes, request: GenerationRequest, *, patient: bool = True
    ) -> Clip:
        """Make a clip's sound again from its codes and its request.

        Waits while the model is out of order, unless it is not `patient`. Raises GenerationError.
        """
