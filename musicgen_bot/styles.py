"""The styles that `/generate` offers, each a few words that are added to a prompt.

A new one is a line in the table: a name people pick from a list (Discord shows 25 at most), and the
words the model reads behind theirs. The model listens to genre, instruments, mood and tempo.
"""

from __future__ import annotations

from dataclasses import dataclass

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import MAX_PROMPT_CHARACTERS
from musicgen_bot.translations import Counted


@dataclass(frozen=True, slots=True)
class Style:
    """A preset."""

    name: str
    words: str


STYLES = (
    Style("80s pop", "80s pop, bright synths, gated drums, slap bass, uplifting, 118 bpm"),
    Style("Ambient", "ambient, soft pads, slow evolving drones, calm, spacious, no drums, 60 bpm"),
    Style("Blues", "slow blues, electric guitar, organ, walking bass, brushed drums, 70 bpm"),
    Style("Bossa nova", "bossa nova, nylon guitar, soft percussion, piano, relaxed, 128 bpm"),
    Style("Chiptune", "chiptune, 8-bit square wave lead, arpeggios, noise drums, happy, 150 bpm"),
    Style("Cinematic", "cinematic orchestra, strings, brass, timpani, epic, building up, 90 bpm"),
    Style("Classical piano", "classical solo piano, romantic, expressive, gentle, 72 bpm"),
    Style("Country", "country, acoustic guitar, banjo, fiddle, steady drums, cheerful, 110 bpm"),
    Style("Dark techno", "dark techno, pounding kick, acid bass, industrial, hypnotic, 132 bpm"),
    Style("Disco", "disco, four on the floor, funky bass, strings, wah guitar, joyful, 118 bpm"),
    Style("Drum and bass", "drum and bass, fast breakbeats, deep sub bass, energetic, 174 bpm"),
    Style("Dub reggae", "dub reggae, offbeat guitar, deep bass, echo, laid back, 75 bpm"),
    Style("Folk", "folk, fingerpicked acoustic guitar, soft strings, warm, intimate, 95 bpm"),
    Style("Funk", "funk, slap bass, clavinet, horns, tight drums, groovy, 105 bpm"),
    Style("Heavy metal", "heavy metal, distorted guitars, double kick drums, aggressive, 160 bpm"),
    Style("House", "house, four on the floor, piano chords, warm bass, uplifting, 124 bpm"),
    Style("Jazz trio", "jazz trio, piano, double bass, brushed drums, smooth, late night, 100 bpm"),
    Style("Latin", "latin, congas, trumpets, piano montuno, bright, danceable, 100 bpm"),
    Style("Lo-fi hip hop", "lofi hip hop, dusty drums, mellow electric piano, vinyl, calm, 80 bpm"),
    Style("Punk rock", "punk rock, distorted guitars, fast drums, raw, energetic, 170 bpm"),
    Style("Rock", "rock, electric guitars, bass, driving drums, powerful, 130 bpm"),
    Style("Soul", "soul, electric piano, warm bass, horns, soft drums, tender, 85 bpm"),
    Style("Synthwave", "80s synthwave, analog synths, driving bass, big drums, neon, 110 bpm"),
    Style("Trance", "trance, supersaw lead, rolling bass, euphoric, four on the floor, 138 bpm"),
    Style("Trap", "trap, 808 bass, rolling hi-hats, dark bells, moody, 140 bpm"),
)


def find_style(name: str) -> Style:
    """Return the style of a name, in capitals or not. Raises InvalidRequest."""
    for style in STYLES:
        if style.name.casefold() == name.strip().casefold():
            return style
    raise InvalidRequest("There is no such style; please pick one from the list.")


def matching(text: str) -> list[Style]:
    """Return the styles with this text in their names or words; those that start with it first."""
    text = text.strip().casefold()
    found = [style for style in STYLES if text in f"{style.name} {style.words}".casefold()]
    return sorted(found, key=lambda style: not style.name.casefold().startswith(text))


def described(prompt: str, style: Style) -> str:
    """Return the prompt with a style's words behind it; the prompt may be empty.

    Raises InvalidRequest where that is more than a prompt may have.
    """
    whole = ", ".join(filter(None, (prompt, style.words)))
    if (excess := len(whole) - MAX_PROMPT_CHARACTERS) > 0:
        raise InvalidRequest(
            Counted(
                "With the words of the style {style}, the prompt is {count} character too long; "
                "please shorten it.",
                "With the words of the style {style}, the prompt is {count} characters too long; "
                "please shorten it.",
                count=excess,
                style=style.name,
            )
        )
    return whole
