"""A guild sets what it likes, within what the host allows, and every change is noted."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.guild_settings import GuildSettings
from musicgen_bot.jobs.guild_settings_service import GuildSettingsService
from musicgen_bot.jobs.limits import Limits
from musicgen_bot.store.database import Database
from musicgen_bot.store.guild_settings import GuildSettingsStore

HOST = Limits(clip_seconds=30, cooldown_seconds=10, waiting_per_user=3, waiting_per_guild=20)
GUILD, GRACE = 1, 9


@pytest.fixture
async def store() -> AsyncIterator[GuildSettingsStore]:
    database = await Database.open(None)
    yield GuildSettingsStore(database)
    await database.close()


@pytest.mark.parametrize(
    ("name", "within", "beyond"),
    [
        ("longest_clip_seconds", 30, 31),
        ("default_clip_seconds", 30, 31),
        ("waiting_per_user", 3, 4),
        ("waiting_per_server", 20, 21),
        ("cooldown_seconds", 10, 9),
    ],
)
async def test_no_guild_goes_beyond_the_host(
    name: str, within: int, beyond: int, store: GuildSettingsStore
) -> None:
    service = GuildSettingsService(store, HOST, lambda: 5.0)
    allowed: dict[str, Any] = {name: within}
    refused: dict[str, Any] = {name: beyond}
    change = await service.change(GUILD, GRACE, lambda now: replace(now, **allowed))
    assert getattr(change.after, name) == within
    with pytest.raises(InvalidRequest, match="the host of this bot"):
        await service.change(GUILD, GRACE, lambda now: replace(now, **refused))
    assert await service.get(GUILD) == change.after


async def test_a_host_that_lowers_its_limits_stands_in_no_other_changes_way(
    store: GuildSettingsStore,
) -> None:
    service = GuildSettingsService(store, HOST)
    await service.change(GUILD, GRACE, lambda now: replace(now, longest_clip_seconds=30))
    service = GuildSettingsService(store, replace(HOST, clip_seconds=20))
    await service.change(GUILD, GRACE, lambda now: replace(now, time_zone="Europe/Berlin"))
    with pytest.raises(InvalidRequest, match="at most 20"):
        await service.change(GUILD, GRACE, lambda now: replace(now, longest_clip_seconds=25))


async def test_changes_are_noted_and_what_changes_nothing_is_not(store: GuildSettingsStore) -> None:
    now = 100.0
    service = GuildSettingsService(store, HOST, lambda: now)
    await service.change(GUILD, GRACE, lambda s: replace(s, longest_clip_seconds=20))
    now = 200.0
    await service.change(GUILD, GRACE, lambda s: s)
    await service.change(GUILD, 8, lambda _: GuildSettings())
    reset, first = await service.changes(GUILD)
    assert (reset.user_id, reset.at, reset.after) == (8, 200.0, GuildSettings())
    assert (first.user_id, first.at, first.before) == (GRACE, 100.0, GuildSettings())
    assert first.after == reset.before == GuildSettings(longest_clip_seconds=20)
    assert await service.changes(2) == []


async def test_two_admins_at_once_lose_nothing(store: GuildSettingsStore) -> None:
    service = GuildSettingsService(store, HOST)
    changes: list[dict[str, Any]] = [{"waiting_per_user": 2}, {"channels": (5,)}, {"roles": (6,)}]
    await asyncio.gather(
        *(
            service.change(GUILD, GRACE, lambda now, new=new: replace(now, **new))  # type: ignore[misc]
            for new in changes
        )
    )
    assert await service.get(GUILD) == GuildSettings(waiting_per_user=2, channels=(5,), roles=(6,))
