"""Discord's ids, as people copy them."""

from __future__ import annotations

LARGEST_ID = 2**63 - 1
"""The largest that SQLite holds; Discord's reach it in 2084."""
EXAMPLE_ID = "41771983423143937"


def read_id(text: str) -> int | None:
    """Return the id that a text is, None where it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID))):
        return None
    number = int(text)
    return number if 0 < number <= LARGEST_ID else None
