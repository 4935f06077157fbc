"""An interaction: what a person did, and how far the bot has answered it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from tests.discord_server.attachments import Upload
from tests.discord_server.components import check_choices, check_form
from tests.discord_server.errors import ApiError, Problem, invalid
from tests.discord_server.installs import GUILD_INSTALL, context_of, owners_of
from tests.discord_server.messages import EPHEMERAL, LOADING, Message
from tests.discord_server.people import Json, Member, User
from tests.discord_server.places import Channel
from tests.discord_server.signals import PATIENCE
from tests.discord_server.world import World

T = TypeVar("T")

ANSWER_SECONDS = 3
TOKEN_SECONDS = 15 * 60
FOLLOW_UPS_BY_USER_INSTALL = 5


class Kind(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class Callback(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


_ALLOWED = {
    Kind.COMMAND: {Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.MODAL},
    Kind.COMPONENT: set(Callback) - {Callback.CHOICES},
    Kind.AUTOCOMPLETE: {Callback.CHOICES},
    Kind.MODAL_SUBMIT: set(Callback) - {Callback.CHOICES, Callback.MODAL},
}


@dataclass(slots=True, eq=False, repr=False)
class Interaction:
    """One interaction. `message`, `modal` and `choices` wait for the answer of that kind."""

    world: World
    kind: Kind
    user: User
    member: Member | None
    channel: Channel
    data: Json
    source: Message | None = None
    """The message whose component was used."""
    opener: Interaction | None = None
    """The interaction that opened the modal which was sent."""
    id: int = field(init=False)
    token: str = field(default_factory=lambda: f"aW50ZXJhY3Rpb246{secrets.token_urlsafe(32)}")
    """Begins as Discord's do, which is how a log knows one."""
    sent: float = field(default_factory=time.monotonic)
    answered_after: float | None = None
    """Real seconds until the bot's first answer, for tests that ask how quick it is."""
    callback: Callback | None = None
    answer: Json = field(default_factory=dict)
    """The data of the first answer, as the bot sent it."""
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    owners: Json = field(init=False)
    """Who installed the bot that is used: those of the command, for all that follows from it."""
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.world.snowflakes.next()
        self._since = self.world.clock.seconds
        self.owners = owners_of(self.user, self.channel)
        if self.opener is not None:
            self.owners = self.opener.owners
        elif self.source is not None and self.source.interaction is not None:
            self.owners = self.source.interaction["authorizing_integration_owners"]

    async def message(self, patience: float = PATIENCE) -> Message:
        """Return the message that the first answer made, or "is thinking", or changes."""
        return await self._until(lambda: self.original, "a message", patience)

    async def followup(self, number: int = 0, patience: float = PATIENCE) -> Message:
        """Return the follow-up message of that number."""
        found = await self._until(lambda: self.followups[number:], f"follow-up {number}", patience)
        return found[0]

    async def modal(self, patience: float = PATIENCE) -> Json:
        """Return the modal that the bot opened."""
        await self._until(lambda: self.callback is Callback.MODAL, "a modal", patience)
        return self.answer

    async def choices(self, patience: float = PATIENCE) -> list[Json]:
        """Return the choices that the bot offered for the option being typed."""
        await self._until(lambda: self.callback is Callback.CHOICES, "choices", patience)
        choices: list[Json] = self.answer["choices"]
        return choices

    def expire(self) -> None:
        """Let the token be older than its fifteen minutes."""
        self._since -= TOKEN_SECONDS

    @property
    def age(self) -> float:
        """Seconds since the person acted, on the server's clock."""
        return self.world.clock.seconds - self._since

    def answer_with(self, body: Json, uploads: Mapping[int, Upload]) -> None:
        """Carry out the bot's first answer; raises ApiError where it comes late or twice."""
        if self.age > ANSWER_SECONDS and self.callback is None:
            raise ApiError(Problem.UNKNOWN_INTERACTION)
        if self.callback is not None:
            raise ApiError(Problem.ACKNOWLEDGED)
        if body["type"] not in _ALLOWED[self.kind]:
            raise invalid("type", "BASE_TYPE_CHOICES", "Not a valid answer to this interaction.")
        callback, data = Callback(body["type"]), body.get("data") or {}
        if callback in (Callback.MESSAGE, Callback.DEFERRED_MESSAGE):
            loading = callback is Callback.DEFERRED_MESSAGE
            self.original = self._new_message(data, uploads, loading=loading)
        elif callback in (Callback.UPDATE, Callback.DEFERRED_UPDATE):
            self.original = self._source()
            if callback is Callback.UPDATE:
                self.original.revise(data, uploads)
                self.original.tell("MESSAGE_UPDATE")
        elif callback is Callback.MODAL:
            check_form(data)
        else:
            check_choices(data["choices"])
        self.callback, self.answer = callback, data
        self.answered_after = time.monotonic() - self.sent
        self.world.signal.notify()

    def follow_up(self, body: Json, uploads: Mapping[int, Upload]) -> Message:
        """Post another message; the first one after a deferral takes its place, as in Discord."""
        if self.callback is None:
            raise ApiError(Problem.UNKNOWN_WEBHOOK)
        if self.original is not None and self.original.loading and not self.original.deleted:
            self.original.revise(body, uploads)
            self.original.tell("MESSAGE_UPDATE")
            return self.original
        if not self._by_guild_install and len(self.followups) >= FOLLOW_UPS_BY_USER_INSTALL:
            raise ApiError(Problem.TOO_MANY_FOLLOW_UPS)
        message = self._new_message(body, uploads, loading=False)
        self.followups.append(message)
        self.world.signal.notify()
        return message

    def find(self, name: str) -> Message:
        """Return a message of this interaction by id or as `@original`."""
        messages = [self.original] if name == "@original" else [self.original, *self.followups]
        for message in messages:
            if message and not message.deleted and name in ("@original", str(message.id)):
                return message
        raise ApiError(Problem.UNKNOWN_MESSAGE)

    def _new_message(self, data: Json, uploads: Mapping[int, Upload], *, loading: bool) -> Message:
        flags = (data.get("flags") or 0) & EPHEMERAL
        if self.member is not None and not self._by_guild_install:
            # Nobody else sees what an app says for a member who may not bring it along.
            flags |= 0 if self.member.permissions.use_external_apps else EPHEMERAL
        message = Message(
            self.channel, self.world.snowflakes.next(), self.world.bot, flags | LOADING
        )
        message.interaction = self._metadata()
        if loading:
            message.remember()
        else:
            message.revise(data, uploads)
        message.post()
        return message

    def _source(self) -> Message:
        if self.source is None:
            raise invalid("type", "BASE_TYPE_CHOICES", "There is no message to update.")
        return self.source

    def to_json(self) -> Json:
        """Return the interaction as the gateway tells it."""
        guild = self.channel.guild
        payload = {
            "id": str(self.id),
            "application_id": str(self.world.bot.id),
            "type": int(self.kind),
            "token": self.token,
            "version": 1,
            "data": self.data,
            "channel_id": str(self.channel.id),
            "channel": self.channel.to_json(),
            "locale": self.user.locale,
            "app_permissions": str(self.channel.bot_permissions.value),
            "attachment_size_limit": self.channel.upload_limit,
            "authorizing_integration_owners": self.owners,
            "entitlements": [],
            "context": context_of(self.channel),
        }
        if self.source is not None:
            payload["message"] = self.source.to_json()
        if guild is None or self.member is None:
            return {**payload, "user": self.user.to_json()}
        where = {"id": str(guild.id), "locale": guild.locale, "features": []}
        return {
            **payload,
            "member": self.member.to_json(),
            "guild_id": str(guild.id),
            "guild_locale": guild.locale,
            "guild": where,
        }

    def __repr__(self) -> str:
        name = self.data.get("name") or self.data.get("custom_id")
        answer = "no answer" if self.callback is None else self.callback.name.lower()
        return f"<Interaction {self.kind.name.lower()} {name!r} by {self.user.name}: {answer}>"

    def _metadata(self) -> Json:
        metadata = {
            "id": str(self.id),
            "type": int(self.kind),
            "user": self.user.to_json(),
            "authorizing_integration_owners": self.owners,
        }
        if self.kind is Kind.COMPONENT and self.source is not None:
            metadata["interacted_message_id"] = str(self.source.id)
        if "target_id" in self.data:
            metadata["target_message_id"] = self.data["target_id"]
        if self.opener is not None:
            metadata["triggering_interaction_metadata"] = self.opener._metadata()
        return metadata

    @property
    def _by_guild_install(self) -> bool:
        return GUILD_INSTALL in self.owners

    async def _until(self, look: Callable[[], T | None], wanted: str, patience: float) -> T:
        signal = self.world.signal
        return await signal.until(look, wanted, "in answer to", self, patience=patience)
