"""Words that ask for nothing: what people write around what they want, and what joins it."""

from __future__ import annotations

from training.wording import phrases

ADJECTIVES = phrases(
    "cinematic, dreamy, nostalgic, romantic, epic, magical, beautiful, catchy, modern, "
    "vintage, retro, classic, original, simple, short, cool, nice, good, great, awesome, "
    "interesting, weird, strange, experimental, groovy, melodic, rhythmic, instrumental, "
    "royalty free, professional, high quality, amazing, fresh, unique, underground, "
    "futuristic, mystical, floating, warm, organic, underwater, heroic, fantasy, sci-fi, "
    "psychedelic, hypnotic, minimalist, lush, crispy, crunchy, raw, clean, elegant, "
    "sophisticated, exotic, oriental, nordic, tropical, urban, rural, cosmic, spiritual, "
    "funny, quirky, random, best, lovely"
)
SCENES = phrases(
    "a song about the sea, for studying, in a rainy night, for my game, for a video, for "
    "youtube, for coding, for driving at night, for a boss fight, in the forest, on the "
    "beach, at sunset, at midnight, in space, in paris, in tokyo, in new york, in the desert, "
    "in the mountains, for a podcast, for my stream, for a dungeon, for the main menu, for a "
    "shop, for a cafe, for a coffee shop, for a bar, for a party, for a wedding, for a "
    "birthday, for working out, for the gym, for running, for cooking, for reading, for my "
    "cat, for my dog, with vinyl crackle, like a movie soundtrack, like a film score, like an "
    "anime opening, about love, about a dragon, about robots, about summer, about winter, "
    "about the moon, about a journey, about home, about time, about friendship, under the "
    "stars, by the river, by the fireplace, in the rain, in a castle, in a spaceship, in a "
    "small village, in a big city, in the morning, in the evening, in autumn, in spring, on a "
    "train, on a road trip, on a mountain, through the clouds, for a walk, for an intro, for "
    "an outro, for a trailer, for a commercial, for a presentation, for background, "
    "background music, as a loop, seamless loop, for a racing game, for a platformer, for an "
    "rpg, for a space game, for discord, for tiktok, for dinner, for a picnic, for breakfast, "
    "for a lazy sunday, on a saturday night, by candlelight, at the harbour, at the market, "
    "from the future, from the past, from another planet, with a nice groove, with a good "
    "vibe, with reverb, with echo, without vocals, no vocals, without singing, in the style "
    "of a band, like in the old days, that tells a story, that makes me think, that i can "
    "loop"
)
HARMLESS = phrases(
    "nothing special, nothing fancy, nothing too complicated, nothing much, nothing new, nothing "
    "else matters, nothing wrong with that, no rush, no worries, no problem, no idea what it is "
    "called, no matter what, no big deal, no limits, not too loud, not too long, not boring, not "
    "that it matters, it is not for work, i do not know, don't ask, free for everyone, feel free, "
    "free your mind, for my freestyle, royalty-free, free as a bird, only good vibes, only for "
    "tonight, just for fun, just for me, the only one, if only, if i could only sleep, stop at the "
    "end, the last one was great, do it without me, do not disturb, avoid the traffic, take away "
    "my pain, forget about it, skip school, cut to the chase, mute all my calls, turn off the "
    "light, leave me alone, alone at home, solo trip, a single rose, zero gravity"
)
"""What has a word in it that would ask for less, before an instrument; here it asks for nothing."""
WISHES = phrases(
    "the {} should be on top, make the {} shine, with the {} up front, let me hear the {}, let the "
    "{} play, there should be {}, there is {} in it, i love {}, we like {}, i want {}, "
    "it needs {}, it must have {}, make sure there is {}, the {} can be strong, put {} in it, "
    "{} please, give it {}, more {}, {} is a must, {} all the way, the {} goes on and on, the {} "
    "must stand out, and then comes {}, {} everywhere, you can hear the {}, the {} is what it is "
    "about, keep the {}"
)
"""How people ask for something that plays."""
NOISE = phrases(
    "a dragon flies over the castle, something for my game, asdf qwer, music, something, "
    "anything, surprise me, a song, make some music, play something, hello, test, test one "
    "two, random, whatever you like, a city at night, the old man and the sea, two cats on a "
    "roof, lol, idk, jsdkfh sdjkfh, qwertz, the quick brown fox, a walk in the park, pizza, "
    "potato, banana, a spaceship lands on the moon, once upon a time, good morning, new song, "
    "my song, ocean waves, rain on the window, thunder, fireflies, a train leaves the "
    "station, winter in the city, hmm, summer holidays, the last samurai, knights and "
    "wizards, a robot learns to feel, coffee, what is love, can you make something, i need a "
    "soundtrack, your favourite song, give me music, a river through the valley, the end of "
    "the world, aaaaaa, blah blah blah, xyz, elevator, a ghost in the machine, sunrise, "
    "midnight train, neon lights, a pirate ship, the lost city, please make a track, some "
    "tune, ???, ..., yes, ok, do your thing, clip, sound, melody, loop"
)

MOODS = phrases(
    "very {}, so {}, really {}, a bit {}, kind of {}, quite {}, rather {}, {} mood, in a {} mood, "
    "with a {} mood, with a {} feel, with a {} feeling, that sounds {}, that feels {}, sounds {}, "
    "feels {}, something {}, {} atmosphere, with a {} vibe, that makes me feel {}, it should be "
    "{}, it sounds {}, super {}, as {} as it gets, deeply {}"
)
"""What people make of the word for a mood."""
NOUNS = phrases(
    "track, song, music, tune, loop, piece, instrumental, jam, theme, soundtrack, sound, "
    "clip, vibe, vibes, background music, composition, number"
)
BEAT_NOUNS = phrases("beat, groove, banger, beat")
"""For what has drums."""
OPENINGS = phrases(
    "a, some, make a, make me a, make me some, i want a, i want some, i need a, i'd like a, "
    "can you make a, please make a, create a, compose a, generate a, give me a, give me some, "
    "play a, play me a, write a, could you make a, produce a, let's hear a, how about a, this "
    "is a, an, the, one, another, please create a, i would like to hear a, we need a, try a, "
    "do a"
)
JOINTS = phrases(
    "with, featuring, with some, played on, feat., feat, plus, using, and, on, w/, has"
)
ALONE = phrases("{} only, only {}, just {}, solo {}, nothing but {}, {} alone, unaccompanied {}")
"""For the one instrument that plays."""
SEPARATORS = (*[", "] * 4, " ", " ", ",", " / ", " - ", " + ", "; ", " | ", ". ", " & ", " and ")
ENDINGS = ("", "", "", "", "", "", ".", ".", "!", "...", " please", " pls", " thanks", "!!", " :)")
