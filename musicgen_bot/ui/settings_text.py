"""A server's settings in words."""

from __future__ import annotations

from collections.abc import Iterable

from discord import Embed

from musicgen_bot.jobs.limits import Limits
from musicgen_bot.store.guild_settings import LISTS, NUMBERS, GuildSettings
from musicgen_bot.store.settings import Change
from musicgen_bot.ui.texts import quoted, shortened

FIELD_CHARACTERS = 700
LINE_CHARACTERS = 400
PAGE_CHARACTERS = 4000
"""Less than Discord takes of a field, of an embed with all fields, and of a description."""
NOT_SET = "not set"


def settings_embed(settings: GuildSettings, host: Limits, blocked: Iterable[int]) -> Embed:
    """Show all settings, beside what the host allows, and the ids of who is blocked."""
    values = values_of(settings)
    most = {
        "longest_clip_seconds": f"{host.clip_seconds:g} s at most",
        "waiting_per_user": f"{host.waiting_per_user:g} at most",
        "waiting_per_server": f"{host.waiting_per_guild:g} at most",
        "cooldown_seconds": f"{host.cooldown_seconds:g} s at least",
    }

    def lines(*names: str) -> str:
        return "\n".join(
            f"{NUMBERS[name][0]}: **{values[NUMBERS[name][0]]}**"
            + (f" (host: {most[name]})" if name in most else "")
            for name in names
        )

    embed = Embed(
        title="Settings of this server",
        description="Where nothing is set, only the limits of this bot's host hold. "
        "They hold whatever is set here.",
    )
    clips = lines("longest_clip_seconds", "default_clip_seconds", "most_variations")
    queue = lines("waiting_per_user", "waiting_per_server", "cooldown_seconds")
    day = lines("seconds_a_day_per_user", "seconds_a_day_per_server")
    embed.add_field(name="Clips", value=clips, inline=False)
    embed.add_field(name="Queue", value=queue, inline=False)
    embed.add_field(name="Music a day", value=day, inline=False)
    for label, _, _ in LISTS.values():
        embed.add_field(name=label, value=shortened(values[label], FIELD_CHARACTERS), inline=False)
    members = ", ".join(f"<@{user}>" for user in blocked) or "nobody"
    embed.add_field(name="Blocked", value=shortened(members, FIELD_CHARACTERS), inline=False)
    embed.add_field(name="Time zone", value=values["Time zone"])
    embed.add_field(name="Language", value=values["Language"])
    return embed


def values_of(settings: GuildSettings) -> dict[str, str]:
    """Return each setting's name for people, and its value as they read it."""
    values = {}
    for name, (label, _, _) in NUMBERS.items():
        value = getattr(settings, name)
        unit = " s" if "seconds" in name else ""
        values[label] = NOT_SET if value is None else f"{value}{unit}"
    tiers = (f"<@&{tier.role_id}> {tier.seconds} s" for tier in settings.role_seconds_a_day)
    lists: dict[str, tuple[Iterable[str], str]] = {
        "channels": ((f"<#{channel}>" for channel in settings.channels), "everywhere"),
        "roles": ((f"<@&{role}>" for role in settings.roles), "everybody"),
        "unlimited_roles": ((f"<@&{role}>" for role in settings.unlimited_roles), "none"),
        "role_seconds_a_day": (tiers, "none"),
        "unwanted_words": (map(quoted, settings.unwanted_words), "none"),
    }
    for name, (texts, none) in lists.items():
        values[LISTS[name][0]] = ", ".join(texts) or none
    return {
        **values,
        "Time zone": settings.time_zone,
        "Language": settings.language or "the server's own",
    }


def differences(before: GuildSettings, after: GuildSettings) -> str:
    """Return what has changed from one version to the next, on one line."""
    old, new = values_of(before), values_of(after)
    return "; ".join(
        f"{label}: {shortened(old[label], LINE_CHARACTERS)} → "
        f"{shortened(new[label], LINE_CHARACTERS)}"
        for label in new
        if old[label] != new[label]
    )


def log_embed(changes: Iterable[Change]) -> Embed:
    """Show who changed what and when, the newest first, as much as Discord takes."""
    lines = [
        f"<t:{change.at:.0f}:f> <@{change.user_id}>: "
        + shortened(differences(change.before, change.after), LINE_CHARACTERS)
        for change in changes
    ]
    shown: list[str] = []
    while lines and sum(map(len, shown)) + len(shown) + len(lines[0]) < PAGE_CHARACTERS:
        shown.append(lines.pop(0))
    if lines:
        shown.append(f"… and {len(lines)} before")
    return Embed(
        title="What was set here, and by whom",
        description="\n".join(shown) or "Nothing was set yet.",
    )
