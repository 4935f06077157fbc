"""Files that came in, and what becomes of them in messages."""

from __future__ import annotations

import mimetypes
import re
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.discord_server.people import Json

if TYPE_CHECKING:
    from tests.discord_server.places import Channel


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in."""

    filename: str
    data: bytes
    content_type: str | None = None
    """What the server takes it for; by its name where that is not said, nothing where empty."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it is kept."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    url: str
    description: str | None
    title: str | None
    content_type: str | None

    @property
    def size(self) -> int:
        return len(self.data)

    def to_json(self) -> Json:
        attachment: Json = {
            "id": str(self.id),
            "filename": self.filename,
            "size": self.size,
            "url": self.url,
            "proxy_url": self.url,
        }
        named = {"content_type": self.content_type, "title": self.title}
        named["description"] = self.description
        return attachment | {name: value for name, value in named.items() if value is not None}


def keep(channel: Channel, upload: Upload, entry: Json) -> Attachment:
    """Store an upload, described by an entry of a message's `attachments`, and serve it."""
    snowflake = channel.world.snowflakes.next()
    asked = entry.get("filename") or upload.filename
    filename = re.sub(r"[^A-Za-z0-9_.-]", "", asked.replace(" ", "_")) or "unknown"
    url = f"{channel.world.cdn}/attachments/{channel.id}/{snowflake}/{quote(filename)}"
    title = None if filename == asked else PurePath(asked).stem
    description = entry.get("description")
    kind = upload.content_type
    if kind is None:
        kind = mimetypes.guess_type(filename)[0]
    attachment = Attachment(snowflake, filename, upload.data, url, description, title, kind or None)
    channel.world.files[snowflake] = attachment
    return attachment


def resolve(embed: Json, attachments: list[Attachment]) -> Json:
    """Return an embed whose `attachment://` addresses are those of the files."""
    urls = {f"attachment://{attachment.filename}": attachment.url for attachment in attachments}
    resolved = {"type": "rich", **deepcopy(embed)}
    for part in ("image", "thumbnail", "video", "footer", "author"):
        for key in ("url", "icon_url"):
            if resolved.get(part, {}).get(key) in urls:
                resolved[part][key] = urls[resolved[part][key]]
    return resolved
