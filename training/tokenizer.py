"""The tokenizer of the bundled model's text encoder.

Its pieces are whole words as far as possible: those of the captions it is trained on, some hundred
common ones, and every number that may be a tempo. What is none of them is spelled with pieces of a
few letters. Upper case, accents and punctuation are gone before that, so that "Piano," is "piano".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import product
from string import ascii_lowercase, digits

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast

_SPECIAL = ("<pad>", "</s>", "<unk>")
_NUMBERS = (*range(40, 221), 8, 16, 303, 808, 909, 1960, 1970, 1980, 1990, 2000)
"""Tempos, and what else is said in figures."""
_MOST_CAPTION_WORDS = 1200

# Costs add up along a word, and the cheapest way to spell it wins: whole before in pieces, and in
# few pieces before in many.
_WORD, _ENDING, _PAIR, _LETTER = -4.0, -6.0, -9.0, -12.0

_ENDINGS = """
able ably al ance ant ary ate ation ative ed ence ent er ers es est ette ey ful ian ible ic ical ie
ies ily ine ing ings ion ions ious ise ised ish ism ist ists ity ive ize ized less like ling ly man
men ment ments ness oid ology or ory ous out over ship some s ster style th tion tions ty up ward
wards ways wise work y band beat box core drum hop house jazz pop punk rock song step synth time
town wave
"""

_WORDS = """
a about above accordion acid acoustic across action add adventure aeroplane after afternoon again
age aggressive airy album alien all almost alone along already also always am ambience ambient
ancient and angel anger angry animal anime another anthem anxious any anything are arp arpeggio
arrangement art as asian at atmosphere atmospheric autumn away baby back background bad ballad band
banger banjo bar baroque bass bassline bassy be beach beat beats beautiful because bed been before
begin beginning behind bell bells below best better between big birds birthday bit bitcrushed bits
black blue blues bluesy blurry boat body bold bongo bongos boogie boom bop born boss bossa both
bounce bouncy box boy bpm brass brave break breakbeat breakbeats breakdown breaks breeze bridge
bright brighter bring broken brushes build building burning busy but buzzing by cafe call calm
calming came can car carefree cartoon castle cat catchy celebration cello celtic chamber change
chaos chaotic cheerful cheery chica child childhood children chill chilled chillhop chillout
chillwave chimes chip chips chiptune choir chopped chops chord chords chorus christmas cinema
cinematic city clap claps clarinet classic classical clavinet clean clear clip close clouds club
cluttered coast coffee cold colour colourful come comfort coming commercial concert concerto conga
congas cooking cool cosy country cowboy cozy crash crazy crisp cruise cry crying crystal cumbia cut
cute cyber cyberpunk cymbal cymbals dance dancefloor dancehall dancing danger dangerous daring dark
darker darkness dawn day days dead death december deep deeper delay delicate depressed depressing
desert detroit did different digital dinner dirty disco distant distorted distortion do documentary
does dog doing door dorian double down downtempo dragon drama dramatic dream dreams dreamy drifting
drill drive driven driving drone drop drops drum drummer drumming drums drunk dry dub dubstep duet
dungeon dusk dust dusty each early earth easy ebm echo echoes echoing edgy edm eerie egypt eight
eighties eighty electric electro electronic electronica elegant elevator else emo emotion emotional
empty end ending endless energetic energy engine english enjoy epic ethereal euphoric european
evening ever every everything evil exam excited exciting exotic experimental exploring explosion
eyes fade fairy fall falling family fanfare fantasy far farewell farm fashion fast faster fat
fearful feel feeling feelings feels festival festive few fi fiddle field fifties fight fighting fill
fills film final find fire first five flamenco flies floating floor flower flowers flowing flute
fluttering fly flying folk folky follow food for forest forever four free freedom french fresh
friday friend friendly friends from fun funeral funk funky funny fusion future futuristic fuzzy
galaxy game gaming gangsta garage garden gentle get ghost girl give glass glitch glitchy gloomy glow
go goes going gold good goodbye gospel got grand great greek green grey grief grim grind gritty
groove grooves groovy ground grow grunge guitar guitars gym had hall halloween hammond hand hands
happiness happy hard hardcore harmonica harmonies harmony harp harpsichord harsh has hat hate hats
haunted haunting have having hawaiian hazy he head healing heart heartbreak heavy hectic her here
hero heroic hi high highway hill him hip hiphop his hit hits hold holiday home hop hope hopeful horn
horns horror hot house how huge hum human hunting hymn hypnotic i ice idea if imagine in indian
indie industrial inside inspired inspiring instrument instrumental instruments intense interesting
interlude into intro introspective irish is island it italian its jam jamaican japanese jazz jazzy
jingle job jogging journey joy joyful joyous jump jumping jumpy jungle just keep key keyboard
keyboards keys kick kicks kid kids kind king kit kitchen knight know korean lament landscape large
last late latin laugh lazy lead leads learning leave left legato lento less let life light lighter
lights like line lines lit little live lively living lo lofi lonely long longing look loop loops
lost loud lounge love lovely loving low lullaby lush lute machine mad made magic magical mainly make
making mallet mallets man mandolin many march marching marimba massive master maybe me meadow mean
medieval meditation meditative medium meeting melancholic melancholy mellotron mellow melodic
melodies melody memories memory men menacing metal metallic mexican mid middle midnight mind minimal
minimalist minor minute mix modern moment monday monster mood moods moody moog moon moonlight more
morning most motivation motivational mountain mountains move movement movie moving much muffled
multiple music musical my mysterious mystery mystical n nature near need neon nervous never new next
nice night nineties ninety no noir noise noisy none nostalgia nostalgic not note notes nothing nova
november now nu ocean october odd of off office often oh old oldies on once one only open opera
optimistic or orchestra orchestral organ organic oriental other our out outro over own pad pads
paino pan panic paris park part party passion passionate path pattern peace peaceful pensive people
percussion percussive perfect period phone phonk photo phrygian pianist piano pick picked piece
pirate pirates pizzicato place plain planet play played playful playing please pluck plucked plucks
plus podcast poem poignant polka pop poppy positive power powerful prayer prelude presentation
pretty princess prog progressive proud psychedelic pulse pulsing pumping punchy punk punky pure
purple quick quiet quite race racing radio rage ragga ragtime rain raining rainy rap rapper rave raw
reading ready real really record recorded red reflective reggae reggaeton relax relaxation relaxed
relaxing remix repeating repetitive restaurant retro revenge reverb rhodes rhythm rhythmic rhythms
rich ride ridiculous riff riffs rim ring rise rising river riverside road robot robots rock
rockabilly rocking rocky roll rolling romance romantic room rough round royal run running russian
sad sadness saloon salsa samba same sample sampled sand santa saturated saturday saw sawtooth sax
saxophone say scale scandinavian scary scene school sci sea second section see sensual september
serene series serious seven seventies seventy sexy shadow shadows shake shaker sharp she shimmering
shiny ship shop short should show shower shuffle shuffling silence silly simple sing singer singing
sinister sitar six sixties sixty ska skate sky slap sleep sleeping sleepy slick slide slightly slow
slower slowly small smart smoky smooth snappy snare snares snow so sober soft softer softly solemn
solitary solo somber sombre some someone something song songs soon soothing sorrow sorrowful soul
soulful sound sounding sounds soundtrack sour south space spaceship spacey spacious spanish
sparkling sparse speed spirit spiritual spoken spooky spring square stab stabs staccato stadium
stage star stars start starting station stay steady steel stella step stereo stick sticks still
stomping stop storm stormy story strange street streets string strings strong strum strummed
strumming studio study studying stuff style sub subtle suburban such sudden summer sun sunday
sunlight sunny sunrise sunset surf surfing suspense suspenseful sweet swing swinging sword symphonic
symphony syncopated synth synthesiser synthesisers synthesizer synthesizers synthetic synthpop
synths synthwave take tango tape tavern teacher team tearful tears tech techno technology tell tempo
ten tender tense tension texture than thanks that the theatre their them theme then there these they
thick thin thing things think this those thoughtful thousand three thriller through thumping thunder
tide tight time timid tiny tired to today together tom tomorrow toms tone tones tonight too top town
toy traditional traffic train training trance tranquil trap travel treble tribal trio trip
triumphant tropical trouble true trumpet tuba tuesday tune turn tv twang twangy twelve twenty
twilight twinkling two ukulele under underground underwater unplugged until up upbeat uplifting
upright urban urgent us use vacation valley vaporwave very vibe vibes vibey vibraphone victorious
victory video vienna viennese view village vintage vinyl viola violent violin violins vision vlog
vocal vocals voice voices volume wait waiting wake walk walking waltz want war warm warmth warrior
was water wave waves way we weather wedding week weird well went were west western wet what when
where which while whimsical whisper whistle whistling white who why wide wild will wind window wine
winter wistful witch with without woman women wonder wonderful wonky wood wooden woods word words
work workout world would wow xylophone year years yellow yes yesterday yoga you young your youth zen
zombie
"""


def build_tokenizer(captions: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer that knows the words of `captions`, the most frequent first.

    As T5's, it pads with 0, ends every text with 1 (`</s>`) and has 2 for what it cannot spell,
    which is nothing: other scripts than the Latin one are skipped. It is no `T5Tokenizer`, because
    that class loses the normaliser on loading.
    """
    pad, end, unknown = _SPECIAL
    tokenizer = Tokenizer(Unigram([*((piece, 0.0) for piece in _SPECIAL), *_pieces(captions)], 2))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.Lowercase(),
            normalizers.StripAccents(),
            normalizers.Replace(Regex("[^a-z0-9]+"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Digits(),
            pre_tokenizers.Metaspace(),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, 1)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token=pad, eos_token=end, unk_token=unknown
    )


def _pieces(captions: Iterable[str]) -> list[tuple[str, float]]:
    """Return all pieces but the special ones with their scores, without duplicates."""
    counts = Counter(word for text in captions for word in re.findall("[a-z]+", text.lower()))
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:_MOST_CAPTION_WORDS]
    words = [*frequent, *_WORDS.split(), *map(str, _NUMBERS)]
    scores = {f"▁{word}": _WORD for word in words}
    for ending in _ENDINGS.split():
        scores.setdefault(ending, _ENDING)
    for pair in map("".join, product(ascii_lowercase, repeat=2)):
        scores.setdefault(pair, _PAIR)
    for letter in ("▁", *ascii_lowercase, *digits):
        scores.setdefault(letter, _LETTER)
    return list(scores.items())
