"""A server's settings in words."""

from __future__ import annotations

from collections.abc import Container, Iterable

from discord import Embed

from musicgen_bot.guild_settings import LISTS, NUMBERS, GuildSettings, SettingsChange
from musicgen_bot.jobs.limits import Limits
from musicgen_bot.translations import LOCALES, Language, Text
from musicgen_bot.ui.common.text import length, quoted, shortened

FIELD_CHARACTERS = 700
LINE_CHARACTERS = 400
PAGE_CHARACTERS = 4000
"""Less than Discord takes of a field, of an embed with all fields, and of a description."""
REGION = {"time_zone": Text("Time zone"), "language": Text("Language")}
LABELS = {
    **{name: label for name, (label, _, _) in NUMBERS.items()},
    **{name: label for name, (label, _) in LISTS.items()},
    **REGION,
}
"""What people call each setting."""


def settings_embed(
    say: Language,
    settings: GuildSettings,
    existing: GuildSettings,
    host: Limits,
    blocked: Iterable[int],
) -> Embed:
    """Show all settings, beside what the host allows, and the ids of who is blocked.

    `existing` are the settings without what was deleted in the server.
    """
    values = values_of(say, settings, existing)
    bounds = {
        "longest_clip_seconds": Text("host: {most} s at most", most=host.clip_seconds),
        "waiting_per_user": Text("host: {most} at most", most=host.waiting_per_user),
        "waiting_per_server": Text("host: {most} at most", most=host.waiting_per_guild),
        "cooldown_seconds": Text("host: {least} s at least", least=host.cooldown_seconds),
    }

    def lines(*names: str) -> str:
        return "\n".join(
            f"{say(LABELS[name])}: **{values[name]}**"
            + (f" ({say(bounds[name])})" if name in bounds else "")
            for name in names
        )

    embed = Embed(
        title=say("Settings of this server"),
        description=say(
            "Where nothing is set, only the limits of this bot's host apply. They apply whatever "
            "is set here."
        ),
    )
    clips = lines("longest_clip_seconds", "default_clip_seconds", "most_variations")
    queue = lines("waiting_per_user", "waiting_per_server", "cooldown_seconds")
    day = lines("seconds_a_day_per_user", "seconds_a_day_per_server")
    embed.add_field(name=say("Clips"), value=clips, inline=False)
    embed.add_field(name=say("Queue"), value=queue, inline=False)
    embed.add_field(name=say("Music per day"), value=day, inline=False)
    for name in LISTS:
        value = shortened(values[name], FIELD_CHARACTERS)
        embed.add_field(name=say(LABELS[name]), value=value, inline=False)
    members = ", ".join(f"<@{user}>" for user in blocked) or say("nobody")
    embed.add_field(name=say("Blocked"), value=shortened(members, FIELD_CHARACTERS), inline=False)
    for name in REGION:
        embed.add_field(name=say(LABELS[name]), value=values[name])
    return embed


def values_of(
    say: Language, settings: GuildSettings, existing: GuildSettings | None = None
) -> dict[str, str]:
    """Return the value of each setting as people read it.

    Channels and roles that are not in `existing` are said to be deleted.
    """
    known = existing or settings
    tiers_known = [tier.role_id for tier in known.role_seconds_a_day]

    def channel(number: int) -> str:
        if number in known.channels:
            return f"<#{number}>"
        return say("deleted channel `{id}`", id=str(number))

    def role(number: int, roles: Container[int]) -> str:
        return f"<@&{number}>" if number in roles else say("deleted role `{id}`", id=str(number))

    values = {}
    for name in NUMBERS:
        value = getattr(settings, name)
        if value is None:
            values[name] = say("not set")
        else:
            values[name] = say(length(value)) if "seconds" in name else str(value)
    free = (role(each, known.unlimited_roles) for each in settings.unlimited_roles)
    tiers = (
        f"{role(tier.role_id, tiers_known)} {say(length(tier.seconds))}"
        for tier in settings.role_seconds_a_day
    )
    lists: dict[str, tuple[Iterable[str], Text]] = {
        "channels": (map(channel, settings.channels), Text("everywhere")),
        "roles": ((role(each, known.roles) for each in settings.roles), Text("everybody")),
        "unlimited_roles": (free, Text("none")),
        "role_seconds_a_day": (tiers, Text("none")),
        "unwanted_words": (map(quoted, settings.unwanted_words), Text("none")),
    }
    for name, (texts, none) in lists.items():
        values[name] = ", ".join(texts) or say(none)
    language = settings.language
    own = LOCALES[language] if language else say("the server's language")
    return {**values, "time_zone": settings.time_zone, "language": own}


def differences(
    say: Language,
    before: GuildSettings,
    after: GuildSettings,
    existing: GuildSettings | None = None,
) -> str:
    """Return what has changed from one version to the next, on one line.

    Channels and roles that are not in `existing` are said to be deleted.
    """
    old, new = values_of(say, before, existing), values_of(say, after, existing)
    return "; ".join(
        f"{say(LABELS[name])}: {shortened(old[name], LINE_CHARACTERS)} → "
        f"{shortened(new[name], LINE_CHARACTERS)}"
        for name in new
        if old[name] != new[name]
    )


def log_embed(say: Language, changes: Iterable[SettingsChange]) -> Embed:
    """Show who changed what and when, the newest first, as much as Discord takes."""
    lines = [
        f"<t:{change.at:.0f}:f> <@{change.user_id}>: "
        + shortened(differences(say, change.before, change.after), LINE_CHARACTERS)
        for change in changes
    ]
    shown: list[str] = []
    while lines and sum(map(len, shown)) + len(shown) + len(lines[0]) < PAGE_CHARACTERS:
        shown.append(lines.pop(0))
    if lines:
        shown.append(say("… and {number} earlier", number=len(lines)))
    return Embed(
        title=say("Who set what here"),
        description="\n".join(shown) or say("Nothing has been set yet."),
    )
