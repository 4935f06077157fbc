"""The values that travel through the bot: what was asked for, how far it is, what came out."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.translations import Text

MAX_PROMPT_CHARACTERS = 500
MAX_SEED = 2**32 - 1
READS_ENGLISH = Text("The model understands only English; the rest is left to chance.")
_JOINERS = "\u200c\u200d"

Codes = NDArray[np.int16]
"""Codes of a clip, [codebooks, frames], each 0 to 2047."""

Samples = NDArray[np.float32]
"""Sound, [channels, samples], in [-1, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class GenerationRequest:
    """One clip somebody would like to hear.

    Raises InvalidRequest when made with a value that no model could use; what a particular model
    or server allows beyond that is checked where it is known.
    """

    prompt: str
    """What it should sound like; may be empty, which leaves the model free."""
    seconds: float = 10.0
    """Length of the whole clip, what it continues included."""
    seed: int | None = None
    """0 to 2**32 - 1; None lets the engine draw one."""
    guidance: float = 3.0
    """Classifier-free guidance scale; 1 is none."""
    temperature: float = 1.0
    """Divides the logits before sampling."""
    top_k: int = 250
    """How many of the likeliest codes are drawn from; 1 is greedy."""
    continue_from: Codes | None = None
    """Codes that the clip starts with and goes on from."""

    def __post_init__(self) -> None:
        if len(self.prompt) > MAX_PROMPT_CHARACTERS:
            raise InvalidRequest(
                "The prompt is {length} characters long; please shorten it to {most}.",
                length=len(self.prompt),
                most=MAX_PROMPT_CHARACTERS,
            )
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise InvalidRequest("The length must be a number of seconds greater than 0.")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise InvalidRequest("The seed must be a whole number from 0 to {most}.", most=MAX_SEED)
        if not (math.isfinite(self.guidance) and self.guidance >= 1):
            raise InvalidRequest("The guidance must be a number of at least 1.")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise InvalidRequest("The temperature must be a number greater than 0.")
        if self.top_k < 1:
            raise InvalidRequest("top_k must be a whole number of at least 1.")


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A finished clip."""

    codes: Codes
    samples: Samples
    sample_rate: int
    request: GenerationRequest
    """What it was made from, with the seed that was used."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a clip is, in frames of the codec (50 a second for MusicGen)."""

    frames: int
    total: int

    @property
    def fraction(self) -> float:
        """Share of the work that is done, 0 to 1."""
        return self.frames / self.total


def check_continuation(given_seconds: float, seconds: float) -> None:
    """Return if a clip of so many seconds has something to make beyond what it goes on from.

    Raises InvalidRequest.
    """
    if given_seconds >= seconds:
        raise InvalidRequest(
            "The clip to continue is already {given} seconds long, so a total of {seconds} "
            "seconds adds nothing; please ask for more.",
            given=given_seconds,
            seconds=seconds,
        )


def one_line(text: str) -> str:
    """Return what a person typed as one line: control characters become spaces, runs of spaces one.

    The joiners that hold emoji and some scripts together stay.
    """
    printable = (c if c.isprintable() or c in _JOINERS else " " for c in text)
    return " ".join("".join(printable).split()).strip(_JOINERS)


def clean_prompt(text: str) -> str:
    """Return a prompt as one line. Raises InvalidRequest where nothing is left of it."""
    prompt = one_line(text)
    if not prompt:
        raise InvalidRequest(
            "The prompt is empty; say what you would like to hear, such as a genre, instruments, "
            "a mood and a tempo."
        )
    return prompt


def is_foreign(prompt: str) -> bool:
    """Return whether a prompt holds what the model cannot read.

    T5's vocabulary was made from English, German, French and Romanian texts (Raffel et al., 2020,
    section 3.1.2); letters of other scripts, and emoji, all look alike to it.
    """
    letters = [c for c in unicodedata.normalize("NFKC", prompt) if c.isalnum()]
    return not letters or not all(
        unicodedata.name(c, "").startswith("LATIN") for c in letters if c.isalpha()
    )
