"""How fast the model was of late, with so many clips at once."""

from __future__ import annotations

from dataclasses import dataclass

HALF_LIFE_SECONDS = 30.0
"""Of busy time, after which a measurement counts half."""


@dataclass(slots=True)
class _Measured:
    """What was measured of late."""

    music: float = 0.0
    """Seconds of music."""
    busy: float = 0.0
    """Seconds it took to make them."""

    def note(self, music: float, busy: float) -> None:
        """Add a measurement, and let those before it fade."""
        fade = 0.5 ** (busy / HALF_LIFE_SECONDS)
        self.music = fade * self.music + music
        self.busy = fade * self.busy + busy


class SpeedMeter:
    """Keeps what was measured, for all together and for each number of clips at once."""

    def __init__(self) -> None:
        self._latest = _Measured()
        self._of_count: dict[int, _Measured] = {}

    def note(self, clips: int, music: float, busy: float) -> None:
        """Add a measurement: seconds of music, and seconds that so many clips at once took."""
        self._latest.note(music, busy)
        self._of_count.setdefault(clips, _Measured()).note(music, busy)

    @property
    def speed(self) -> float | None:
        """Seconds of music made per second of work; None before it was measured."""
        return self._latest.music / self._latest.busy if self._latest.music else None

    def pace(self, clips: int) -> float | None:
        """Return the seconds of music a second that each of so many clips at once gets.

        Where so many were never made at once, it is told of the nearest number. None before
        anything was measured.
        """
        measured = [count for count, each in self._of_count.items() if each.music]
        if not measured:
            return None
        nearest = min(measured, key=lambda count: (abs(count - clips), -count))
        of_nearest = self._of_count[nearest]
        return of_nearest.music / of_nearest.busy / nearest
