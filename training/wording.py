"""The words people have for what a piece can be: genres, instruments, moods, tempos.

Lists of phrases, each list for one thing that a plan may hold. No phrase stands for two things that
exclude each other, so that a caption never contradicts its music; what sounds alike is told apart
by its role ("piano" plays chords, a "piano melody" is a lead).
"""

from __future__ import annotations


def phrases(text: str) -> tuple[str, ...]:
    """Return the phrases of a text that separates them by commas."""
    return tuple(" ".join(phrase.split()) for phrase in text.split(","))


GENRES: dict[str, tuple[str, ...]] = {
    "lofi": phrases(
        "lofi, lo-fi, lo fi, lofi hip hop, lo-fi hip hop, lofi hiphop, lofi beats, lo-fi beats, "
        "lo fi beats, chillhop, chill hop, study beats, lofi chill, chill beats"
    ),
    "hip hop": phrases(
        "hip hop, hip-hop, hiphop, boom bap, boombap, rap, rap beat, old school hip hop, east "
        "coast hip hop, west coast rap, 90s hip hop, hip hop beat, rap instrumental"
    ),
    "trap": phrases("trap, trap beat, trap music, atlanta trap, drill, trap rap, phonk, hard trap"),
    "house": phrases(
        "house, house music, deep house, edm, club music, dance music, tech house, chicago house, "
        "progressive house, french house, eurodance, electro house, dance"
    ),
    "techno": phrases(
        "techno, detroit techno, minimal techno, rave, trance, hard techno, acid techno, "
        "warehouse techno, berlin techno, rave music, techno music, psytrance"
    ),
    "synthwave": phrases(
        "synthwave, synth wave, retrowave, outrun, 80s synth, vaporwave, darksynth, synthpop, 80s "
        "synthwave, new wave, 80s electronic, electropop, eighties synth"
    ),
    "drum and bass": phrases(
        "drum and bass, dnb, drum'n'bass, drum n bass, drum & bass, d&b, jungle, liquid dnb, "
        "neurofunk, breakbeat, breakcore, liquid drum and bass, jungle music"
    ),
    "rock": phrases(
        "rock, rock music, hard rock, classic rock, rock and roll, rock'n'roll, alternative rock, "
        "indie rock, metal, heavy metal, grunge, garage rock, rocking, stadium rock"
    ),
    "punk": phrases("punk, punk rock, pop punk, pop-punk, skate punk, hardcore punk, punk music"),
    "pop": phrases(
        "pop, pop music, pop song, dance pop, indie pop, bubblegum pop, radio pop, catchy pop, "
        "k-pop, kpop, j-pop, jpop, mainstream pop, chart pop"
    ),
    "disco": phrases("disco, disco music, nu disco, 70s disco, italo disco, disco dance, nu-disco"),
    "funk": phrases("funk, funky, funk music, funk groove, p-funk, funky groove, 70s funk, g-funk"),
    "soul": phrases(
        "soul, soul music, r&b, rnb, r and b, neo soul, neo-soul, motown, rhythm and blues, "
        "soulful, gospel, slow jam"
    ),
    "jazz": phrases(
        "jazz, jazzy, smooth jazz, jazz trio, swing, bebop, cool jazz, jazz music, cafe jazz, "
        "jazz ballad, lounge jazz, jazz combo, big band, swing jazz"
    ),
    "blues": phrases(
        "blues, bluesy, delta blues, 12 bar blues, twelve bar blues, slow blues, chicago blues, "
        "blues music, blues shuffle, blues rock"
    ),
    "bossa nova": phrases(
        "bossa nova, bossa, bossanova, brazilian bossa nova, bossa nova jazz, samba, brazilian"
    ),
    "reggae": phrases(
        "reggae, roots reggae, dub, ska, reggae music, jamaican, rocksteady, dub reggae"
    ),
    "folk": phrases(
        "folk, folk music, folk song, indie folk, acoustic folk, folky, celtic, irish folk, "
        "singer-songwriter, medieval folk, campfire song, sea shanty, acoustic song"
    ),
    "country": phrases(
        "country, country music, bluegrass, western, americana, honky tonk, country song, "
        "nashville country, country rock, country western"
    ),
    "classical": phrases(
        "classical, classical music, orchestral, baroque, chamber music, sonata, minuet, romantic "
        "classical, symphony, nocturne, orchestra, classical piece, string quartet"
    ),
    "ambient": phrases(
        "ambient, ambient music, drone, soundscape, atmospheric, ethereal, new age, space "
        "ambient, dark ambient, meditation music, ambient soundscape, atmospheric music, sleep "
        "music"
    ),
    "chiptune": phrases(
        "chiptune, 8-bit, 8 bit, 8bit, video game music, chip tune, retro game music, nes, game "
        "boy, chip music, arcade music, 8-bit game music, retro video game, pixel game music"
    ),
    "latin": phrases(
        "latin, salsa, latin music, reggaeton, cumbia, merengue, mambo, latin dance, cuban, "
        "bachata, tango, latin pop, rumba, dembow"
    ),
}

