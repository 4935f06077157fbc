"""What the host of the bot can block."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """What the host can block."""

    USER = "user"
    GUILD = "guild"


@dataclass(frozen=True, slots=True)
class HostBlock:
    """A user or a guild that the host has blocked."""

    kind: BlockKind
    id: int
    by_user_id: int
    at: float
    """In seconds since 1970."""
