"""The limits that Discord sets to the text of a message, refused with error 50035 as it does.

https://docs.discord.com/developers/resources/message (create message, embed limits)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.discord_server.errors import ApiError, invalid

CONTENT = 2000
EMBEDS = 10
EMBED_TEXT = 6000
FIELDS = 25
ATTACHMENTS = 10


def check_message(body: Mapping[str, Any]) -> None:
    """Raise ApiError where the content or the embeds are longer than allowed."""
    _check_length("content", body.get("content"), CONTENT)
    embeds = body.get("embeds") or []
    if len(embeds) > EMBEDS:
        raise _too_long("embeds", EMBEDS)
    for number, embed in enumerate(embeds):
        _check_embed(f"embeds.{number}", embed)
    if sum(map(_text_length, embeds)) > EMBED_TEXT:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum of 6000")
    if len(body.get("attachments") or []) > ATTACHMENTS:
        raise _too_long("attachments", ATTACHMENTS)


def _check_embed(path: str, embed: Mapping[str, Any]) -> None:
    _check_length(f"{path}.title", embed.get("title"), 256)
    _check_length(f"{path}.description", embed.get("description"), 4096)
    _check_length(f"{path}.footer.text", embed.get("footer", {}).get("text"), 2048)
    _check_length(f"{path}.author.name", embed.get("author", {}).get("name"), 256)
    fields = embed.get("fields") or []
    if len(fields) > FIELDS:
        raise _too_long(f"{path}.fields", FIELDS)
    for number, field in enumerate(fields):
        for name, limit in (("name", 256), ("value", 1024)):
            if not field.get(name):
                required = "This field is required"
                raise invalid(f"{path}.fields.{number}.{name}", "BASE_TYPE_REQUIRED", required)
            _check_length(f"{path}.fields.{number}.{name}", field[name], limit)


def _text_length(embed: Mapping[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [embed.get("footer", {}).get("text"), embed.get("author", {}).get("name")]
    for field in embed.get("fields") or []:
        texts += [field["name"], field["value"]]
    return sum(len(text) for text in texts if text)


def _check_length(path: str, text: str | None, limit: int) -> None:
    if text is not None and len(text) > limit:
        raise _too_long(path, limit)


def _too_long(path: str, limit: int) -> ApiError:
    return invalid(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")
