"""`/owner`: what the host of the bot may see and do, in one place where nobody else sees it.

The place is the server of OWNER_GUILD, whose administrators alone are shown the commands; without
one, direct messages with the bot. Whoever calls, and wherever, is checked again at each call.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.blocks import BlockKind
from musicgen_bot.cogs.about import About
from musicgen_bot.errors import InvalidRequest
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.clip_library import ClipLibrary
from musicgen_bot.jobs.days import DAY_SECONDS
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.limits import in_words
from musicgen_bot.jobs.service_mode import Mode
from musicgen_bot.snowflakes import EXAMPLE_ID, read_id
from musicgen_bot.translations import Counted, Text
from musicgen_bot.ui.common.answers import answer, say_to
from musicgen_bot.ui.common.caller import Caller

BLOCKS_SHOWN = 50
GIB, MIB = 2**30, 2**20
BlockTarget = Literal["user", "server"]
_KINDS: dict[BlockTarget, BlockKind] = {"user": BlockKind.USER, "server": BlockKind.GUILD}
_NAMES = {BlockKind.USER: Text("User `{id}`"), BlockKind.GUILD: Text("Server `{id}`")}
_MODES = {
    Mode.RUNNING: Text("running"),
    Mode.PAUSED: Text("paused"),
    Mode.DRAINING: Text("draining"),
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the host's machine has to tell."""

    about: About
    started_at: float
    """In seconds since 1970."""
    speed: Callable[[], float | None]
    """Seconds of music made per second; None before it was measured."""
    is_loaded: Callable[[], bool]
    """Whether the model is in memory."""
    trouble: Callable[[], str | None]
    """Why the model is out of order, in an English sentence; None while it works."""
    memory: Callable[[], tuple[int | None, int | None]]
    """Bytes of main memory and of a GPU's own; None where that is not known."""


