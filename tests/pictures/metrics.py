"""How wide a text is.

The widths are those of Helvetica, which Arial, Liberation Sans and most systems' stand-ins share.
Where another typeface is used after all, the browser fits each piece of text into its width.
"""

from __future__ import annotations

import re
import unicodedata

EMOJI = re.compile("[\u231a-\u23ff\u2600-\u27bf\u2b50\u2b55\U0001f300-\U0001faff]\ufe0f?")
WIDE = "WF"
"""What Unicode calls the characters that are as wide as they are high."""
_REGULAR = {
    191: "'",
    222: "ijl’",
    260: "|",
    278: " !,./:;I[\\]ft",
    333: "()-`r·“”",
    355: '"',
    389: "*",
    469: "^",
    500: "Jcksvxyz",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~",
    611: "FTZß",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    770: "▰▱",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…—→",
    1015: "@",
}
_BOLD = {
    238: "'",
    278: " ,./I\\ijl’",
    333: "!()-:;[]`ft·",
    389: "*r{}",
    474: '"',
    500: "z“”",
    556: "#$0123456789J_aceksvxy",
    584: "+<=>^~",
    611: "?FLTZbdghnopquß",
    667: "EPSVXY",
    722: "&ABCDHKNRU",
    778: "GOQw",
    833: "M",
    889: "%m",
    944: "W",
    975: "@",
    1000: "…—→",
}
_OTHER, _MONO, _EM = 556, 602, 1000
_EMOJI_EM = 1.3


def width_of(text: str, size: float, *, bold: bool = False, mono: bool = False) -> float:
    """Return the width of a text in pixels, at a size in pixels."""
    if EMOJI.fullmatch(text):
        return _EMOJI_EM * size
    widths = {
        character: width
        for width, characters in (_BOLD if bold else _REGULAR).items()
        for character in characters
    }

    def width(character: str) -> int:
        if unicodedata.east_asian_width(character) in WIDE:
            return _EM
        plain = unicodedata.normalize("NFD", character)[0]
        return _MONO if mono else widths.get(plain, _OTHER)

    return sum(map(width, text)) * size / _EM
