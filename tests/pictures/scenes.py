"""The pictures, each a run of the bot. Whatever stands in them came from it."""

from __future__ import annotations

from typing import Any

import discord

from tests.discord_server.people import everyone
from tests.end_to_end.running import text_of
from tests.pictures import palette
from tests.pictures.canvas import Canvas
from tests.pictures.form import WIDTH as FORM_WIDTH
from tests.pictures.form import draw_form
from tests.pictures.markdown import names_in
from tests.pictures.stage import Answer, picture, stage

MADE = (
    ("ada", "lofi hip hop beat with warm piano", "", 12, 1),
    ("ben", "80s synthwave, driving bass, 120 bpm", "", 10, 1),
    ("cleo", "slow sad cello and rain", "", 15, 1),
    ("ada", "bossa nova for a lazy Sunday", "", 10, 1),
    ("ben", "boss fight, fast and furious", "Chiptune", 8, 3),
    ("cleo", "music for a walk in the snow", "", 10, 1),
    ("ada", "", "Funk", 6, 1),
    ("ben", "deep house, 124 bpm, airy pads", "", 12, 1),
    ("cleo", "lullaby, music box, very soft", "", 8, 2),
    ("ada", "punk rock, 170 bpm", "", 5, 1),
)
"""Person, prompt, style, seconds and variations of clips of an evening."""
LONG: dict[str, Any] = {"seconds": 30.0, "variations": 3}
"""What takes so long that its progress is seen."""


async def channel() -> str:
    """Three people typed a prompt: one has the clip, one's is being made, and one's waits."""
    async with stage(musicgen_max_batch=1) as room:
        answers: list[Answer] = []
        for name, prompt, options in (
            ("ada", "lofi hip hop beat with warm piano", {"seconds": 12.0}),
            ("ben", "80s synthwave, driving bass, 120 bpm", LONG),
            ("cleo", "slow sad cello and rain", LONG),
        ):
            person = room.person(name)
            answers.append(await room.typed(person, "generate", prompt=prompt, **options))
            await answers[0].message.until(lambda first: first.attachments)
        _, second, _ = answers
        return await room.server.until(
            lambda: picture(answers) if "▰▰▰" in text_of(second.message) else None
        )


async def variations() -> str:
    """Somebody chose a style and three variations of it."""
    async with stage() as room:
        dora = room.person("dora")
        options = {"prompt": "roller skating at night", "style": "Funk", "seconds": 15.0}
        return picture([await room.clip(dora, variations=3, **options)])


async def remix() -> str:
    """The form that opens below a clip."""
    async with stage() as room:
        finn = room.person("finn")
        options = {"prompt": "boss fight in a lava cave", "style": "Chiptune", "seconds": 20.0}
        clip = (await room.clip(finn, **options)).message
        form = await (await room.server.press(finn, clip, "Remix")).modal()
        canvas = Canvas()
        height = draw_form(canvas, form, names_in(room.channel))
        return canvas.svg(FORM_WIDTH, height, palette.CHAT)


async def history() -> str:
    """Somebody looks through the clips of the server."""
    async with stage() as room:
        people = {name: room.person(name) for name, *_ in MADE}
        for name, prompt, style, seconds, count in MADE:
            words = {key: text for key, text in (("prompt", prompt), ("style", style)) if text}
            await room.clip(people[name], seconds=float(seconds), variations=count, **words)
        asked = await room.typed(people["cleo"], "history", whose="this server")
        return picture([asked])


async def japanese() -> str:
    """A server whose language is Japanese."""
    async with stage("ja", musicgen_max_batch=1) as room:
        yuki, ren = room.person("yuki"), room.person("ren")
        done = await room.clip(yuki, prompt="city pop, funky bass, 110 bpm", seconds=12.0)
        making = await room.typed(ren, "generate", prompt="夏の夜、静かなピアノ", **LONG)
        return await room.server.until(
            lambda: picture([done, making]) if "▰▰▰" in text_of(making.message) else None
        )


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
        return picture([await room.typed(grace, "settings show")])


async def status() -> str:
    """The host asks how the bot is doing, while it works."""
    async with stage(musicgen_max_batch=1) as room:
        host = room.server.world.owner
        for name, prompt, *_ in MADE[:3]:
            await room.clip(room.person(name), prompt=prompt, seconds=20.0)
        for name in ("dora", "finn"):
            person = room.person(name)
            await room.typed(person, "generate", prompt="techno, 130 bpm", seconds=30.0)
        direct = room.server.direct_channel(host)
        return picture([await room.typed(host, "owner status", direct)])


SCENES = {
    scene.__name__: scene
    for scene in (channel, variations, remix, history, japanese, settings, status)
}