MINOR_GENRE_PHRASES = frozenset({"darksynth", "dark ambient"})
SLOW_GENRE_PHRASES = frozenset({"slow jam", "slow blues", "jazz ballad"})
CALM_GENRE_PHRASES = frozenset({"lofi chill", "chill beats", "meditation music", "sleep music"})
"""Names of genres that tell more than the genre."""

CHORDS: dict[str, tuple[str, ...]] = {
    "piano": phrases(
        "piano, grand piano, acoustic piano, upright piano, piano chords, pianos, felt piano, "
        "piano accompaniment, a piano, harpsichord"
    ),
    "electric piano": phrases(
        "electric piano, rhodes, e-piano, keys, rhodes chords, keyboard, epiano, wurlitzer, "
        "rhodes piano, electric keys, electric piano chords, warm keys, rhodes keys, keyboards"
    ),
    "guitar": phrases(
        "guitar, acoustic guitar, electric guitar, guitars, strummed guitar, guitar chords, "
        "rhythm guitar, nylon guitar, ukulele, strumming guitar, a guitar, power chords, banjo, "
        "distorted guitars, spanish guitar, guitar strumming"
    ),
    "organ": phrases(
        "organ, hammond organ, church organ, organ chords, pipe organ, electric organ, an organ, "
        "hammond, accordion, harmonium, b3 organ"
    ),
    "pad": phrases(
        "pad, synth pad, pads, strings, warm pads, string pad, string section, lush strings, "
        "ambient pad, choir, synth pads, airy pads, string ensemble, dreamy pads"
    ),
    "synth": phrases(
        "synth, synthesizer, synths, synth chords, analog synth, synth stabs, synthesizers, saw "
        "synth, synthesiser, retro synths, supersaws, synth plucks, a synth"
    ),
}

LEADS: dict[str, tuple[str, ...]] = {
    "piano": phrases("piano"),
    "flute": phrases(
        "flute, pan flute, recorder, whistle, woodwind, flutes, a flute, wooden flute, piccolo, "
        "clarinet, saxophone, sax, oboe, tin whistle, ocarina"
    ),
    "violin": phrases("violin, fiddle, violins, solo violin, cello, viola, a violin, bowed violin"),
    "guitar": phrases("guitar, lead guitar, electric guitar, acoustic guitar"),
    "bells": phrases(
        "bells, vibraphone, music box, glockenspiel, marimba, chimes, xylophone, celesta, "
        "kalimba, a music box, bell, tubular bells, mallets, harp"
    ),
    "synth": phrases("synth, synthesizer, synthesiser, analog synth"),
}
"""The last word on who has the tune. Piano, guitar and synth need one of LEAD_ROLES as well."""

SHARED_LEADS = frozenset({"piano", "guitar", "synth"})
LEAD_ROLES = phrases(
    "{} melody, {} solo, {} lead, lead {}, {} tune, a {} melody, a {} solo, {} hook, {} riff, "
    "{} playing the melody, melody on {}, {} on lead, a catchy {} melody, {} line"
)
FREE_LEAD_ROLES = (*LEAD_ROLES[:10], *["{}"] * 8)

BASSES: dict[str, tuple[str, ...]] = {
    "electric": phrases(
        "electric bass, bass guitar, slap bass, funky bass, e-bass, fingered bass, picked bass"
    ),
    "synth": phrases("synth bass, analog bass, acid bass, synth bassline, moog bass, buzzing bass"),
    "sub": phrases("808 bass, sub bass, deep bass, 808, sub, booming bass, sub-bass, deep sub"),
    "upright": phrases(
        "upright bass, double bass, contrabass, acoustic bass, walking bass, standup bass"
    ),
}
ANY_BASS = phrases("bass, bassline, a bass, with bass, bass line, heavy bass, groovy bass")
NO_BASS = phrases("no bass, without bass, bassless, no bassline, without a bass")

