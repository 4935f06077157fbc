"""The only place where the parts are built, put together, started, and stopped in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import discord
from discord.utils import MISSING

from musicgen_bot import __version__, connection
from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.audio.upload import UploadReader
from musicgen_bot.backends.engine_thread import PATIENCE
from musicgen_bot.backends.local import LocalBackend
from musicgen_bot.backends.recovery import RELOAD_PAUSES
from musicgen_bot.cogs.about import About, AboutCog
from musicgen_bot.cogs.blocks import BlockCog
from musicgen_bot.cogs.client import Client
from musicgen_bot.cogs.clips import ClipCog
from musicgen_bot.cogs.continue_audio import AudioEncoder, ContinueCog
from musicgen_bot.cogs.generate import GenerateCog
from musicgen_bot.cogs.help import HelpCog
from musicgen_bot.cogs.library import LibraryCog
from musicgen_bot.cogs.owner import Machine, OwnerCog
from musicgen_bot.cogs.privacy import PrivacyCog
from musicgen_bot.cogs.queue import QueueCog
from musicgen_bot.cogs.quota import QuotaCog
from musicgen_bot.cogs.settings import SettingsCog
from musicgen_bot.command_sync import CommandSync
from musicgen_bot.config import Config
from musicgen_bot.errors import ConfigError, GenerationError
from musicgen_bot.generation import GenerationRequest, Progress
from musicgen_bot.job import Job, Submission
from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.admission import Admission
from musicgen_bot.jobs.blocklist import Blocklist
from musicgen_bot.jobs.clip_library import ClipLibrary
from musicgen_bot.jobs.dispatcher import Dispatcher
from musicgen_bot.jobs.events import Events
from musicgen_bot.jobs.guild_settings_service import GuildSettingsService
from musicgen_bot.jobs.limits import NO_LIMITS, Limits
from musicgen_bot.jobs.service_mode import Mode, ServiceMode
from musicgen_bot.jobs.sweeper import Sweeper
from musicgen_bot.store.blocks import BlockStore, HostBlockStore
from musicgen_bot.store.clip_lists import ClipListStore
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import GuildSettingsStore
from musicgen_bot.store.jobs import JobStore
from musicgen_bot.store.notes import NoteStore
from musicgen_bot.store.personal import PersonalData
from musicgen_bot.store.retention import Retention
from musicgen_bot.terminal import NOBODY, FileTarget
from musicgen_bot.translations import Translations
from musicgen_bot.ui.common.uploads import Uploads
from musicgen_bot.ui.job_message.files import Renderer
from musicgen_bot.ui.job_message.messages import JobMessages
from musicgen_bot.ui.job_message.updates import MessageUpdater

if TYPE_CHECKING:
    from musicgen_bot.engine import Engine

STOP_SECONDS = 2.0
"""How long the model's thread may take to stop."""
SOFTWARE = f"musicgen-bot {__version__}"
PROGRESS_SECONDS = 0.1
IDLE_CHECK_SECONDS = 30.0
TERMINAL_PAUSES = RELOAD_PAUSES[:2]
"""Before a failed model is loaded again while somebody looks at the terminal."""
MEGABYTE = 10**6

_log = logging.getLogger(__name__)


