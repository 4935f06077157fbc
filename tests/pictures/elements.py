"""HTML that cannot be broken by what stands in it: every text is escaped unless it is HTML."""

from __future__ import annotations

from html import escape


class Html(str):
    """Text that is HTML already."""


def element(name: str, kind: str, *inner: str, **attributes: str) -> Html:
    """Return an element of a class, with what is in it."""
    given = {"class": kind, **attributes} if kind else attributes
    start = "".join(f' {key}="{escape(value)}"' for key, value in given.items())
    return Html(f"<{name}{start}>{joined(*inner)}</{name}>")


def joined(*parts: str) -> Html:
    """Return texts and HTML after each other."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))
