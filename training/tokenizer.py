"""The tokenizer of the bundled model's text encoder.

Its pieces are the words of the captions it is trained on, their stems, and every number that may be
a tempo. What is none of them is spelled with what begins or ends words, or with a few letters each
time, so that it knows a part of many a word that it has not seen. Upper case, accents and
punctuation are gone before that, so that "Piano," is "piano".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from string import ascii_lowercase, digits

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast

_SPECIAL = ("<pad>", "</s>", "<unk>")
_NUMBERS = (*range(40, 221), 8, 16, 303, 808, 909, 1960, 1970, 1980, 1990, 2000)
"""Tempos, and what else is said in figures."""
_FEWEST = 25
"""How often a word must occur in the captions to be a piece; typing errors occur less often."""

# Costs add up along a word, and the cheapest way to spell it wins: whole before in pieces, and in
# few pieces before in many.
_WORD, _STEM, _INNER, _PAIR, _LETTER = -4.0, -5.0, -6.0, -9.0, -12.0

_SHORTEST_STEM, _SHORTEST_INNER = 3, 4
"""Letters."""

_ENDINGS = """
able al an ance ary ate ed en er ers es esque est ette ey ful ian ic ical ie ies iest ily iness ing
ion ious ish ism ist ists ity ive ized less like ly man men ment ness oid or ous out ship some ster
style th tion ty ward wise bed ber bing by ged ger ging gy med mer ming my ned ner ning ny ped per
ping py ted ter ting d n r s t y z
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
    """Return all pieces but the special ones with their scores, without duplicates.

    A word that captions have can begin another one, whole or without its end, and can go on one.
    """
    counts = Counter(word for text in captions for word in re.findall("[a-z]+", text.lower()))
    words = sorted(word for word, count in counts.items() if count >= _FEWEST)
    scores = {f"▁{word}": _WORD for word in (*words, *map(str, _NUMBERS))}
    for word in words:
        for stem in _stems(word):
            scores.setdefault(f"▁{stem}", _STEM)
    for inner in (*_ENDINGS.split(), *(word for word in words if len(word) >= _SHORTEST_INNER)):
        scores.setdefault(inner, _INNER)
    for pair in map("".join, product(ascii_lowercase, repeat=2)):
        scores.setdefault(pair, _PAIR)
    for letter in ("▁", *ascii_lowercase, *digits):
        scores.setdefault(letter, _LETTER)
    return list(scores.items())


def _stems(word: str) -> Iterator[str]:
    """Yield what is left of a word without its last letters or without its ending."""
    lengths = {len(word) - cut for cut in (1, 2) if len(word) >= 4 + cut}
    lengths |= {len(word) - len(ending) for ending in _ENDINGS.split() if word.endswith(ending)}
    yield from (word[:length] for length in sorted(lengths) if length >= _SHORTEST_STEM)
