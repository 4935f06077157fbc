"""The pictures, each a run of the bot. Whatever stands in them came from it."""

from __future__ import annotations

from typing import Any

import discord

from tests.discord_server.people import everyone
from tests.end_to_end.running import text_of
from tests.pictures import page
from tests.pictures.stage import CLIP_SECONDS, stage

LONG: dict[str, Any] = {"seconds": 30.0, "variations": 3}
"""What takes so long that its progress is seen."""


async def channel() -> str:
    """Three people typed a prompt: one has the clip, one's is being made, and one's waits."""
    async with stage(musicgen_max_batch=1) as room:
        ada, ben, cleo = map(room.person, ("ada", "ben", "cleo"))
        options = {"prompt": "lofi hip hop beat with warm piano", "seconds": 12.0, "seed": 2026}
        answers = [await room.clip(ada, **options)]
        for person, prompt in (
            (ben, "80s synthwave, driving bass, 120 bpm"),
            (cleo, "slow sad cello and rain"),
        ):
            answers.append(await room.typed(person, "generate", prompt=prompt, **LONG))
        return await room.server.until(
            lambda: page.channel(answers) if "▰▰▰" in text_of(answers[1].message) else None,
            "progress",
            patience=CLIP_SECONDS,
        )


async def variations() -> str:
    """Somebody chose a style and three variations of it."""
    async with stage() as room:
        dora = room.person("dora")
        options = {"prompt": "roller skating at night", "style": "Funk"}
        return page.channel([await room.clip(dora, variations=3, seed=1979, **options)])


async def remix() -> str:
    """The form that opens below a clip."""
    async with stage() as room:
        finn = room.person("finn")
        options = {"prompt": "boss fight in a lava cave", "style": "Chiptune"}
        clip = await room.clip(finn, seed=8080, **options)
        pressed = await room.server.press(finn, clip.message, "Remix")
        return page.form(clip, await pressed.modal())


async def settings() -> str:
    """An admin looks at what they have set."""
    async with stage(limit_cooldown_seconds=10) as room:
        grace = room.person("grace", permissions=everyone() | discord.Permissions.all())
        lab = room.guild.add_channel("music-lab")
        roles = {name: room.guild.add_role(name) for name in ("Members", "Boosters", "Crew")}
        for line, options in (
            ("limits", {"longest_clip_seconds": 20, "default_clip_seconds": 12}),
            ("limits", {"most_variations": 3, "waiting_per_user": 2, "cooldown_seconds": 30}),
            ("limits", {"seconds_a_day_per_user": 300, "seconds_a_day_per_server": 3600}),
            ("channels", {"add": room.channel}),
            ("channels", {"add": lab}),
            ("roles", {"role": roles["Members"], "grant": "roles"}),
            ("roles", {"role": roles["Crew"], "grant": "unlimited_roles"}),
            (
                "roles",
                {"role": roles["Boosters"], "grant": "role_seconds_a_day", "seconds": 900},
            ),
            ("words", {"add": "kazoo, crazy frog"}),
            ("timezone", {"zone": "Europe/Lisbon"}),
        ):
            await room.typed(grace, f"settings {line}", **options)
        return page.channel([await room.typed(grace, "settings show")])


SCENES = {scene.__name__: scene for scene in (channel, variations, remix, settings)}
