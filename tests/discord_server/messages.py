"""Messages, as the server keeps them and as a test looks at them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.discord_server.attachments import Attachment, Upload, keep, resolve
from tests.discord_server.components import check_rows
from tests.discord_server.errors import ApiError, Problem, invalid
from tests.discord_server.limits import check_message
from tests.discord_server.mentions import Pings, find_pings
from tests.discord_server.people import Json, User
from tests.discord_server.places import Channel
from tests.discord_server.signals import PATIENCE

EPHEMERAL, LOADING, COMPONENTS_V2 = 1 << 6, 1 << 7, 1 << 15
COMMAND_REPLY, REPLY = 20, 19
FORWARDED = frozenset(
    (
        *("type", "content", "timestamp", "edited_timestamp", "attachments", "embeds"),
        *("components", "flags", "mentions"),
    )
)
"""What a message that is forwarded keeps."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a message looked like between two edits."""

    content: str
    embeds: list[Json]
    attachments: list[Attachment]
    components: list[Json]
    flags: int
    time: float = field(default_factory=time.monotonic)


@dataclass(slots=True, eq=False, repr=False)
class Message:
    """One message. Its content and so on are those of its last revision."""

    channel: Channel
    id: int
    author: User
    flags: int = 0
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    pinged: Pings = field(default_factory=Pings)
    """Whom it would have pinged in any of its revisions."""
    history: list[Revision] = field(default_factory=list)
    """Every revision, the first and the present one included."""
    deleted: bool = False
    nonce: str | None = None
    reference: Message | None = None
    forwarded: Message | None = None
    interaction: Json | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    edited: datetime | None = None

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it is still the "is thinking" of a deferred answer."""
        return bool(self.flags & LOADING)

    async def until(
        self, condition: Callable[[Message], object], patience: float = PATIENCE
    ) -> Message:
        """Wait until the message fulfils a condition, tried at each of its changes."""
        signal = self.channel.world.signal
        await signal.until(lambda: condition(self), "a change of", self, patience=patience)
        return self

    def post(self) -> None:
        """Put the message into its channel."""
        self.channel.messages[self.id] = self
        self.tell("MESSAGE_CREATE")

    def delete(self) -> None:
        """Delete the message, as its author or somebody who may would."""
        self.deleted = True
        self.tell("MESSAGE_DELETE")

    def tell(self, event: str) -> None:
        """Let the gateway and whoever waits know of a change."""
        guild = self.channel.guild
        where = {} if guild is None else {"guild_id": str(guild.id)}
        if not self.ephemeral and self.channel.has_bot:
            self.channel.world.dispatch(event, {**self.to_json(), **where}, guild)
        self.channel.world.signal.notify()

    def revise(self, body: Mapping[str, Any], uploads: Mapping[int, Upload]) -> None:
        """Take over what a request says; what it does not name stays.

        Raises ApiError, and changes nothing, where Discord would refuse.
        """
        check_message(body)
        content = (body["content"] or "").strip() if "content" in body else self.content
        embeds = (body["embeds"] or []) if "embeds" in body else self.embeds
        components = (body["components"] or []) if "components" in body else self.components
        flags = self._flags_after(body.get("flags"))
        if not flags & COMPONENTS_V2:
            check_rows(components)
        attachments = self._attachments_after(body.get("attachments"), uploads)
        if not (content or embeds or attachments or (flags & COMPONENTS_V2 and components)):
            raise ApiError(Problem.EMPTY_MESSAGE)
        pings = self._pings_of(content, body)

        self.content, self.flags, self.attachments = content, flags, attachments
        self.components = numbered(components)
        self.embeds = [resolve(embed, attachments) for embed in embeds]
        self.pinged |= pings
        self.remember()

    def remember(self) -> None:
        """Add what the message looks like now to its history."""
        if self.history:
            self.edited = datetime.now(UTC)
        revision = (self.content, self.embeds, self.attachments, self.components, self.flags)
        self.history.append(Revision(*revision))

    def _pings_of(self, content: str, body: Mapping[str, Any]) -> Pings:
        is_new = not self.history
        if not is_new and "content" not in body:
            return Pings()  # Discord reads mentions anew only where the text is written anew
        replied_to = self.reference.author.id if self.reference and is_new else None
        return find_pings(content, body.get("allowed_mentions"), self.channel, replied_to)

    def _flags_after(self, asked: int | None) -> int:
        asked = self.flags if asked is None else asked | self.flags & EPHEMERAL
        return asked & ~LOADING

    def _attachments_after(
        self, listed: list[Json] | None, uploads: Mapping[int, Upload]
    ) -> list[Attachment]:
        if any(len(upload.data) > self.channel.upload_limit for upload in uploads.values()):
            raise ApiError(Problem.TOO_LARGE)
        if listed is None:
            added = [keep(self.channel, upload, {}) for upload in uploads.values()]
            return self.attachments + added
        present = {attachment.id: attachment for attachment in self.attachments}
        attachments = []
        for number, entry in enumerate(listed):
            snowflake = int(entry["id"])
            if snowflake in uploads:
                attachments.append(keep(self.channel, uploads[snowflake], entry))
            elif snowflake in present:
                attachments.append(present[snowflake])
            else:
                text = "Attachment data for a file that was neither sent nor present"
                raise invalid(f"attachments.{number}", "ATTACHMENT_NOT_FOUND", text)
        return attachments

    def __repr__(self) -> str:
        files = ", ".join(attachment.filename for attachment in self.attachments) or "no files"
        state = "deleted" if self.deleted else "loading" if self.loading else "posted"
        return f"<Message {state}: {self.content!r}, {self.embeds}, {files}>"

    def to_json(self) -> Json:
        pings, users = self.pinged, self.channel.world.users
        message: Json = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "type": 0,
            "author": self.author.to_json(),
            "content": self.content,
            "timestamp": self.created.isoformat(),
            "edited_timestamp": self.edited and self.edited.isoformat(),
            "tts": False,
            "mention_everyone": pings.everyone,
            "mentions": [users[user].to_json() for user in sorted(pings.users)],
            "mention_roles": [str(role) for role in sorted(pings.roles)],
            "attachments": [attachment.to_json() for attachment in self.attachments],
            "embeds": deepcopy(self.embeds),
            "components": deepcopy(self.components),
            "pinned": False,
            "flags": self.flags,
        }
        if self.nonce is not None:
            message["nonce"] = self.nonce
        if self.interaction is not None:
            message |= {"interaction_metadata": self.interaction}
            message |= {"application_id": str(self.author.id), "webhook_id": str(self.author.id)}
            message["type"] = COMMAND_REPLY if self.interaction["type"] == 2 else 0
        if self.reference is not None:
            where = {"message_id": str(self.reference.id), "channel_id": str(self.channel.id)}
            message |= {"type": REPLY, "message_reference": {**where, "type": 0}}
        if self.forwarded is not None:
            shown = self.forwarded.to_json()
            kept = {key: value for key, value in shown.items() if key in FORWARDED}
            message |= {"message_snapshots": [{"message": kept}]}
            where = {"message_id": shown["id"], "channel_id": shown["channel_id"]}
            message |= {"message_reference": {**where, "type": 1}}
        return message


def numbered(components: list[Json]) -> list[Json]:
    """Return components where each one has an id, counted as one reads, unless it came with one."""
    numbers = itertools.count(1)

    def number(component: Json) -> Json:
        own = component.get("id") or next(numbers)
        children = {
            key: [number(child) for child in value] if isinstance(value, list) else number(value)
            for key in ("components", "component", "accessory")
            if (value := component.get(key))
        }
        if emoji := component.get("emoji"):
            children["emoji"] = {key: value for key, value in emoji.items() if value is not None}
        return {**component, "id": own, **children}

    return [number(component) for component in components]
