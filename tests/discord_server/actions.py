"""What people do in Discord: they post, type or choose commands, press buttons, and fill in."""

from __future__ import annotations

from typing import Any

from tests.discord_server.attachments import Upload
from tests.discord_server.commands import CommandBook, NotTypeable, Typed
from tests.discord_server.controls import (
    BUTTON,
    SELECTS,
    STRING_SELECT,
    choose,
    controls_in,
    fill_in,
    find_control,
)
from tests.discord_server.gateway import Gateway
from tests.discord_server.interactions import Interaction, Kind
from tests.discord_server.messages import Message
from tests.discord_server.people import Json, Member, User
from tests.discord_server.places import FORUM, Channel
from tests.discord_server.world import World

SLASH_COMMAND, MESSAGE_COMMAND = 1, 3


class Actions:
    """The people's side of a server; each act is sent to the bot as an interaction."""

    world: World
    gateway: Gateway
    commands: CommandBook
    interactions: dict[int, Interaction]

    async def command(
        self, user: Member | User, channel: Channel, name: str, **options: Any
    ) -> Interaction:
        """Let a person type a slash command and send it.

        Subcommands are written with spaces: "settings show". Waits until the bot is connected.
        Raises NotTypeable for what Discord would not let the person send.
        """
        await self.gateway.online(channel.guild)
        return self._act(Kind.COMMAND, user, channel, self._typed(user, channel, name, options))

    async def forged_command(
        self, user: Member | User, channel: Channel, name: str, **options: Any
    ) -> Interaction:
        """Send a slash command with values that no honest client would let through."""
        await self.gateway.online(channel.guild)
        data = self._typed(user, channel, name, options, checked=False)
        return self._act(Kind.COMMAND, user, channel, data)

    async def autocomplete(
        self, user: Member | User, channel: Channel, name: str, focus: str, **options: Any
    ) -> Interaction:
        """Let a person type so far in an option that the bot is asked for choices."""
        await self.gateway.online(channel.guild)
        data = self._typed(user, channel, name, options, focus)
        return self._act(Kind.AUTOCOMPLETE, user, channel, data)

    async def message_command(
        self, user: Member | User, message: Message, name: str
    ) -> Interaction:
        """Let a person choose a command from a message's menu."""
        channel = message.channel
        await self.gateway.online(channel.guild)
        command = self._found(user, channel, name, MESSAGE_COMMAND)
        data = {
            **_head(command),
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): message.to_json()}},
        }
        return self._act(Kind.COMMAND, user, channel, data)

    def post(
        self, user: Member | User, channel: Channel, content: str = "", *uploads: Upload
    ) -> Message:
        """Let a person post a message, with files."""
        author = user.user if isinstance(user, Member) else user
        message = Message(channel, self.world.snowflakes.next(), author)
        message.revise({"content": content}, dict(enumerate(uploads)))
        message.post()
        return message

    def forward(self, user: Member | User, channel: Channel, forwarded: Message) -> Message:
        """Let a person forward a message."""
        author = user.user if isinstance(user, Member) else user
        message = Message(channel, self.world.snowflakes.next(), author, forwarded=forwarded)
        message.remember()
        message.post()
        return message

    async def click(self, user: Member | User, message: Message, custom_id: str) -> Interaction:
        """Let a person press a button of a message."""
        await self.gateway.online(message.channel.guild)
        shown = [] if message.deleted else message.components
        find_control(shown, custom_id, (BUTTON,))
        data = {"custom_id": custom_id, "component_type": BUTTON}
        return self._act(Kind.COMPONENT, user, message.channel, data, message)

    async def press(self, user: Member | User, message: Message, label: str) -> Interaction:
        """Let a person press the button of a message that has this label."""
        there = {each.get("label"): each["custom_id"] for each in controls_in(message.components)}
        if label not in there:
            raise NotTypeable(f"there is no button {label!r} to press; there are: {[*there]}")
        return await self.click(user, message, there[label])

    async def select(
        self, user: Member | User, message: Message, custom_id: str, *values: Any
    ) -> Interaction:
        """Let a person choose in a select of a message: texts, members, roles or channels.

        Raises NotTypeable for what Discord would not let the person choose.
        """
        await self.gateway.online(message.channel.guild)
        shown = [] if message.deleted else message.components
        control = find_control(shown, custom_id, SELECTS)
        typed = Typed()
        data = {
            "custom_id": custom_id,
            "component_type": control["type"],
            "values": choose(control, values, typed),
        }
        if control["type"] != STRING_SELECT:
            data["resolved"] = typed.resolved
        return self._act(Kind.COMPONENT, user, message.channel, data, message)

    async def submit(
        self, user: Member | User, opened: Interaction, /, **values: Any
    ) -> Interaction:
        """Let a person fill in and send the modal that an interaction opened.

        Fields are named by their custom ids; one that is not named keeps its default.
        """
        modal = await opened.modal()
        await self.gateway.online(opened.channel.guild)
        typed, guild = Typed(), opened.channel.guild
        there = {role.id: role for role in guild.roles} if guild else {}
        data = {
            "custom_id": modal["custom_id"],
            "components": fill_in(modal, values, typed, {**there, **self.world.channels}),
            "resolved": typed.resolved,
        }
        return self._act(
            Kind.MODAL_SUBMIT, user, opened.channel, data, opened.source, opener=opened
        )

    def _typed(
        self,
        user: Member | User,
        channel: Channel,
        line: str,
        options: dict[str, Any],
        focus: str | None = None,
        checked: bool = True,
    ) -> Json:
        name, *path = line.split()
        command = self._found(user, channel, name, SLASH_COMMAND)
        typed = Typed.read(command, path, options, focus, checked)
        return {**_head(command), "options": typed.options, "resolved": typed.resolved}

    def _found(self, user: Member | User, channel: Channel, name: str, kind: int) -> Json:
        """Return a command that this person may use here."""
        if channel.kind == FORUM:
            raise NotTypeable("nobody can type in a forum itself, only in its posts")
        person = user.user if isinstance(user, Member) else user
        command = self.commands.find(name, person, channel, kind)
        if isinstance(user, Member) and not _is_shown(command, user):
            raise NotTypeable(f"{user.user.name} may not use {name}")
        return command

    def _act(
        self,
        kind: Kind,
        user: Member | User,
        channel: Channel,
        data: Json,
        source: Message | None = None,
        opener: Interaction | None = None,
    ) -> Interaction:
        member = user if isinstance(user, Member) else None
        person = user.user if isinstance(user, Member) else user
        interaction = Interaction(self.world, kind, person, member, channel, data, source, opener)
        self.interactions[interaction.id] = interaction
        self.gateway.dispatch("INTERACTION_CREATE", interaction.to_json(), channel.guild)
        return interaction


def _head(command: Json) -> Json:
    """Return what every interaction says of its command."""
    return {key: command[key] for key in ("id", "name", "type", "guild_id") if key in command}


def _is_shown(command: Json, member: Member) -> bool:
    """Return whether a member is shown a command; one that takes "0" is for administrators."""
    needed = command["default_member_permissions"]
    if needed is None or member.permissions.administrator:
        return True
    return int(needed) != 0 and not int(needed) & ~member.permissions.value
