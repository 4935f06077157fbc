"""The routes that post, read, change and delete messages: of channels, and of interactions."""

from __future__ import annotations

from dataclasses import dataclass

from tests.discord_server.api import Call, Route
from tests.discord_server.errors import ApiError, Problem
from tests.discord_server.interactions import TOKEN_SECONDS, Callback, Interaction
from tests.discord_server.messages import EPHEMERAL, Message
from tests.discord_server.people import Json
from tests.discord_server.places import Channel
from tests.discord_server.world import World

MESSAGE = "/channels/{channel}/messages/{message}"
WEBHOOK = "/webhooks/{application}/{token}"


@dataclass(slots=True, eq=False)
class ChannelRoutes:
    """Channels, where the bot may do what its permissions allow."""

    world: World

    def table(self) -> list[Route]:
        return [
            ("GET", "/channels/{channel}", lambda call: self._channel(call).to_json()),
            ("GET", "/channels/{channel}/messages", self.history),
            ("POST", "/channels/{channel}/messages", self.create),
            ("GET", MESSAGE, self.get),
            ("PATCH", MESSAGE, self.edit),
            ("DELETE", MESSAGE, self.delete),
        ]

    def history(self, call: Call) -> list[Json]:
        """Return the messages next to a place in a channel, the newest first."""
        channel = self._channel(call)
        if not channel.bot_permissions.read_message_history:
            return []  # which Discord does not call an error
        query = {name: int(value) for name, value in call.query.items()}
        after, before = query.get("after", 0), query.get("before", 1 << 63)
        found = [
            message.to_json()
            for snowflake, message in sorted(channel.messages.items())
            if after < snowflake < before and not (message.deleted or message.ephemeral)
        ]
        limit = query.get("limit", 50)
        part = found[:limit] if "after" in query else found[-limit:]
        return part[::-1]

    def create(self, call: Call) -> Json:
        channel = self._channel(call)
        if channel.recipient and not channel.recipient.takes_messages:
            raise ApiError(Problem.NO_MESSAGES_TO_USER)
        _require(channel, "send_messages_in_threads" if channel.parent else "send_messages")
        self._require_contents(channel, call)
        if channel.archived and channel.locked:
            raise ApiError(Problem.ARCHIVED)
        channel.archived = False
        nonce = call.body.get("nonce")
        if nonce is not None and call.body.get("enforce_nonce"):
            for message in channel.messages.values():
                if message.nonce == nonce:
                    return message.to_json()
        flags = (call.body.get("flags") or 0) & ~EPHEMERAL
        message = Message(channel, self.world.snowflakes.next(), self.world.bot, nonce=nonce)
        message.reference = self._reference(channel, call.body.get("message_reference"))
        message.revise({**call.body, "flags": flags}, call.uploads)
        message.post()
        return message.to_json()

    def get(self, call: Call) -> Json:
        self._channel(call, "read_message_history")
        return self._message(call).to_json()

    def edit(self, call: Call) -> Json:
        message = self._message(call)
        if message.author is not self.world.bot:
            raise ApiError(Problem.NOT_THE_AUTHOR)
        self._require_contents(message.channel, call)
        _require_open(message.channel)
        message.revise(call.body, call.uploads)
        message.tell("MESSAGE_UPDATE")
        return message.to_json()

    def delete(self, call: Call) -> None:
        message = self._message(call)
        if message.author is not self.world.bot:
            raise ApiError(Problem.MISSING_PERMISSIONS)
        message.delete()

    def _channel(self, call: Call, *permissions: str) -> Channel:
        channel = self.world.channels.get(int(call.parameters["channel"]))
        if channel is None:
            raise ApiError(Problem.UNKNOWN_CHANNEL)
        if not channel.has_bot or not channel.bot_permissions.view_channel:
            raise ApiError(Problem.MISSING_ACCESS)
        _require(channel, *permissions)
        return channel

    def _message(self, call: Call) -> Message:
        message = self._channel(call).messages.get(int(call.parameters["message"]))
        if message is None or message.deleted or message.ephemeral:
            raise ApiError(Problem.UNKNOWN_MESSAGE)
        return message

    def _require_contents(self, channel: Channel, call: Call) -> None:
        if call.uploads:
            _require(channel, "attach_files")
        if call.body.get("embeds"):
            _require(channel, "embed_links")

    def _reference(self, channel: Channel, reference: Json | None) -> Message | None:
        if reference is None:
            return None
        message = channel.messages.get(int(reference["message_id"]))
        if message is not None and not message.deleted:
            return message
        if reference.get("fail_if_not_exists", True):
            raise ApiError(Problem.UNKNOWN_MESSAGE)
        return None


def _require(channel: Channel, *permissions: str) -> None:
    if not all(getattr(channel.bot_permissions, name) for name in permissions):
        raise ApiError(Problem.MISSING_PERMISSIONS)


def _require_open(channel: Channel) -> None:
    """Messages of a thread that was put away cannot be edited, whoever asks."""
    if channel.archived:
        raise ApiError(Problem.ARCHIVED)


@dataclass(slots=True, eq=False)
class InteractionRoutes:
    """Interactions, where the token is the permission."""

    world: World
    interactions: dict[int, Interaction]

    def table(self) -> list[Route]:
        messages = WEBHOOK + "/messages/{message}"
        return [
            ("POST", "/interactions/{interaction}/{token}/callback", self.answer),
            ("POST", WEBHOOK, self.follow_up),
            ("GET", messages, lambda call: self._message(call).to_json()),
            ("PATCH", messages, self.edit),
            ("DELETE", messages, lambda call: self._message(call).delete()),
        ]

    def answer(self, call: Call) -> Json | None:
        interaction = self.interactions.get(int(call.parameters["interaction"]))
        if interaction is None or interaction.token != call.parameters["token"]:
            raise ApiError(Problem.UNKNOWN_INTERACTION)
        interaction.answer_with(call.body, call.uploads)
        if call.query.get("with_response") not in ("1", "true"):
            return None
        return _callback_response(interaction)

    def follow_up(self, call: Call) -> Json:
        return self._interaction(call).follow_up(call.body, call.uploads).to_json()

    def edit(self, call: Call) -> Json:
        message = self._message(call)
        _require_open(message.channel)
        message.revise(call.body, call.uploads)
        message.tell("MESSAGE_UPDATE")
        return message.to_json()

    def _interaction(self, call: Call) -> Interaction:
        if int(call.parameters["application"]) != self.world.bot.id:
            raise ApiError(Problem.UNKNOWN_WEBHOOK)
        for interaction in self.interactions.values():
            if interaction.token == call.parameters["token"] and interaction.age < TOKEN_SECONDS:
                return interaction
        raise ApiError(Problem.INVALID_WEBHOOK_TOKEN)

    def _message(self, call: Call) -> Message:
        interaction = self._interaction(call)
        if interaction.channel.id not in self.world.channels:
            raise ApiError(Problem.UNKNOWN_CHANNEL)
        return interaction.find(call.parameters["message"])


def _callback_response(interaction: Interaction) -> Json:
    told: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    if interaction.original is None:
        return {"interaction": told}
    message, callback = interaction.original, interaction.callback
    told |= {
        "response_message_id": str(message.id),
        "response_message_loading": message.loading,
        "response_message_ephemeral": message.ephemeral,
    }
    if callback not in (Callback.MESSAGE, Callback.UPDATE):
        return {"interaction": told}
    resource = {"type": int(callback), "message": message.to_json()}
    return {"interaction": told, "resource": resource}
