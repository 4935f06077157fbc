"""The drum kits: hits of a few frames, made of swept sines and of noise.

Noise is what a codec finds hardest. Here every colour of noise is a mix of a few waves that stay
the same, with new random gains for each frame: it still hisses, and the codec can carry it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfiltfilt

from training.bank import HOP, OVERLAP, SAMPLE_RATE, WAVE
from training.plan import KITS
from training.synthesis import Wave, faded, in_a_room, states

HITS = {
    "K": 10, "S": 11, "H": 4, "h": 3, "O": 10, "k": 10, "s": 11, "g": 4, "T": 10, "t": 11, "C": 36,
}  # fmt: skip
"""Frames of each hit; the letters are those of the styles' patterns."""
NOISES = {"bright": (5500, 7600), "middle": (2200, 5200), "dull": (900, 2600)}
"""Colours of noise: lowest and highest hertz."""
_WAVES_OF_A_NOISE = 9


@dataclass(frozen=True, slots=True)
class Kit:
    """How a kit sounds."""

    kick: tuple[float, float, float]
    """Hertz it falls from and to, and seconds in which it fades."""
    snare: tuple[float, float, float]
    """Hertz of its skin, gain of the skin, and seconds in which its noise fades."""
    snare_noise: str
    hat: float
    """Seconds in which the closed hat fades."""
    hat_noise: str
    toms: tuple[float, float] = (190.0, 110.0)
    hat_gain: float = 0.25


_KITS = {
    "acoustic": Kit((130, 58, 0.09), (190, 0.5, 0.09), "middle", 0.030, "bright"),
    "electronic": Kit((210, 52, 0.12), (220, 0.25, 0.10), "bright", 0.022, "bright", hat_gain=0.33),
    "trap": Kit((160, 44, 0.20), (250, 0.2, 0.07), "bright", 0.014, "bright", hat_gain=0.22),
    "dusty": Kit((105, 62, 0.07), (170, 0.55, 0.06), "dull", 0.026, "middle", hat_gain=0.14),
    "breaks": Kit((145, 70, 0.06), (235, 0.6, 0.07), "middle", 0.036, "middle", hat_gain=0.22),
    "brushes": Kit((90, 55, 0.06), (0, 0.0, 0.14), "middle", 0.055, "bright", hat_gain=0.16),
    "latin": Kit((100, 72, 0.08), (480, 0.9, 0.02), "dull", 0.050, "middle", (330, 210), 0.18),
    "chip": Kit((300, 60, 0.05), (0, 0.0, 0.05), "dull", 0.012, "bright", (420, 260), 0.24),
}


def kit_waves(name: str) -> dict[str, Wave]:
    """Return the waves of each hit of a kit, [frames, WAVE], by the hit's letter."""
    kit, rng = _KITS[name], np.random.default_rng(KITS.index(name))
    kick = _kick(kit, HITS["K"])
    snare = _skin(kit, HITS["S"]) + _noise(kit.snare_noise, kit.snare[2], HITS["S"], 0.42, rng)
    hat = _noise(kit.hat_noise, kit.hat, HITS["H"], kit.hat_gain, rng)
    return {
        "K": kick,
        "S": snare,
        "H": hat,
        "h": 0.5 * hat[: HITS["h"]],
        "O": _noise(kit.hat_noise, 4 * kit.hat, HITS["O"], kit.hat_gain, rng),
        "k": _both(kick, 0.7 * hat),
        "s": _both(snare, 0.7 * hat),
        "g": 0.35 * snare[: HITS["g"]],
        "T": _tom(kit.toms[0], HITS["T"]),
        "t": _tom(kit.toms[1], HITS["t"]),
        "C": _both(_noise("bright", 0.2, HITS["C"], 0.22, rng), kick),
    }


def _time(frames: int) -> Wave:
    return np.arange(frames * HOP + OVERLAP) / SAMPLE_RATE


def _kick(kit: Kit, frames: int) -> Wave:
    high, low, fade = kit.kick
    time = _time(frames)
    # Falls from high to low with a time constant of 25 ms; its phase is the integral of that.
    phase = low * time + (high - low) * 0.025 * (1 - np.exp(-time / 0.025))
    sound = 0.75 * np.sin(2 * np.pi * phase) * np.exp(-time / fade)
    return states(faded(in_a_room(sound), 3), frames)


def _skin(kit: Kit, frames: int) -> Wave:
    hertz, gain, _ = kit.snare
    time = _time(frames)
    sound = np.sin(2 * np.pi * hertz * time) + 0.6 * np.sin(2 * np.pi * 1.58 * hertz * time)
    return states(faded(in_a_room(0.4 * gain * sound * np.exp(-time / 0.05)), 3), frames)


def _tom(hertz: float, frames: int) -> Wave:
    time = _time(frames)
    phase = hertz * time + 0.35 * hertz * 0.04 * (1 - np.exp(-time / 0.04))
    sound = 0.5 * np.sin(2 * np.pi * phase) * np.exp(-time / 0.09)
    return states(faded(in_a_room(sound), 3), frames)


def _noise(colour: str, fade: float, frames: int, gain: float, rng: np.random.Generator) -> Wave:
    """Return noise that fades by a step a frame, which its overlaps smooth."""
    gains = rng.normal(size=(frames, _WAVES_OF_A_NOISE)) / np.sqrt(_WAVES_OF_A_NOISE)
    level = gain * np.exp(-np.arange(frames) * HOP / SAMPLE_RATE / fade)
    level[-1] *= 0.5
    noise: Wave = level[:, None] * (gains @ _noise_waves(colour))
    return noise


def _noise_waves(colour: str) -> Wave:
    """Return the waves that a colour of noise is mixed of, each with an RMS of 1."""
    low, high = NOISES[colour]
    rng = np.random.default_rng(low)
    band = butter(4, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
    waves = sosfiltfilt(band, rng.normal(size=(_WAVES_OF_A_NOISE, 4 * WAVE)))[:, WAVE : 2 * WAVE]
    flat = states(np.ones(3 * HOP), 3)[1]
    shaped: Wave = waves / waves.std(axis=1, keepdims=True) * flat
    return shaped


def _both(long: Wave, short: Wave) -> Wave:
    both = long.copy()
    both[: len(short)] += short
    return both
