"""Sounds to test with, [channels, samples] at 32 kHz, the same at every call."""

from __future__ import annotations

import numpy as np

from musicgen_bot.generation import Samples

RATE = 32_000


def sine(hertz: float, seconds: float = 3.0, amplitude: float = 0.3, phase: float = 0.0) -> Samples:
    angle = 2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE + phase
    return (amplitude * np.sin(angle))[None].astype(np.float32)


def square(hertz: float, seconds: float = 3.0, amplitude: float = 1.0) -> Samples:
    return (amplitude * np.sign(sine(hertz, seconds, phase=0.01))).astype(np.float32)


def noise(seconds: float = 3.0, rms: float = 0.1) -> Samples:
    samples = np.random.default_rng(1).standard_normal((1, round(seconds * RATE)))
    return (rms * samples).astype(np.float32)


def drum_loop(seconds: float = 5.0) -> Samples:
    """Kick, hat, snare, hat, and nothing in between: a crest factor of 22 dB."""
    random = np.random.default_rng(2)
    length = round(seconds * RATE)
    loop = np.zeros(length)
    for beat, start in enumerate(range(0, length, round(0.3 * RATE))):
        time = np.arange(min(round(0.3 * RATE), length - start)) / RATE
        hiss = random.standard_normal(time.size)
        kick = np.sin(2 * np.pi * (50 * time + 12 * (1 - np.exp(-50 * time)))) * np.exp(-12 * time)
        snare = 0.8 * hiss * np.exp(-33 * time)
        hat = 0.3 * np.diff(hiss, prepend=0.0) * np.exp(-80 * time)
        loop[start : start + time.size] += (kick, hat, snare, hat)[beat % 4]
    return (0.3 * loop)[None].astype(np.float32)


def piano(seconds: float = 5.0) -> Samples:
    """Struck notes of a pentatonic scale that ring on."""
    length = round(seconds * RATE)
    notes = np.zeros(length)
    for number, start in enumerate(range(0, length, round(0.3 * RATE))):
        time = np.arange(min(2 * RATE, length - start)) / RATE
        hertz = 220 * 2 ** ((0, 7, 3, 12, 10, 5, 15)[number % 7] / 12)
        for harmonic in range(1, 7):
            tone = np.sin(2 * np.pi * hertz * harmonic * time) / harmonic
            notes[start : start + time.size] += tone * np.exp(-1.7 * harmonic * time)
    return (0.1 * notes)[None].astype(np.float32)


def band(seconds: float = 5.0) -> Samples:
    """Drums over piano: music with a crest factor of 20 dB."""
    return drum_loop(seconds) + 0.6 * piano(seconds)


def stereo_band(seconds: float = 5.0) -> Samples:
    """The band on the left, a softer and later one on the right."""
    left = band(seconds)
    return np.concatenate([left, 0.5 * np.roll(left, 3000, axis=1)])


def crest_factor_db(samples: Samples) -> float:
    return float(20 * np.log10(np.abs(samples).max() / np.sqrt(np.mean(samples**2))))