async def run_bot(config: Config, say: Callable[[str], None]) -> None:
    """Run until it is cancelled; what is unfinished then waits for the next run.

    `say` is told in lines what was found. Raises HostError, AudioError where there is no ffmpeg,
    and MachineError where a new process is needed to go on.
    """
    if config.discord_token is None:
        raise ConfigError("DISCORD_TOKEN is not set; put the bot's token into .env.")
    ffmpeg = await asyncio.to_thread(find_ffmpeg)
    async with AsyncExitStack() as stack:
        database = await Database.open(config.database_path)
        stack.push_async_callback(database.close)
        translations = Translations()
        client = Client(translations)
        stack.push_async_callback(connection.close, client)
        await connection.log_in(client, config.discord_token.get_secret_value())
        say(f"Loading {config.musicgen_model} …")
        backend = await stack.enter_async_context(_open_backend(config, RELOAD_PAUSES))
        facts = backend.facts
        say(f"Model: {facts.model}, {facts.precision}, on {facts.device}")
        pool = SoundPool()
        stack.callback(pool.close)
        renderer = Renderer(pool, ffmpeg, facts.model, facts.licence, SOFTWARE)
        messages = JobMessages(client, renderer, translations, backend.decode)
        notes = NoteStore(database)
        blocklist = Blocklist(BlockStore(database), HostBlockStore(database))
        admission = _admission(database, _host_limits(config), blocklist)
        dispatcher = Dispatcher(
            jobs=JobStore(database),
            backend=backend,
            target=messages,
            admission=admission,
            service_mode=ServiceMode(notes),
            personal=PersonalData(database),
            events=Events(prompts=config.log_prompts),
            pool=pool,
        )
        stack.push_async_callback(dispatcher.close)
        clips = ClipLibrary(
            jobs=JobStore(database),
            lists=ClipListStore(database),
            backend=backend,
            blocklist=blocklist,
            pool=pool,
        )
        uploads = Uploads(UploadReader(ffmpeg, pool))
        guild_settings = GuildSettingsService(GuildSettingsStore(database), _host_limits(config))
        for cog in (
            GenerateCog(dispatcher, admission),
            ClipCog(dispatcher=dispatcher, admission=admission, clips=clips, renderer=renderer),
            LibraryCog(clips=clips, renderer=renderer),
            ContinueCog(client, dispatcher, admission, uploads, _audio_encoder(backend)),
            QueueCog(dispatcher),
            QuotaCog(admission),
            BlockCog(blocklist),
            SettingsCog(client, guild_settings, blocklist),
            PrivacyCog(dispatcher),
            HelpCog(),
            AboutCog(_about(backend)),
        ):
            await client.add_cog(cog)
        owner = OwnerCog(
            dispatcher=dispatcher,
            blocklist=blocklist,
            clips=clips,
            machine=_machine(backend),
            guild_id=config.owner_guild,
        )
        guild = discord.Object(config.owner_guild) if config.owner_guild else MISSING
        await client.add_cog(owner, guild=guild)
        await CommandSync(client, notes).sync(config.owner_guild)
        if resumed := await dispatcher.resume():
            say(f"Taking up {resumed} unfinished clips")
        if dispatcher.mode is not Mode.RUNNING:
            say(f"The bot is {dispatcher.mode}; /owner resume lets it go on")
        sweeper = Sweeper(
            Retention(database),
            keep_days=config.keep_clips_days,
            keep_bytes=config.keep_clips_mb * MEGABYTE,
        )
        await sweeper.sweep()
        await stack.enter_async_context(_beside(sweeper.run()))
        if minutes := config.idle_unload_minutes:
            await stack.enter_async_context(_beside(_rest(backend, minutes * 60)))
        updater = MessageUpdater(dispatcher.estimates, messages, translations)
        await stack.enter_async_context(_beside(updater.run()))
        await stack.enter_async_context(_beside(_greet(client, say)))
        await _while_working(backend, connection.stay_connected(client))


def _about(backend: LocalBackend) -> About:
    facts = backend.facts
    return About(SOFTWARE, facts.model, facts.device, facts.precision, facts.licence)


def _machine(backend: LocalBackend) -> Machine:
    return Machine(
        about=_about(backend),
        started_at=time.time(),
        speed=lambda: backend.speed,
        is_loaded=lambda: backend.is_loaded,
        trouble=lambda: backend.trouble,
        memory=backend.memory,
    )


def _audio_encoder(backend: LocalBackend) -> AudioEncoder:
    facts = backend.facts
    return AudioEncoder(backend.encode, facts.sample_rate, facts.channels, facts.frame_rate)


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
        backend = await stack.enter_async_context(_open_backend(config, TERMINAL_PAUSES))
        pool = SoundPool()
        stack.callback(pool.close)
        target = FileTarget(
            output,
            pool,
            model=backend.facts.model,
            licence=backend.facts.licence,
            software=SOFTWARE,
        )
        dispatcher = Dispatcher(
            jobs=JobStore(database),
            backend=backend,
            target=target,
            admission=_admission(
                database,
                NO_LIMITS,
                Blocklist(BlockStore(database), HostBlockStore(database)),
            ),
            service_mode=ServiceMode(NoteStore(database)),
            personal=PersonalData(database),
            events=Events(prompts=False),
            pool=pool,
        )
        stack.push_async_callback(dispatcher.close)
        active = await dispatcher.submit(Submission(request, NOBODY))
        active.answered.set()
        await _while_working(backend, _follow(active, on_progress))
        if target.failure is not None:
            raise GenerationError(target.failure)
        return active.job


async def _follow(active: ActiveJob, on_progress: Callable[[Progress | None], None]) -> None:
    while not active.ended.is_set():
        on_progress(active.progress)
        with suppress(TimeoutError):
            await asyncio.wait_for(active.ended.wait(), PROGRESS_SECONDS)
    on_progress(active.progress)


async def _while_working(backend: LocalBackend, work: Coroutine[None, None, None]) -> None:
    """Do something as long as the machine is not broken. Raises MachineError when it is."""
    tasks = [asyncio.create_task(each) for each in (work, backend.until_broken())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def _open_backend(config: Config, pauses: Sequence[float]) -> AsyncIterator[LocalBackend]:
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

    backend = await LocalBackend.load(
        load, config.musicgen_max_batch, pauses=pauses, patience=PATIENCE
    )
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


def _admission(database: Database, host: Limits, blocklist: Blocklist) -> Admission:
    return Admission(
        host=host,
        jobs=JobStore(database),
        settings=GuildSettingsStore(database),
        blocklist=blocklist,
    )


async def _rest(backend: LocalBackend, idle_seconds: float) -> None:
    """Let go of the model whenever it has been idle for so long."""
    while True:
        await asyncio.sleep(IDLE_CHECK_SECONDS)
        try:
            await backend.rest(idle_seconds)
        except Exception:
            _log.exception("The model could not be let go")


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
