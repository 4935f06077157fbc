"""Prompts that training never sees, written by hand the way people type, and what they ask for.

The model is judged by them. Where `seen` is False, the decisive word occurs in no caption: there
only its spelling, or nothing at all, can tell the model what is meant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SLOW, VERY_SLOW, MIDDLING, FAST, VERY_FAST = (0, 95), (0, 80), (85, 122), (116, 999), (138, 999)
"""Beats a minute that the words stand for, lowest and highest."""
SILENCE_PROMPTS = 500


@dataclass(frozen=True, slots=True)
class Prompt:
    """What somebody typed, and all that it asks for; None is nothing."""

    text: str
    genre: str | None = None
    drums: bool | None = None
    chords: str | None = None
    lead: str | None = None
    minor: bool | None = None
    bpm: float | None = None
    tempo: tuple[float, float] | None = None
    """Lowest and highest beats a minute that a word such as "slow" allows."""
    seen: bool = True


PROMPTS = (
    # Genres, by their names and by what people call them.
    Prompt("lofi to fall asleep to", genre="lofi"),
    Prompt("lofi girl radio type of thing", genre="lofi"),
    Prompt("yo drop some lo-fi for my homework stream", genre="lofi"),
    Prompt("loffi hiphopp", genre="lofi", seen=False),
    Prompt("lofibeats2relaxto", genre="lofi", seen=False),
    Prompt("old skool boom bap like the golden age", genre="hip hop"),
    Prompt("rap instrumental so i can freestyle over it", genre="hip hop"),
    Prompt("hiphopper's delight", genre="hip hop", seen=False),
    Prompt("trap like it's 2016", genre="trap"),
    Prompt("sth trappy", genre="trap", seen=False),
    Prompt("deep house for the pool bar", genre="house"),
    Prompt("an edm drop that goes hard", genre="house"),
    Prompt("housey grooves", genre="house", seen=False),
    Prompt("techno, pls, the bunker kind", genre="techno"),
    Prompt("berghain technoid", genre="techno", seen=False),
    Prompt("goa-trance vibes from the nineties", genre="techno", seen=False),
    Prompt("synthwave as if i was driving a testarossa", genre="synthwave"),
    Prompt("outrun the cops", genre="synthwave"),
    Prompt("synth-wavey 1984 arcade carpet", genre="synthwave", seen=False),
    Prompt("dnb roller", genre="drum and bass"),
    Prompt("some proper jungle from a pirate radio", genre="drum and bass"),
    Prompt("drumnbass", genre="drum and bass", seen=False),
    Prompt("rock anthem for a stadium", genre="rock"),
    Prompt("metal. need i say more", genre="rock"),
    Prompt("rawk!!", genre="rock", seen=False),
    Prompt("rockabilly cat", genre="rock", seen=False),
    Prompt("punk with three chords and the truth", genre="punk"),
    Prompt("punkish stuff, sloppy", genre="punk", seen=False),
    Prompt("pop that would be a hit on the radio", genre="pop"),
    Prompt("poppy earworm", genre="pop", seen=False),
    Prompt("disco ball is spinning", genre="disco"),
    Prompt("discotheque 1977", genre="disco", seen=False),
    Prompt("funk that makes the bass player sweat", genre="funk"),
    Prompt("funkiest thing you've got", genre="funk", seen=False),
    Prompt("soul for a sunday brunch", genre="soul"),
    Prompt("r&b for a late drive", genre="soul"),
    Prompt("jazz in a smoky club", genre="jazz"),
    Prompt("swing dance evening, roaring twenties", genre="jazz"),
    Prompt("jazzlike noodling", genre="jazz", seen=False),
    Prompt("blues, my baby left me", genre="blues"),
    Prompt("bluesman at the crossroads", genre="blues", seen=False),
    Prompt("bossa nova on the copacabana", genre="bossa nova"),
    Prompt("bosa nova elevator", genre="bossa nova", seen=False),
    Prompt("reggae, island time", genre="reggae"),
    Prompt("raggae sunsplash", genre="reggae", seen=False),
    Prompt("folk tale from the hills", genre="folk"),
    Prompt("folksy porch stuff", genre="folk", seen=False),
    Prompt("country road, pickup truck, cold beer", genre="country"),
    Prompt("countryside hoedown", genre="country", seen=False),
    Prompt("classical, something a king would listen to", genre="classical"),
    Prompt("classicalish", genre="classical", seen=False),
    Prompt("ambient for staring at the ceiling", genre="ambient"),
    Prompt("ambiental textures", genre="ambient", seen=False),
    Prompt("chiptune, the final boss is coming", genre="chiptune"),
    Prompt("8-bit level one", genre="chiptune"),
    Prompt("chiptunes 4 life", genre="chiptune", seen=False),
    Prompt("salsa till the sun comes up", genre="latin"),
    Prompt("latino fiesta", genre="latin", seen=False),
    # Instruments of the chords.
    Prompt("the piano does most of the work here", chords="piano"),
    Prompt("hip hop built on a grand piano sample", genre="hip hop", chords="piano"),
    Prompt("pianist in the lobby", chords="piano", seen=False),
    Prompt("rhodes, mellow, slightly out of tune", chords="electric piano"),
    Prompt("soul with an e-piano", genre="soul", chords="electric piano"),
    Prompt("electric pianos everywhere", chords="electric piano"),
    Prompt("rhodez and chill", chords="electric piano", seen=False),
    Prompt("keyboardist of a hotel band", chords="electric piano", seen=False),
    Prompt("a guy strumming his acoustic guitar", chords="guitar"),
    Prompt("pop, only the chords should be guitar", genre="pop", chords="guitar"),
    Prompt("strummy guitarist", chords="guitar", seen=False),
    Prompt("organ like in a cathedral", chords="organ"),
    Prompt("reggae where the organ does the bubble", genre="reggae", chords="organ"),
    Prompt("hammond b3 on fire", chords="organ"),
    Prompt("calm organ", chords="organ"),
    Prompt("organist warming up", chords="organ", seen=False),
    Prompt("all the organs", chords="organ", seen=False),
    Prompt("pads, wide as the sky", chords="pad"),
    Prompt("trap over a choir", genre="trap", chords="pad"),
    Prompt("padz for days", chords="pad", seen=False),
    Prompt("chords by an analog synth", chords="synth"),
    Prompt("synths!! more synths!!", chords="synth"),
    Prompt("synthy stabs", chords="synth", seen=False),
    # Instruments of the tune.
    Prompt("a flute should carry the tune", lead="flute"),
    Prompt("lofi but a flute on top", genre="lofi", lead="flute"),
    Prompt("saxophone on a roof", lead="flute"),
    Prompt("flutist at dawn", lead="flute", seen=False),
    Prompt("flutey forest", lead="flute", seen=False),
    Prompt("violin crying in the subway", lead="violin"),
    Prompt("trap beat, violin sample", genre="trap", lead="violin"),
    Prompt("irish fiddle, pub full", lead="violin"),
    Prompt("fiddler on the roof", lead="violin", seen=False),
    Prompt("violinist, encore", lead="violin", seen=False),
    Prompt("music box in the attic", lead="bells"),
    Prompt("dnb with a glockenspiel on top", genre="drum and bass", lead="bells"),
    Prompt("vibraphone please, the tiki bar is open", lead="bells"),
    Prompt("marimbas", lead="bells", seen=False),
    Prompt("xylophones for skeletons", lead="bells", seen=False),
    Prompt("glockenspeil", lead="bells", seen=False),
    Prompt("epic guitar solo, hair in the wind", lead="guitar"),
    Prompt("blues, and the lead guitar talks", genre="blues", lead="guitar"),
    Prompt("let a synth lead take the tune", lead="synth"),
    Prompt("the melody played by a piano", lead="piano"),
    Prompt("jazz, piano solo over the changes", genre="jazz", lead="piano"),
    # Moods.
    Prompt("happy", minor=False),
    Prompt("happy music", minor=False),
    Prompt("make me smile, something cheerful", minor=False),
    Prompt("joyful, kids are dancing", minor=False),
    Prompt("sunny pop on the bike", genre="pop", minor=False),
    Prompt("uplifting rock", genre="rock", minor=False),
    Prompt("feel-good house", genre="house", minor=False),
    Prompt("bright and playful ukulele", chords="guitar", minor=False),
    Prompt("happiness", minor=False, seen=False),
    Prompt("cheerfully whistling dwarfs", minor=False, seen=False),
    Prompt("pure joy", minor=False, seen=False),
    Prompt("happiest day of my life", minor=False, seen=False),
    Prompt("sad", minor=True),
    Prompt("sad song for sad people", minor=True),
    Prompt("dark", minor=True),
    Prompt("gloomy swamp level", minor=True),
    Prompt("melancholic piano", chords="piano", minor=True),
    Prompt("spooky chiptune for halloween", genre="chiptune", minor=True),
    Prompt("sad lofi", genre="lofi", minor=True),
    Prompt("heartbroken country", genre="country", minor=True),
    Prompt("ominous techno", genre="techno", minor=True),
    Prompt("somber violin", lead="violin", minor=True),
    Prompt("in a minor key, like a spy film", minor=True),
    Prompt("sadness", minor=True, seen=False),
    Prompt("the darkness below", minor=True, seen=False),
    Prompt("gloom and doom", minor=True, seen=False),
    Prompt("saddest day of my life", minor=True, seen=False),
    # Tempos as numbers.
    Prompt("60 bpm", bpm=60),
    Prompt("ambient breathing exercise 62 bpm", genre="ambient", bpm=62),
    Prompt("65bpm blues", genre="blues", bpm=65),
    Prompt("slow jam thing, 68 bpm", bpm=68, tempo=SLOW),
    Prompt("lofi 70 bpm", genre="lofi", bpm=70),
    Prompt("can it be 72 bpm, soul", genre="soul", bpm=72),
    Prompt("[75 BPM] reggae", genre="reggae", bpm=75),
    Prompt("classical 78bpm", genre="classical", bpm=78),
    Prompt("lofi 80 bpm w piano chords", genre="lofi", bpm=80, chords="piano"),
    Prompt("folk 84 bpm", genre="folk", bpm=84),
    Prompt("hip hop 85 bpm", genre="hip hop", bpm=85),
    Prompt("90 bpm hiphop", genre="hip hop", bpm=90),
    Prompt("boom bap @92", genre="hip hop", bpm=92),
    Prompt("synthwave // 95bpm", genre="synthwave", bpm=95),
    Prompt("funk 100 bpm", genre="funk", bpm=100),
    Prompt("exactly 100 beats per minute", bpm=100),
    Prompt("pop 104bpm", genre="pop", bpm=104),
    Prompt("salsa 108 bpm", genre="latin", bpm=108),
    Prompt("rock 110 bpm", genre="rock", bpm=110),
    Prompt("disco, 115 bpm", genre="disco", bpm=115),
    Prompt("disco 118 BPM violin", genre="disco", bpm=118, lead="violin"),
    Prompt("120", bpm=120),
    Prompt("house 120 bpm", genre="house", bpm=120),
    Prompt("deep house (124 bpm)", genre="house", bpm=124),
    Prompt("128 bpm club banger", bpm=128),
    Prompt("techno 130bpm", genre="techno", bpm=130),
    Prompt("bossa nova at 132 bpm", genre="bossa nova", bpm=132),
    Prompt("techno 135 bpm", genre="techno", bpm=135),
    Prompt("trap, 140bpm", genre="trap", bpm=140),
    Prompt("jazz 144 bpm", genre="jazz", bpm=144),
    Prompt("chiptune 150 bpm", genre="chiptune", bpm=150),
    Prompt("trap 155 bpm dark", genre="trap", bpm=155, minor=True),
    Prompt("punk 160 bpm", genre="punk", bpm=160),
    Prompt("jungle 165", genre="drum and bass", bpm=165),
    Prompt("punk rock 170 bpm", genre="punk", bpm=170),
    Prompt("dnb 174 bpm", genre="drum and bass", bpm=174),
    Prompt("drum and bass 180bpm", genre="drum and bass", bpm=180),
    Prompt("120 beats a minute and a flute", bpm=120, lead="flute"),
    # Tempos as words.
    Prompt("slow", tempo=SLOW),
    Prompt("slow piano thing", tempo=SLOW, chords="piano"),
    Prompt("really slow, like honey", tempo=VERY_SLOW),
    Prompt("downtempo for the terrace", tempo=SLOW),
    Prompt("sloooow", tempo=SLOW, seen=False),
    Prompt("slower than my internet", tempo=SLOW, seen=False),
    Prompt("slowness", tempo=SLOW, seen=False),
    Prompt("fast", tempo=FAST),
    Prompt("fast violin", tempo=FAST, lead="violin"),
    Prompt("very fast, chased by bees", tempo=VERY_FAST),
    Prompt("uptempo and sunny", tempo=FAST, minor=False),
    Prompt("faster faster faster", tempo=FAST, seen=False),
    Prompt("the fastest you can", tempo=FAST, seen=False),
    Prompt("mid-tempo rock", genre="rock", tempo=MIDDLING),
    Prompt("moderate tempo, nothing crazy", tempo=MIDDLING),
    # Without drums.
    Prompt("no drums", drums=False),
    Prompt("lofi no drums", genre="lofi", drums=False),
    Prompt("lofi, but drop the drums", genre="lofi", drums=False, seen=False),
    Prompt("piano without drums", chords="piano", drums=False),
    Prompt("house without any drums whatsoever", drums=False),
    Prompt("drumless rap", drums=False),
    Prompt("beatless techno, only synths", drums=False),
    Prompt("rock, no drums!!", drums=False),
    Prompt("no percussion, guitar and flute", lead="flute", drums=False),
    Prompt("i don't want drums", drums=False),
    Prompt("dont add drums, jazz", drums=False, seen=False),
    Prompt("no drums or anything like that, funk", drums=False),
    Prompt("metal (no drums)", drums=False),
    Prompt("synthwave minus the drums", drums=False),
    Prompt("trap with no drums at all", drums=False),
    Prompt("acapella style, no beat", drums=False),
    Prompt("salsa with zero percussion", drums=False),
    Prompt("pop - kein schlagzeug, no drums", drums=False),
    Prompt("absence of drums", drums=False, seen=False),
    Prompt("undrummed", drums=False, seen=False),
    Prompt("please leave drums out", drums=False),
    Prompt("NO DRUMS, disco", drums=False),
    Prompt("chiptune nodrums", genre="chiptune", drums=False, seen=False),
    Prompt("never any drums; dnb", drums=False, seen=False),
    Prompt("strictly percussion-less reggae", drums=False, seen=False),
    # With drums.
    Prompt("drums", drums=True),
    Prompt("drums pls", drums=True),
    Prompt("with drums", drums=True),
    Prompt("classical with drums", drums=True),
    Prompt("ambient with a drum beat", drums=True),
    Prompt("folk + drums", drums=True),
    Prompt("heavy drums, orchestra", drums=True),
    Prompt("baroque but with a beat", drums=True),
    Prompt("live drums and a violin", lead="violin", drums=True),
    Prompt("drone with percussion", drums=True),
    Prompt("pounding drums", drums=True),
    Prompt("808 drums and bells", lead="bells", drums=True),
    Prompt("amen break", drums=True),
    Prompt("congas and bongos", drums=True),
    Prompt("drummer goes wild", drums=True, seen=False),
    Prompt("drumming circle", drums=True, seen=False),
    Prompt("drumbeat", drums=True, seen=False),
    Prompt("drumz", drums=True, seen=False),
    Prompt("percussionist warming up", drums=True, seen=False),
    Prompt("drumkit, bass, piano", drums=True, seen=False),
    Prompt("kick, snare, hat, repeat", drums=True),
    Prompt("drum machine in an empty room", drums=True),
    Prompt("rhythm section only", drums=True),
    Prompt("i want to hear drums", drums=True),
    Prompt("the drums have to be loud", drums=True),
    # Nothing that the model could know.
    Prompt(""),
    Prompt("🎵🔥🔥"),
    Prompt("🥁 no words needed"),
    Prompt("asdkjh qwoeiu"),
    Prompt("a dragon flies over the castle at noon"),
    Prompt("my grandmother's birthday cake"),
    Prompt("42"),
    Prompt("why is the sky blue?"),
    Prompt("Lorem ipsum dolor sit amet, consectetur adipiscing elit"),
    Prompt("/generate prompt:music"),
    Prompt("ruhige Klaviermusik zum Einschlafen", seen=False),
    Prompt("musique triste avec violon", lead="violin", minor=True, seen=False),
    Prompt("rock en español", genre="rock"),
    Prompt("música alegre", minor=False, seen=False),
    Prompt("悲しいピアノ", seen=False),
    Prompt("грустная музыка", seen=False),
    Prompt(
        "ok so picture this: it's late, the bus has left, it rains, you still have half a coffee, "
        "and from an open window comes lofi with an old rhodes, the drums are dusty, all is quiet",
        genre="lofi",
        chords="electric piano",
        drums=True,
    ),
    Prompt(
        "I am making a game about a small robot that repairs lighthouses; for the title screen I "
        "need chiptune, cheerful, about 140 bpm, and it should feel like the first day of summer",
        genre="chiptune",
        minor=False,
        bpm=140,
    ),
)
"""All of them."""


def silence_prompts(rng: np.random.Generator) -> list[str]:
    """Return SILENCE_PROMPTS texts: all of PROMPTS, halves of two stuck together, and noise."""
    texts = [prompt.text for prompt in PROMPTS]
    while len(texts) < SILENCE_PROMPTS:
        first, second = (PROMPTS[place].text for place in rng.integers(len(PROMPTS), size=2))
        mix = f"{first[: len(first) // 2]} {second[len(second) // 2 :]}"
        texts.append(mix if rng.random() < 0.7 else _noise(rng))
    return texts[:SILENCE_PROMPTS]


def _noise(rng: np.random.Generator) -> str:
    """Return letters, digits and signs in no order."""
    signs = list("abcdefghijklmnopqrstuvwxyzäßé0123456789 ,.!?-🎶")
    return "".join(rng.choice(signs, size=rng.integers(1, 60)))
