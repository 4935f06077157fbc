"""The only place where the parts are built, put together, started, and stopped in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import discord
from discord.utils import MISSING

from musicgen_bot import __version__, connection
from musicgen_bot.backends.local import LocalBackend
from musicgen_bot.cogs.about import About, AboutCog
from musicgen_bot.cogs.blocks import BlockCog
from musicgen_bot.cogs.client import Client
from musicgen_bot.cogs.clips import ClipCog
from musicgen_bot.cogs.continue_audio import ContinueCog, Ear
from musicgen_bot.cogs.generate import GenerateCog
from musicgen_bot.cogs.help import HelpCog
from musicgen_bot.cogs.library import LibraryCog
from musicgen_bot.cogs.owner import Machine, OwnerCog
from musicgen_bot.cogs.privacy import PrivacyCog
from musicgen_bot.cogs.queue import QueueCog
from musicgen_bot.cogs.quota import QuotaCog
from musicgen_bot.cogs.settings import SettingsCog
from musicgen_bot.config import Config
from musicgen_bot.errors import ConfigError, GenerationError
from musicgen_bot.generation import GenerationRequest, Progress
from musicgen_bot.jobs.archive import Archive
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.gate import Gate
from musicgen_bot.jobs.limits import NO_LIMITS, Limits
from musicgen_bot.jobs.mode import Mode, Switch
from musicgen_bot.jobs.settings_desk import SettingsDesk
from musicgen_bot.jobs.sweeper import Sweeper
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.jobs import Job, JobStore
from musicgen_bot.store.library import Library
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.personal import PersonalData
from musicgen_bot.store.retention import Retention
from musicgen_bot.store.settings import SettingsStore
from musicgen_bot.terminal import NOBODY, FileAudience
from musicgen_bot.translations import Translations
from musicgen_bot.ui.follower import Follower
from musicgen_bot.ui.job_messages import JobMessages
from musicgen_bot.ui.network import UNREACHABLE
from musicgen_bot.ui.rendering import Renderer

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine

STOP_SECONDS = 2.0
"""How long the model's thread may take to stop."""
SOFTWARE = f"musicgen-bot {__version__}"
PROGRESS_SECONDS = 0.1
IDLE_CHECK_SECONDS = 30.0
MEGABYTE = 10**6

_log = logging.getLogger(__name__)


async def run_bot(config: Config, say: Callable[[str], None]) -> None:
    """Run until it is cancelled; what is unfinished then waits for the next run.

    `say` is told in lines what was found. Raises HostError.
    """
    if config.discord_token is None:
        raise ConfigError("DISCORD_TOKEN is not set; put the bot's token into .env.")
    async with AsyncExitStack() as stack:
        database = await Database.open(config.database_path)
        stack.push_async_callback(database.close)
        translations = Translations()
        client = Client(translations)
        stack.push_async_callback(connection.close, client)
        await connection.log_in(client, config.discord_token.get_secret_value())
        say(f"Loading {config.musicgen_model} …")
        backend = await stack.enter_async_context(_open_backend(config))
        facts = backend.facts
        say(f"Model: {facts.model}, {facts.precision}, on {facts.device}")
        renderer = Renderer(model=facts.model, licence=facts.licence, software=SOFTWARE)
        messages = JobMessages(client, renderer, translations)
        notes, retention = NoteStore(database), Retention(database)
        gate = _gate(database, _host_limits(config))
        dispatcher = Dispatcher(
            jobs=JobStore(database),
            backend=backend,
            audience=messages,
            gate=gate,
            switch=Switch(notes),
            events=Events(prompts=config.log_prompts),
        )
        stack.push_async_callback(dispatcher.close)
        await _add_cogs(client, config, database, backend, dispatcher, gate, renderer)
        await _sync(client, notes, config.owner_guild)
        if resumed := await dispatcher.resume():
            say(f"Taking up {resumed} unfinished clips")
        if dispatcher.mode is not Mode.RUNNING:
            say(f"The bot is {dispatcher.mode}; /owner resume lets it go on")
        sweeper = Sweeper(
            retention,
            keep_days=config.keep_clips_days,
            keep_bytes=config.keep_clips_mb * MEGABYTE,
        )
        await sweeper.sweep()
        await stack.enter_async_context(_beside(sweeper.run()))
        if minutes := config.idle_unload_minutes:
            await stack.enter_async_context(_beside(_rest(backend, minutes * 60)))
        follower = Follower(dispatcher.outlooks, messages, translations)
        await stack.enter_async_context(_beside(follower.run()))
        await stack.enter_async_context(_beside(_greet(client, say)))
        await connection.stay_connected(client)


