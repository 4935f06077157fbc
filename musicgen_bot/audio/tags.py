"""What a sound file tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from musicgen_bot.generation import GenerationRequest

TITLE_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Tags:
    """Where a clip came from. Texts may hold anything; in the file a NUL becomes a space."""

    title: str
    prompt: str
    seed: int
    model: str
    """Name of the model, such as facebook/musicgen-small."""
    licence: str
    """Licence of the model's weights, such as CC-BY-NC-4.0."""
    software: str
    """Name and version of what made the file, such as musicgen-bot 0.1.0."""

    @classmethod
    def of(cls, request: GenerationRequest, *, model: str, licence: str, software: str) -> Self:
        """Return the tags of a clip made from a request, whose seed is known by now."""
        title = request.prompt
        if len(title) > TITLE_CHARACTERS:
            title = title[: TITLE_CHARACTERS - 1].rstrip() + "…"
        return cls(title, request.prompt, request.seed or 0, model, licence, software)

    def as_comment(self) -> str:
        """Return prompt and seed for formats and players that show one comment and no more."""
        return f"{self.prompt} (seed {self.seed})"


def printable(text: str) -> str:
    """Return the text without what no tag can hold: NULs and lone surrogates."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
