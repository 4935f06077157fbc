"""When a day begins and ends where a guild lives."""

from __future__ import annotations

import asyncio
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

DAY_SECONDS = 86_400
"""Of a day that knows no change of clocks."""


def day_around(now: float, time_zone: str) -> tuple[float, float]:
    """Return the start of the day that `now` is in and that of the next, in seconds since 1970.

    A day of a change of clocks has 23 or 25 hours. Where midnight itself is skipped the day starts
    with the change, and where it comes twice, with the first.
    """
    zone = zoneinfo.ZoneInfo(time_zone)
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    return _midnight(today, zone), _midnight(today + timedelta(days=1), zone)


async def time_zones() -> list[str]:
    """Return the names of all time zones, those with a place before the others."""
    names = await asyncio.to_thread(zoneinfo.available_timezones)  # opens hundreds of files
    return sorted(names, key=lambda name: ("/" not in name, name))


async def find_time_zone(text: str) -> str:
    """Return the name of the time zone that a person typed, whatever its case.

    What is no time zone comes back as it is, and is refused as a setting.
    """
    name = text.strip().replace(" ", "_")
    names = {known.casefold(): known for known in await time_zones()}
    return names.get(name.casefold(), text)


def _midnight(day: date, zone: zoneinfo.ZoneInfo) -> float:
    return datetime.combine(day, time.min, zone).timestamp()