@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions()
class OwnerCog(
    commands.GroupCog, group_name="owner", group_description="For the host of this bot."
):
    """The commands of the host."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        blocklist: Blocklist,
        clips: ClipLibrary,
        machine: Machine,
        guild_id: int | None,
    ) -> None:
        self._dispatcher = dispatcher
        self._blocklist = blocklist
        self._clips = clips
        self._machine = machine
        self._guild_id = guild_id
        if (group := self.app_command) is not None:
            in_guild = guild_id is not None
            group.allowed_contexts = app_commands.AppCommandContext(
                guild=in_guild, dm_channel=not in_guild, private_channel=False
            )

    @app_commands.command(description="Show how the bot is doing.")
    async def status(self, interaction: discord.Interaction) -> None:
        """Show speed, queue, memory, guilds, uptime and model."""
        await Caller.of(interaction).require_host(self._guild_id)
        estimates = list(self._dispatcher.estimates())
        making = sum(estimate.place == 0 for _, estimate in estimates)
        machine, about, say = self._machine, self._machine.about, say_to(interaction)
        speed, (main, device) = machine.speed(), machine.memory()
        clips, size = await self._clips.size()
        up = time.time() - machine.started_at
        queue = say(
            "{making} being made, {waiting} waiting", making=making, waiting=len(estimates) - making
        )
        pace = Text("not measured yet")
        if speed:
            pace = Text("{speed} s of music per second", speed=round(speed, 2))
        model = f"{about.model}, {about.precision}, {about.device}"
        if trouble := machine.trouble():
            model = say("{model} (out of order: {reason})", model=model, reason=trouble)
        elif not machine.is_loaded():
            model = say("{model} (unloaded; the next clip loads it)", model=model)
        kept = say("{clips}, {size} MiB", clips=clips, size=round(size / MIB, 1))
        since = in_words(up)
        if up >= 2 * DAY_SECONDS:
            since = Counted("{count} day", "{count} days", count=up // DAY_SECONDS)
        fields = {
            say("Mode"): say(_MODES[self._dispatcher.mode]),
            say("Queue"): queue,
            say("Speed"): say(pace),
            say("Model"): model,
            say("Memory"): say(_gib(main) or Text("not known")),
            say("GPU memory"): say(_gib(device) or Text("no GPU in use")),
            say("Clips kept"): kept,
            say("Servers"): say.number(len(interaction.client.guilds)),
            say("Running for"): say(since),
        }
        embed = discord.Embed(title=about.software)
        for name, value in fields.items():
            embed.add_field(name=name, value=value)
        await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command(description="Start no more clips; what is waiting keeps waiting.")
    async def pause(self, interaction: discord.Interaction) -> None:
        """Let jobs wait."""
        await self._set_mode(
            interaction,
            Mode.PAUSED,
            Text(
                "Paused. Clips being made are finished; everything else waits for `/owner "
                "resume`, even after a restart."
            ),
        )

    @app_commands.command(description="Go back to work after a pause or a drain.")
    async def resume(self, interaction: discord.Interaction) -> None:
        """Work as always."""
        await self._set_mode(interaction, Mode.RUNNING, Text("Running."))

    @app_commands.command(description="Take on nothing new, and finish what is there.")
    async def drain(self, interaction: discord.Interaction) -> None:
        """Finish, for instance before an update."""
        await self._set_mode(
            interaction,
            Mode.DRAINING,
            Text(
                "Draining. New clips are refused until `/owner resume`, even after a restart; "
                "`/owner status` shows how many are left."
            ),
        )

    @app_commands.command(description="Block a user or a server from making music anywhere.")
    @app_commands.describe(what="A user or a server", snowflake="Its ID")
    @app_commands.rename(snowflake="id")
    async def block(
        self, interaction: discord.Interaction, what: BlockTarget, snowflake: str
    ) -> None:
        """Block a user or a guild."""
        caller = Caller.of(interaction)
        await caller.require_host(self._guild_id)
        kind, number = _KINDS[what], _id(snowflake)
        changed = await self._blocklist.block_everywhere(kind, number, caller.user_id)
        which = _named(kind, number)
        text = Text("{which} was already blocked.", which=which)
        if changed:
            text = Text(
                "{which} is now blocked; what is already waiting will still be made.", which=which
            )
        await answer(interaction, say_to(interaction)(text))

    @app_commands.command(description="Let a blocked user or server make music again.")
    @app_commands.describe(what="A user or a server", snowflake="Its ID")
    @app_commands.rename(snowflake="id")
    async def unblock(
        self, interaction: discord.Interaction, what: BlockTarget, snowflake: str
    ) -> None:
        """Unblock a user or a guild."""
        caller = Caller.of(interaction)
        await caller.require_host(self._guild_id)
        kind, number = _KINDS[what], _id(snowflake)
        changed = await self._blocklist.unblock_everywhere(kind, number, caller.user_id)
        which = _named(kind, number)
        text = Text("{which} was not blocked.", which=which)
        if changed:
            text = Text("{which} can make music again.", which=which)
        await answer(interaction, say_to(interaction)(text))

    @app_commands.command(description="Show who is blocked everywhere.")
    async def blocks(self, interaction: discord.Interaction) -> None:
        """List users and guilds."""
        await Caller.of(interaction).require_host(self._guild_id)
        blocks = await self._blocklist.everywhere()
        say = say_to(interaction)
        lines = [f"{say(_named(b.kind, b.id))} <t:{b.at:.0f}:f>" for b in blocks[:BLOCKS_SHOWN]]
        if len(blocks) > BLOCKS_SHOWN:
            lines.append(say("… and {number} earlier", number=len(blocks) - BLOCKS_SHOWN))
        # As an embed, which holds twice as much as a message.
        embed = discord.Embed(description="\n".join(lines) or say("Nobody is blocked."))
        await interaction.response.send_message(embed=embed, ephemeral=True)

    async def _set_mode(self, interaction: discord.Interaction, mode: Mode, text: Text) -> None:
        caller = Caller.of(interaction)
        await caller.require_host(self._guild_id)
        await self._dispatcher.turn(mode)
        _log.info("user %d turned the bot to %s", caller.user_id, mode)
        await answer(interaction, say_to(interaction)(text))


def _named(kind: BlockKind, number: int) -> Text:
    return _NAMES[kind].filled(id=str(number))


def _gib(size: int | None) -> Text | None:
    return Text("{size} GiB", size=round(size / GIB, 2)) if size is not None else None


def _id(text: str) -> int:
    """Return the id that the host typed. Raises InvalidRequest."""
    if (number := read_id(text.strip())) is None:
        raise InvalidRequest(
            "Please give an ID, such as {example}: with Developer Mode on, you can copy it from "
            "the menu of a user or a server.",
            example=EXAMPLE_ID,
        )
    return number
