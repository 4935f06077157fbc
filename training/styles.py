"""The genres: who plays, how fast, and which patterns, as one table.

A bar has sixteen steps. In drum patterns K is the kick, S the snare, H the hat, O the open hat, T
and t the toms, C a crash; in lower case k and s are kick and snare with a hat, h is a soft hat and
g a ghost snare. In the patterns of bass and chords x is struck anew (a bass's root; 5 its fifth, 8
its octave), - goes on, and . is a rest.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """How a genre is played."""

    tempo: tuple[int, int]
    """Lowest and highest beats a minute that are usual."""
    kits: tuple[str, ...]
    chords: tuple[str, ...]
    """Instruments, the likeliest first."""
    basses: tuple[str, ...]
    leads: tuple[str, ...]
    drum_patterns: tuple[str, ...]
    """The calmest first, the fullest last."""
    bass_patterns: tuple[str, ...]
    chord_patterns: tuple[str, ...]
    minor: float = 0.5
    """How likely the minor is where nobody asks."""
    swing: bool = False
    drums: float = 0.9
    """How likely there are drums where nobody asks."""
    lead: float = 0.7


STYLES: dict[str, Style] = {
    "lofi": Style(
        (68, 92), ("dusty",), ("electric piano", "piano", "guitar"), ("upright", "electric"),
        ("piano", "bells", "guitar"),
        ("K...h...S...h...", "K..h..h.S.h..K..", "k.h.h.hKs.h.hKh."),
        ("x-------....x---", "x-----x---x-....", "x---..5-x-----8-"),
        ("x---------------", "x-----x---------", "x-------x---x---"),
        minor=0.55, swing=True,
    ),
    "hip hop": Style(
        (80, 100), ("dusty",), ("piano", "electric piano", "synth"), ("electric", "sub"),
        ("flute", "synth", "piano"),
        ("K...h...S..K....", "k.h.s.hKh.k.s.h.", "k.hKs.h.h.kKs.hg"),
        ("x-------..x-....", "x--x..x---x-....", "x-.x..x-x-.x8-.."),
        ("x-------x-------", "x---..x-....x---", "x-.x..x-x-......"),
        minor=0.65, swing=True,
    ),
    "trap": Style(
        (130, 160), ("trap",), ("pad", "piano", "synth"), ("sub",), ("bells", "flute", "synth"),
        ("K...h.h.S...h.h.", "k.h.h.h.s.h.hKh.", "khhhh.hhshhhkhhh"),
        ("x---------------", "x-----x---------", "x-----x---x---x-"),
        ("x---------------", "x-------x-------", "x---x---x---x---"),
        minor=0.85,
    ),
    "house": Style(
        (118, 130), ("electronic",), ("synth", "piano", "organ"), ("synth", "electric"),
        ("synth", "piano"),
        ("K...K...K...K...", "K.O.k.O.K.O.k.O.", "k.Okk.Okk.Okk.Ok"),
        ("..x-..x-..x-..x-", "x-..x-x-..x-..x-", "x-x-.xx-x-x-.x8-"),
        ("..x---..x---....", "x--x--x---x--x--", "x-.x-.x-.x-.x-x-"),
        minor=0.5,
    ),
    "techno": Style(
        (126, 142), ("electronic",), ("synth", "pad"), ("synth",), ("synth", "bells"),
        ("K...K...K...K...", "k.H.k.H.k.H.k.H.", "k.HhkhHhk.HhkhHH"),
        ("..x-..x-..x-..x-", "..xx..xx..xx..xx", ".xxx.xxx.xxx.xx8"),
        ("x---------------", "..x-..x-..x-..x-", "x..x..x..x..x.x."),
        minor=0.85, lead=0.45,
    ),
    "synthwave": Style(
        (84, 116), ("electronic",), ("pad", "synth"), ("synth",), ("synth", "bells"),
        ("K...h...S...h...", "k.h.s.h.k.h.s.h.", "k.hhs.hKk.hhs.hh"),
        ("x-x-x-x-x-x-x-x-", "xxxxxxxxxxxxxxxx", "x8x8x8x8x8x8x8x8"),
        ("x---------------", "x-------x-------", "x--x--x-x--x--x-"),
        minor=0.7,
    ),
    "drum and bass": Style(
        (164, 177), ("breaks",), ("pad", "synth", "electric piano"), ("sub", "synth"),
        ("bells", "synth"),
        ("k...s.....k.s...", "k.h.s.h.h.k.s.h.", "k.hgs.hgh.kgs.hK"),
        ("x-------x-------", "x---..x---x-....", "x-x-..x-x-8-..x-"),
        ("x---------------", "x-------x-------", "x-----x-----x---"),
        minor=0.7,
    ),
    "rock": Style(
        (104, 140), ("acoustic",), ("guitar", "organ"), ("electric",), ("guitar", "synth"),
        ("K...h...S...h...", "k.h.s.h.k.h.s.h.", "k.h.s.hKk.k.s.h."),
        ("x-x-x-x-x-x-x-x-", "x-x-x-x-x-x-x-5-", "xxxxxxxxxxxxxx55"),
        ("x-------x-------", "x-x-x-x-x-x-x-x-", "x-xxx-xxx-xxx-xx"),
        minor=0.45,
    ),
    "punk": Style(
        (156, 177), ("acoustic",), ("guitar",), ("electric",), ("guitar",),
        ("K...S...K...S...", "k.h.s.h.k.h.s.h.", "k.k.s.k.k.k.s.k."),
        ("x-x-x-x-x-x-x-x-", "xxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxx"),
        ("x-x-x-x-x-x-x-x-", "x-x-x-x-x-x-x-x-", "xxxxxxxxxxxxxxxx"),
        minor=0.3,
    ),
    "pop": Style(
        (96, 128), ("acoustic", "electronic"), ("piano", "guitar", "synth", "pad"),
        ("electric", "synth"), ("synth", "piano", "guitar"),
        ("K...h...S...h...", "k.h.s.h.k.k.s.h.", "k.h.s.hKk.k.s.O."),
        ("x-------x-------", "x---x---x---x---", "x-x-x-x-x-x-x-5-"),
        ("x---------------", "x---x---x---x---", "x--x--x-x--x--x-"),
        minor=0.35,
    ),
    "disco": Style(
        (112, 126), ("electronic", "acoustic"), ("guitar", "piano", "synth"),
        ("electric", "synth"), ("violin", "synth"),
        ("K...K...K...K...", "K.O.s.O.K.O.s.O.", "k.Ohs.Ohk.Ohs.Oh"),
        ("x---x---x---x---", "x-8-x-8-x-8-x-8-", "x-8-x-8-x-85x-8-"),
        ("..x-..x-..x-..x-", "x-.xx-.xx-.xx-.x", "x.xxx.xxx.xxx.xx"),
        minor=0.4,
    ),
    "funk": Style(
        (96, 116), ("breaks",), ("guitar", "organ", "electric piano"), ("electric",),
        ("guitar", "synth"),
        ("K...h...S..K....", "k.h.s.hgh.k.s.h.", "k.hKs.hghgk.s.hg"),
        ("x--x..x-..x-....", "x-.x..x-x.8.x-..", "x.x8.xx.x.8x.x5."),
        ("..x...x...x...x.", "x.x...x.x..x....", ".xx..x.x.xx..x.x"),
        minor=0.5,
    ),
    "soul": Style(
        (72, 100), ("breaks", "acoustic"), ("electric piano", "organ", "piano"),
        ("electric",), ("guitar", "flute"),
        ("K...h...S...h...", "k.h.s.h.h.k.s.h.", "k.hgs.hKh.k.s.hg"),
        ("x-------x-------", "x---..x-x---....", "x--5x-8-x---5-8-"),
        ("x---------------", "x-----x-x-------", "x--x--x---x-x---"),
        minor=0.4, swing=True,
    ),
    "jazz": Style(
        (110, 168), ("brushes",), ("piano", "guitar", "electric piano"), ("upright",),
        ("piano", "guitar", "flute", "bells"),
        ("H...s...H...s...", "h...s.h.h...s.h.", "k.h.s.hgh.k.s.h."),
        ("x-------5-------", "x---5---x---5---", "x---5---8---5-x-"),
        ("x---------------", "x-----x---------", "..x---x-..x---x-"),
        minor=0.5, swing=True,
    ),
    "blues": Style(
        (64, 104), ("brushes", "acoustic"), ("guitar", "organ", "piano"),
        ("electric", "upright"), ("guitar", "piano"),
        ("K...h...S...h...", "k.h.s.h.k.h.s.h.", "k.h.s.hgk.hKs.hg"),
        ("x---x---x---x---", "x---5---8---5---", "x-x-5-5-8-8-5-5-"),
        ("x-------x-------", "x---..x-x---..x-", "x-x-x-x-x-x-x-x-"),
        minor=0.5, swing=True,
    ),
    "bossa nova": Style(
        (112, 144), ("latin",), ("guitar", "piano", "electric piano"), ("upright",),
        ("flute", "guitar", "piano"),
        ("k...h...k...h...", "k.h.h.K.k.h.h.K.", "k.hsh.K.k.shh.Ks"),
        ("x-----5-5-----x-", "x-----5-x-----5-", "x--x5-5-x--x5-5-"),
        ("x-----x---x-----", "x--x--x---x--x--", "x--x-x.x--x-x.x-"),
        minor=0.5,
    ),
    "reggae": Style(
        (66, 90), ("acoustic", "latin"), ("organ", "guitar", "piano"), ("electric", "sub"),
        ("synth", "guitar"),
        ("h...h...k...h...", "h.h.h.h.k.h.h.h.", "h.hgh.hgk.hgh.hg"),
        ("x---..x-x---....", "..x-x-..x-5-....", "x-x-..5-x-x-..8-"),
        ("....x.......x...", "....x.......x.x.", "..x...x...x...x."),
        minor=0.4,
    ),
    "folk": Style(
        (80, 124), ("brushes", "acoustic"), ("guitar",), ("upright",),
        ("violin", "flute", "guitar"),
        ("K...h...K...h...", "K...h...S...h...", "k.h.s.h.k.h.s.h."),
        ("x-------5-------", "x---5---x---5---", "x-x-5-5-x-x-5-5-"),
        ("x-------x-------", "x---x-x-x---x-x-", "x-x-x-xxx-x-x-xx"),
        minor=0.4, drums=0.6,
    ),
    "country": Style(
        (96, 140), ("acoustic",), ("guitar", "piano"), ("electric", "upright"),
        ("violin", "guitar"),
        ("K...h...S...h...", "K.s.K.s.K.s.K.s.", "k.shk.shk.shk.sh"),
        ("x---5---x---5---", "x---5---x---5---", "x-x-5-5-x-x-5-5-"),
        ("x-------x-------", "..x-..x-..x-..x-", "..x-.xx-..x-.xx-"),
        minor=0.2,
    ),
    "classical": Style(
        (66, 120), ("brushes",), ("piano", "pad"), ("upright",), ("violin", "flute", "piano"),
        ("K...h...K...h...", "K...h...S...h...", "k...h...s...h.h."),
        ("x---------------", "x-------x-------", "x---x---x---x---"),
        ("x---------------", "x---x---x---x---", "x-x-x-x-x-x-x-x-"),
        minor=0.5, drums=0.08, lead=0.9,
    ),
    "ambient": Style(
        (60, 84), ("electronic", "dusty"), ("pad", "electric piano"), ("sub",),
        ("bells", "flute", "synth"),
        ("K...h...S...h...", "K...h.h.S...h...", "K..hh...S..hh..."),
        ("x---------------", "x---------------", "x-------x-------"),
        ("x---------------", "x---------------", "x-------x-------"),
        minor=0.5, drums=0.25, lead=0.75,
    ),
    "chiptune": Style(
        (120, 172), ("chip",), ("synth",), ("synth",), ("synth",),
        ("K...h...S...h...", "k.h.s.h.k.h.s.h.", "khhhshhhkhkhshhh"),
        ("x-x-x-x-x-x-x-x-", "x-8-x-8-x-8-x-8-", "x8x8x8x8x8x8x8x8"),
        ("x-------x-------", "x-x-x-x-x-x-x-x-", "xxxxxxxxxxxxxxxx"),
        minor=0.35, lead=0.95,
    ),
    "latin": Style(
        (92, 128), ("latin",), ("piano", "guitar"), ("electric", "upright"),
        ("flute", "violin", "piano"),
        ("k...h..hk...h...", "k.hhh.Ksk.hhh.Kh", "kshhs.KskshhshKs"),
        ("......x-....x---", "x-----5-....8---", "x--x--5-..x-8-5-"),
        ("x--x--x---x-x---", "x-x..x.xx-x..x.x", "xxx.xx.xx.xx.xx."),
        minor=0.45,
    ),
}  # fmt: skip
FILLS = ("....TTtt", "..sgTgtg", "sgsgTTtt", "....s.ss", "T.T.t.t.", "..S.TTtS")
"""Steps of the last two beats of a phrase."""