KITS: dict[str, tuple[str, ...]] = {
    "acoustic": phrases("acoustic drums, drum kit, live drums, real drums, drum set, rock drums"),
    "electronic": phrases(
        "electronic drums, drum machine, 909 drums, four on the floor, club drums, 909"
    ),
    "trap": phrases("trap drums, 808 drums, trap hi-hats, rolling hi-hats, hi-hat rolls"),
    "dusty": phrases("dusty drums, lofi drums, vinyl drums, lo-fi drums, boom bap drums"),
    "breaks": phrases("breaks, amen break, chopped breaks, break beats"),
    "brushes": phrases("brushes, brushed drums, jazz drums, brush drums, ride cymbal"),
    "latin": phrases("congas, bongos, latin percussion, percussion, shakers, claves, timbales"),
    "chip": phrases("8-bit drums, chip drums, noise drums, 8 bit drums, game boy drums"),
}
ANY_DRUMS = phrases(
    "drums, with drums, drum beat, a drum beat, with a beat, a beat, beats, groovy drums, "
    "with a drum beat, rhythm section, with percussion, kick and snare, a drum groove, and drums, "
    "plus drums, some drums, lots of drums, drums too, add drums, drums: yes, steady drums, "
    "drum groove, percussive, a kick and a snare, hi-hats, cymbals"
)
HEAVY_DRUMS = phrases(
    "heavy drums, hard drums, big drums, loud drums, pounding drums, punchy drums"
)
RHYTHM_ALONE = phrases(
    "drums only, only drums, just drums, drums alone, just the drums, nothing but drums, drums "
    "solo, drum solo, solo drums, drums and bass only, only drums and bass, just bass and drums, "
    "a rhythm track, percussion only, only percussion, nothing but a beat, just a beat, "
    "only a beat, no melody and no chords"
)
"""For pieces of drums and bass."""
NO_DRUMS = phrases(
    "no drums, no drums, without drums, drumless, beatless, drums off, drum free, drum-free, "
    "percussion-free, beat-free, percussionless, a cappella, drums: none, drums: no"
)
WITHOUT = phrases(
    "no, no, no, without, without, without any, zero, not any, minus, minus the, free of, leave "
    "out, leave out the, remove the, skip, skip the, don't use, don't use any, do not use, mute "
    "the, turn off the, cut the, exclude, exclude the, excluding, except the, lose the, take out "
    "the, take away the, but no, and no, but without, absolutely no, with no, has no, there are "
    "no, please no, avoid, avoid the, not using, can do without, forget the, not a single, stop "
    "the, do not want, don't need, i don't need, no need for, i don't like, i don't need any"
)
"""What comes before THE_DRUMS where there shall be none."""
THE_DRUMS = phrases(
    "drums, drums, drums, drums, drum, percussion, beat, beats, drum kit, drum beat, drum track, "
    "drums at all, drums please, drums and percussion, drums or percussion, percussion at all, "
    "rhythm section, drum sounds, cymbals or drums, kick or snare, drum set, drums in it"
)
NO_CHORDS = phrases("no chords, without chords, no accompaniment, without harmony")
NO_LEAD = phrases(
    "no lead, instrumental backing, no melody, backing track, without a melody, no solo, "
    "accompaniment only, without a lead, just a backing track, no lead instrument, no tune"
)

MAJOR = phrases(
    "happy, cheerful, uplifting, bright, joyful, sunny, positive, feel-good, feel good, "
    "hopeful, fun, playful, merry, optimistic, lighthearted, light-hearted, jolly, sweet, "
    "warm and happy, glad, smiling, carefree, in a major key, major, major key, cute, "
    "happy-go-lucky, delightful, cheery, heartwarming, good vibes, triumphant, blissful, "
    "wholesome"
)
MINOR = phrases(
    "sad, dark, melancholic, gloomy, moody, somber, sombre, melancholy, sorrowful, mournful, "
    "depressing, tragic, lonely, heartbroken, mysterious, ominous, tense, scary, spooky, "
    "eerie, bleak, emotional, haunting, bittersweet, in a minor key, minor, minor key, "
    "brooding, creepy, tearful, wistful, heartbreaking, sinister, evil, unhappy, horror, grim"
)
CALM = phrases(
    "calm, chill, relaxing, mellow, soft, gentle, peaceful, quiet, relaxed, soothing, easy, "
    "tranquil, serene, sparse, laid back, delicate, tender, sleepy, smooth, easygoing, "
    "chilled, low energy, intimate, restful"
)
ENERGETIC = phrases(
    "energetic, driving, intense, powerful, busy, high energy, hard-hitting, wild, lively, "
    "aggressive, hype, full of energy, exciting, pumping, banging, explosive, epic and "
    "powerful, high-energy, heavy, vigorous, massive"
)
UPBEAT = phrases("upbeat, bouncy, danceable, peppy, up-beat")
"""Energetic, and not slow."""

VERY_SLOW = phrases("very slow, super slow, really slow, extremely slow, slow motion, very slowly")
SLOW = phrases(
    "slow, downtempo, slow tempo, slowly, down-tempo, slow paced, slow-paced, unhurried, a "
    "bit slow, low tempo, at a slow tempo, quite slow"
)
LAID_BACK = phrases("laid-back, leisurely, in no hurry, lazy tempo")
MIDDLING = phrases(
    "mid-tempo, midtempo, medium tempo, moderate, moderate tempo, mid tempo, walking pace, "
    "medium speed, steady tempo"
)
FAST = phrases(
    "fast, uptempo, quick, up-tempo, fast tempo, fast-paced, fast paced, speedy, rapid, high "
    "tempo, at a fast tempo, quickly"
)
VERY_FAST = phrases("very fast, super fast, really fast, extremely fast, frantic, breakneck, hyper")

BPM = phrases(
    "{} bpm, {} BPM, at {} bpm, at {} BPM, {}bpm, {}BPM, tempo {}, {} beats per minute, bpm "
    "{}, tempo: {}, bpm: {}, @ {} bpm, around {} bpm, about {} bpm, {} Bpm, at {}bpm, in {} "
    "bpm, at {} beats per minute, tempo of {}, tempo of {} bpm, bpm={}, ~{} bpm, exactly {} "
    "bpm"
)
