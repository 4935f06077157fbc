"""Whether a clip is what the prompt asked for.

A judge looks at one wish. It says None where the prompt holds no such wish. What a judge says of
clips made from other prompts tells how often a clip is right by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.listening import RARELY, Heard
from training.prompts import Prompt
from training.styles import STYLES

TOLERANCE = 0.04
"""By how much a tempo may differ."""
_OFTEN = 0.1
"""Share of the frames in which drums sound, where there are drums; all that is composed has it."""
_USUALLY_DRUMS = 0.7

Judge = Callable[[Prompt, Heard], bool | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Shares of clips that are right."""

    right: float
    by_chance: float
    """The same where each clip is judged by the other prompts."""
    clips: int


def verdict(judge: Judge, prompts: Sequence[Prompt], heard: Sequence[Heard]) -> Verdict | None:
    """Return what a judge says of the clips, one for each prompt; None where no prompt asks."""
    own: list[bool] = []
    other: list[bool] = []
    for place, prompt in enumerate(prompts):
        for number, clip in enumerate(heard):
            says = judge(prompt, clip)
            if says is not None:
                (own if number == place else other).append(says)
    if not own:
        return None
    by_chance = sum(other) / len(other) if other else 0.0
    return Verdict(sum(own) / len(own), by_chance, len(own))


def judge_kit(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the drum kit by the genre; genres that often do without drums may do so."""
    if prompt.genre is None or prompt.drums is False:
        return None
    style = STYLES[prompt.genre]
    if heard.kit is None and prompt.drums is None and style.drums < _USUALLY_DRUMS:
        return None
    return heard.kit in style.kits


def judge_chords(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the instrument that plays the chords."""
    return None if prompt.chords is None else heard.chords == prompt.chords


def judge_lead(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the instrument that plays the tune."""
    return None if prompt.lead is None else heard.lead == prompt.lead


def judge_no_drums(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the silence of drums that are not wanted."""
    return heard.drums < RARELY if prompt.drums is False else None


def judge_drums(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the presence of drums that are wanted."""
    return heard.drums > _OFTEN if prompt.drums else None


def judge_mood(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge major or minor."""
    return None if prompt.minor is None else heard.minor is prompt.minor


def judge_clock(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the tempo that the clock shows by the number asked for."""
    return None if prompt.bpm is None else _same(heard.tempo, prompt.bpm)


def judge_tempo_words(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the tempo that the clock shows by words such as "slow"."""
    if prompt.tempo is None:
        return None
    slowest, fastest = prompt.tempo
    return slowest <= heard.tempo <= fastest


def judge_sound(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the tempo of the sound by the number asked for."""
    return None if prompt.bpm is None else _same(heard.tempo_of_sound, prompt.bpm)


def judge_sound_loosely(prompt: Prompt, heard: Heard) -> bool | None:
    """Judge the same, but let the beat tracker count in another metre, as such often do.

    That is the "Accuracy 2" of Gouyon et al., 2006, by which tempo estimation is measured: within
    4 % of the tempo, its double, triple, half or third. `judge_sound` is their "Accuracy 1".
    """
    if prompt.bpm is None:
        return None
    return any(_same(heard.tempo_of_sound, prompt.bpm * times) for times in (1 / 3, 1 / 2, 1, 2, 3))


def _same(tempo: float, asked: float) -> bool:
    return abs(tempo / asked - 1) <= TOLERANCE
