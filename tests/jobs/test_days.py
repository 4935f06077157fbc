"""A day is from midnight to midnight where the guild lives."""

from datetime import UTC, datetime

import pytest

from musicgen_bot.jobs.days import day_around, find_time_zone, time_zones


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "now", "start", "end"),
    [
        ("UTC", "2026-03-05 12:00", "2026-03-05 00:00", "2026-03-06 00:00"),
        ("UTC", "2026-03-05 00:00", "2026-03-05 00:00", "2026-03-06 00:00"),
        ("UTC", "2026-03-05 23:59:59.9", "2026-03-05 00:00", "2026-03-06 00:00"),
        ("Asia/Kolkata", "2026-03-05 19:00", "2026-03-05 18:30", "2026-03-06 18:30"),
        ("Pacific/Kiritimati", "2026-03-05 09:59", "2026-03-04 10:00", "2026-03-05 10:00"),
        # 23 and 25 hours
        ("Europe/Berlin", "2026-03-29 12:00", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("Europe/Berlin", "2026-10-25 12:00", "2026-10-24 22:00", "2026-10-25 23:00"),
        # midnight is skipped, and comes twice
        ("America/Sao_Paulo", "2018-11-04 12:00", "2018-11-04 03:00", "2018-11-05 02:00"),
        ("America/Havana", "2024-11-03 12:00", "2024-11-03 04:00", "2024-11-04 05:00"),
        ("America/Havana", "2024-11-03 05:30", "2024-11-03 04:00", "2024-11-04 05:00"),
    ],
)
def test_a_day_is_as_long_as_it_is_there(zone: str, now: str, start: str, end: str) -> None:
    assert day_around(at(now), zone) == (at(start), at(end))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("america/new york", "America/New_York"),
        ("utc", "UTC"),
        ("Mars/Olympus", "Mars/Olympus"),
        ("../../etc/passwd", "../../etc/passwd"),
    ],
)
async def test_a_zone_is_found_however_it_is_typed(typed: str, name: str) -> None:
    assert await find_time_zone(typed) == name


async def test_zones_with_a_place_come_first() -> None:
    assert "/" in (await time_zones())[0]
    assert "UTC" in await time_zones()
