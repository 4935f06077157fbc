"""What a piece is to be: everything that a caption can ask for."""

from __future__ import annotations

from dataclasses import dataclass

BEATS = (
    *(17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30),
    *(31, 33, 35, 37, 38, 40, 42, 45, 48, 50),
)
"""Lengths of a beat in frames that there are: 176 to 60 beats a minute, at most 4 % apart."""
KEYS = ("C", "G", "D", "A")
"""Tonics of the major keys; the minor keys are their relatives."""
KITS = ("acoustic", "electronic", "trap", "dusty", "breaks", "brushes", "latin", "chip")
CHORD_INSTRUMENTS = ("piano", "electric piano", "guitar", "organ", "pad", "synth")
BASSES = ("electric", "synth", "sub", "upright")
LEAD_INSTRUMENTS = ("piano", "flute", "violin", "guitar", "bells", "synth")
GENRES = (
    *("lofi", "hip hop", "trap", "house", "techno", "synthwave", "drum and bass", "rock"),
    *("punk", "pop", "disco", "funk", "soul", "jazz", "blues", "bossa nova", "reggae", "folk"),
    *("country", "classical", "ambient", "chiptune", "latin"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A piece before its notes are chosen."""

    genre: str
    beat: int
    """Frames a beat, one of BEATS."""
    key: int
    """Index of KEYS: the key signature."""
    minor: bool
    """Whether it is in the relative minor; that is what moods come down to."""
    energy: int
    """0 calm, 1 as the genre has it, 2 energetic: how much is played."""
    drums: str | None
    """One of KITS, or None for no drums."""
    bass: str | None
    """One of BASSES, or None."""
    chords: str | None
    """One of CHORD_INSTRUMENTS, or None."""
    lead: str | None
    """One of LEAD_INSTRUMENTS, or None."""

    @property
    def tempo(self) -> float:
        """Beats a minute."""
        return 3000 / self.beat
