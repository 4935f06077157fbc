"""Writes clips as files people can keep: MP3, WAV, FLAC or Ogg, under a name made of the prompt."""

from __future__ import annotations

import os
import secrets
import unicodedata
from io import BytesIO
from pathlib import Path

import soundfile

from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.lossy import encode_below_ceiling
from musicgen_bot.audio.mp3 import encode_mp3
from musicgen_bot.audio.tags import Tags, printable
from musicgen_bot.errors import AudioError, InvalidRequest
from musicgen_bot.generation import Samples

ENDINGS = (".mp3", ".wav", ".flac", ".ogg")
_MAX_NAME_CHARACTERS = 60
_NAMELESS = "clip"
_INVISIBLE = "\ufe0e\ufe0f\u115f\u1160"
"""Variation selectors of emoji, and two Hangul letters that fill a gap."""
_RESERVED_ON_WINDOWS = frozenset(
    ["con", "prn", "aux", "nul"]
    + [f"{device}{digit}" for device in ("com", "lpt") for digit in range(10)]
)


def check_output(path: Path) -> None:
    """Find out before a clip is made whether it could be written to this path.

    Raises InvalidRequest where the ending names no kind of file that can be written, AudioError
    where the folder cannot be written.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InvalidRequest(
            "The file name must end in {endings} or {last}; the ending decides the file type.",
            endings=", ".join(ENDINGS[:-1]),
            last=ENDINGS[-1],
        )
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise AudioError(
            "{path} cannot be written; please choose another folder or name.", path=str(path)
        )


def write_clip(path: Path, samples: Samples, sample_rate: int, tags: Tags) -> None:
    """Write samples [channels, samples] as MP3, WAV, FLAC or Ogg Vorbis, by the path's ending.

    The file appears under its name when it is whole, and replaces one that was there. Raises
    InvalidRequest for another ending, AudioError where the file cannot be written.
    """
    check_output(path)
    file = _encode(path.suffix.lower(), samples, sample_rate, tags)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        try:
            part.write_bytes(file)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise AudioError(
            "{path} cannot be written ({reason}); please choose another folder or make room.",
            path=str(path),
            reason=reason,
        ) from error


def encode_wav(samples: Samples, sample_rate: int, tags: Tags) -> bytes:
    """Return samples [channels, samples] as a WAV file of 16 bits. Raises AudioError."""
    return _encode(".wav", samples, sample_rate, tags)


def _encode(ending: str, samples: Samples, sample_rate: int, tags: Tags) -> bytes:
    def through_soundfile(sound: Samples) -> bytes:
        return _encode_by_soundfile(ending[1:], sound, sample_rate, tags)

    if ending == ".mp3":
        return encode_mp3(samples, sample_rate, tags, find_ffmpeg())
    if ending == ".ogg":
        return encode_below_ceiling(samples, sample_rate, through_soundfile)
    return through_soundfile(samples)


def _encode_by_soundfile(kind: str, samples: Samples, sample_rate: int, tags: Tags) -> bytes:
    """Return samples as a WAV or FLAC of 16 bits, or as Ogg Vorbis."""
    memory = BytesIO()
    try:
        with soundfile.SoundFile(
            memory, "w", sample_rate, channels=samples.shape[0], format=kind.upper()
        ) as file:
            file.title = printable(tags.title)
            file.artist = printable(tags.model)
            file.copyright = printable(tags.licence)
            file.software = printable(tags.software)
            file.comment = printable(tags.as_comment())
            # libsndfile overruns its stack where a long clip is given to Vorbis at once.
            for start in range(0, samples.shape[1], sample_rate):
                file.write(samples[:, start : start + sample_rate].T)
    except soundfile.LibsndfileError as error:
        raise AudioError(
            "The audio cannot be saved as {kind}; please choose another file type.",
            kind=kind.upper(),
        ) from error
    return memory.getvalue()


def file_name(prompt: str, ending: str) -> str:
    """Return a name for a file with this ending (such as ".mp3"), made of the prompt.

    Lower-case letters and digits of any script, joined by hyphens; at most 60 characters, and
    nothing that means something to a file system. A prompt without letters is called "clip".
    """
    text = unicodedata.normalize("NFKC", prompt).lower()
    words = "".join(c if _belongs_to_a_word(c) else " " for c in text).split()
    # A mark with no letter to stand on is no word.
    stem = "-".join(word for word in words if any(map(str.isalnum, word)))
    longest = _MAX_NAME_CHARACTERS - len(ending)
    if len(stem) > longest:
        whole_words, _, _ = stem[: longest + 1].rpartition("-")
        stem = whole_words or stem[:longest]
    if stem in _RESERVED_ON_WINDOWS:
        stem = f"{_NAMELESS}-{stem}"
    return f"{stem or _NAMELESS}{ending}"


def _belongs_to_a_word(character: str) -> bool:
    """Tell letters, digits, and the marks with which many scripts write vowels."""
    if character in _INVISIBLE:
        return False
    return character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")