async def _add_cogs(
    client: Client,
    config: Config,
    database: Database,
    backend: LocalBackend,
    dispatcher: Dispatcher,
    gate: Gate,
    renderer: Renderer,
) -> None:
    """Give the client everything that people see in Discord."""
    facts = backend.facts
    about = About(SOFTWARE, facts.model, facts.device, facts.precision, facts.licence)
    archive, library = Archive(JobStore(database), backend, gate), Library(database)
    blocks = BlockStore(database)
    desk = SettingsDesk(SettingsStore(database), _host_limits(config))
    ear = Ear(backend.encode, facts.sample_rate, facts.channels, facts.frame_rate)
    continuing = ContinueCog(dispatcher, gate, ear)
    client.tree.add_command(continuing.menu)
    for cog in (
        GenerateCog(dispatcher, gate),
        ClipCog(
            dispatcher=dispatcher, gate=gate, archive=archive, library=library, renderer=renderer
        ),
        LibraryCog(archive=archive, library=library, renderer=renderer),
        continuing,
        QueueCog(dispatcher),
        QuotaCog(gate),
        BlockCog(blocks),
        SettingsCog(client, desk, blocks),
        PrivacyCog(dispatcher, PersonalData(database)),
        HelpCog(),
        AboutCog(about),
    ):
        await client.add_cog(cog)
    machine = Machine(
        about=about,
        started_at=time.time(),
        speed=lambda: backend.speed,
        is_loaded=lambda: backend.is_loaded,
        memory=backend.memory,
    )
    owner = OwnerCog(
        dispatcher=dispatcher,
        blocks=HostBlockStore(database),
        retention=Retention(database),
        machine=machine,
        guild_id=config.owner_guild,
    )
    guild = discord.Object(config.owner_guild) if config.owner_guild else MISSING
    await client.add_cog(owner, guild=guild)


async def make_clip(
    request: GenerationRequest,
    output: Path,
    config: Config,
    on_progress: Callable[[Progress | None], None],
) -> Job:
    """Make one clip and write it to a file, through the same parts as the bot.

    `on_progress` is called every tenth of a second, with None while nothing was made yet. Returns
    the job, whose request has the seed that was used. Raises RequestError, GenerationError or
    HostError.
    """
    async with AsyncExitStack() as stack:
        database = await Database.open(None)
        stack.push_async_callback(database.close)
        backend = await stack.enter_async_context(_open_backend(config))
        audience = FileAudience(
            output,
            model=backend.facts.model,
            licence=backend.facts.licence,
            software=SOFTWARE,
        )
        dispatcher = Dispatcher(
            jobs=JobStore(database),
            backend=backend,
            audience=audience,
            gate=_gate(database, NO_LIMITS),
            switch=Switch(NoteStore(database)),
            events=Events(prompts=False),
        )
        stack.push_async_callback(dispatcher.close)
        active = await dispatcher.submit(request, NOBODY)
        active.answered.set()
        while not active.ended.is_set():
            on_progress(active.progress)
            with suppress(TimeoutError):
                await asyncio.wait_for(active.ended.wait(), PROGRESS_SECONDS)
        on_progress(active.progress)
        if audience.failure is not None:
            raise GenerationError(audience.failure)
        return active.job


@asynccontextmanager
async def _open_backend(config: Config) -> AsyncIterator[LocalBackend]:
    def load() -> Engine:
        # Takes seconds to import, and only a command that makes music needs it. What it leaves are
        # a million objects that stay: looking for garbage among them took a fifth of the import,
        # and afterwards a third of a second of everybody's time every so often.
        gc.disable()
        from musicgen_bot.engine import load_engine

        if not gc.get_freeze_count():  # when it is loaded again, garbage of the time between stays
            gc.freeze()
        gc.enable()
        return load_engine(config.musicgen_model, config.musicgen_device, config.musicgen_precision)

    backend = await LocalBackend.load(load, config.musicgen_max_batch)
    try:
        yield backend
    finally:
        await backend.close(STOP_SECONDS)


def _host_limits(config: Config) -> Limits:
    return Limits(
        clip_seconds=config.limit_clip_seconds,
        cooldown_seconds=config.limit_cooldown_seconds,
        waiting_per_user=config.limit_waiting_per_user,
        waiting_per_guild=config.limit_waiting_per_guild,
    )


def _gate(database: Database, host: Limits) -> Gate:
    return Gate(
        host=host,
        jobs=JobStore(database),
        settings=SettingsStore(database),
        blocks=BlockStore(database),
        host_blocks=HostBlockStore(database),
    )


async def _rest(backend: LocalBackend, idle_seconds: float) -> None:
    """Let go of the model whenever it has been idle for so long."""
    while True:
        await asyncio.sleep(IDLE_CHECK_SECONDS)
        try:
            await backend.rest(idle_seconds)
        except Exception:
            _log.exception("The model could not be let go")


async def _sync(client: Client, notes: NoteStore, owner_guild: int | None) -> None:
    """Bring the commands in Discord up to date; failing that, go on with those it knows."""
    try:
        await client.sync_if_changed(notes)
    except (discord.HTTPException, *UNREACHABLE) as error:
        _log.error("Discord did not take the commands, the next start tries again: %s", error)
    try:
        await client.sync_guild_if_changed(notes, owner_guild)
    except (discord.HTTPException, *UNREACHABLE) as error:
        _log.error(
            "Discord did not take the host's commands for OWNER_GUILD, the next start tries "
            "again; is the bot in that server? %s",
            error,
        )


async def _greet(client: Client, say: Callable[[str], None]) -> None:
    await client.wait_until_ready()
    count = len(client.guilds)
    say(f"Ready as {client.user} in {count} {'server' if count == 1 else 'servers'}")
    say(f"Invite it with {client.invite_link()}")
    if link := client.account_link():
        say(f"Install it to an account with {link}")


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run something beside the body of the block."""
    task = asyncio.create_task(work)
    task.add_done_callback(_lament)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _lament(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("A part of the bot has stopped", exc_info=error)
