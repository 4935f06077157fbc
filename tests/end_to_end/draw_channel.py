"""Draws the README's picture: a channel of the loopback Discord, as a real run of the bot left it.

    python -m tests.end_to_end.draw_channel docs/channel.svg

Three people type a prompt; the picture is taken when the first has their clip, the second's is
being made and the third's waits. Whatever stands in a message came from the bot; only the looks are
drawn.
"""

import asyncio
import base64
import re
import sys
import tempfile
import textwrap
import time
from html import escape
from pathlib import Path
from typing import Any
from unittest.mock import patch

import discord
import yarl

from tests.discord_server.api import PREFIX
from tests.discord_server.messages import Message
from tests.discord_server.server import DiscordServer
from tests.end_to_end.running import running_bot, text_of

PROMPTS = (
    ("ada", "lofi hip hop beat with warm piano", 12.0),
    ("ben", "80s synthwave, driving bass, 120 bpm", 30.0),
    ("cleo", "slow sad cello and rain", 30.0),
)
WIDTH, MARGIN, LINE = 720, 16, 22
FONT = "gg sans, Noto Sans, Helvetica Neue, Helvetica, Arial, sans-serif"


class Drawing:
    """Grows downwards, line by line."""

    def __init__(self, names: dict[str, str]) -> None:
        self.y = MARGIN
        self.names = names
        """What Discord shows for each mention."""
        self._shapes: list[str] = []

    def text(self, x: int, content: str, fill: str = "#dbdee1", **style: object) -> None:
        """Write one line at the present height, with what Discord makes of its markup."""
        for mention, name in self.names.items():
            content = content.replace(mention, name)
        content = re.sub(r"<t:(\d+):R>", _from_now, content)
        more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
        self._shapes.append(
            f'<text x="{x}" y="{self.y + 15}" fill="{fill}"{more}>{escape(content)}</text>'
        )

    def box(self, x: int, y: int, width: int, height: int, fill: str, radius: int = 4) -> None:
        """Draw a rectangle."""
        self._shapes.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" fill="{fill}"/>'
        )

    def picture(self, x: int, png: bytes, width: int = 500) -> None:
        """Put a picture at the present height."""
        height = round(width * int.from_bytes(png[20:24]) / int.from_bytes(png[16:20]))
        data = base64.b64encode(png).decode()
        self._shapes.append(
            f'<image x="{x}" y="{self.y}" width="{width}" height="{height}" '
            f'href="data:image/png;base64,{data}"/>'
        )
        self.y += height + 8

    def svg(self) -> str:
        """Return the whole picture."""
        height = self.y + MARGIN
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                f'width="{WIDTH}" height="{height}" font-family="{FONT}" font-size="15">',
                f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#313338"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )


def _from_now(timestamp: re.Match[str]) -> str:
    return f"in {int(timestamp[1]) - time.time():.0f} seconds"


def draw_message(drawing: Drawing, person: str, message: Message) -> None:
    """Draw a message, the command it answers, its embed and its file."""
    drawing.text(84, f"{person} used /generate", "#949ba4", font_size=13)
    drawing.y += LINE
    drawing.box(24, drawing.y, 40, 40, "#5865f2", 20)
    drawing.y += 11
    drawing.text(35, "♪", "#ffffff", font_size=20)
    drawing.y -= 11
    drawing.text(84, "musicgen", "#f2f3f5", font_weight=600)
    drawing.box(160, drawing.y + 3, 32, 15, "#5865f2", 3)
    drawing.text(164, "APP", "#ffffff", font_size=11, font_weight=600)
    drawing.y += LINE + 4
    for embed in message.embeds:
        draw_embed(drawing, embed, message)
    for attachment in message.attachments:
        if attachment.content_type == "image/png":  # the embed shows it
            continue
        drawing.box(84, drawing.y, 420, 56, "#2b2d31", 8)
        drawing.y += 6
        drawing.text(100, "▶", "#dbdee1", font_size=18)
        drawing.text(132, attachment.filename, "#00a8fc")
        drawing.y += LINE
        drawing.text(132, f"{attachment.size / 1000:.0f} kB", "#949ba4", font_size=12)
        drawing.y += LINE + 10
    for row in message.components:
        draw_buttons(drawing, row["components"])
    drawing.y += 12


def draw_buttons(drawing: Drawing, buttons: list[dict[str, Any]]) -> None:
    """Draw a row of buttons."""
    x = 84
    for button in buttons:
        width = 52 + 8 * len(button["label"])
        danger = button["style"] == discord.ButtonStyle.danger.value
        drawing.box(x, drawing.y, width, 32, "#d83c3e" if danger else "#4e5058", 4)
        drawing.y += 6
        drawing.text(x + 12, f"{button['emoji']['name']} {button['label']}", "#ffffff")
        drawing.y -= 6
        x += width + 8
    drawing.y += 40


def draw_embed(drawing: Drawing, embed: dict[str, object], message: Message) -> None:
    """Draw an embed: description, fields side by side, picture, footer."""
    top = drawing.y
    body = Drawing(drawing.names)
    body.y = top + 10
    for line in str(embed["description"]).split("\n"):
        if line.startswith("`"):
            code = line.strip("`")
            body.box(98, body.y, 16 + round(8.2 * len(code)), 21, "#1e1f22")
            body.text(106, code, font_family="Consolas, DejaVu Sans Mono, monospace", font_size=13)
        else:
            body.text(100, line)
        body.y += LINE + 4
    fields = embed.get("fields") or []
    assert isinstance(fields, list)
    for number, field in enumerate(fields):
        body.text(100 + 130 * number, field["name"], "#f2f3f5", font_size=13, font_weight=600)
    if fields:
        body.y += LINE - 2
        for number, field in enumerate(fields):
            body.text(100 + 130 * number, field["value"].strip("`"), font_size=14)
        body.y += LINE + 4
    for attachment in message.attachments:
        if attachment.content_type == "image/png":
            body.picture(100, attachment.data)
    footer = embed["footer"]
    assert isinstance(footer, dict)
    for line in textwrap.wrap(footer["text"], 72):
        body.text(100, line, "#b5bac1", font_size=12)
        body.y += LINE - 4
    colour = embed["color"]
    assert isinstance(colour, int)
    drawing.box(84, top, 540, body.y - top + 6, "#2b2d31")
    drawing.box(84, top, 4, body.y - top + 6, f"#{colour:06x}", 2)
    drawing._shapes += body._shapes
    drawing.y = body.y + 14


async def draw() -> str:
    """Run the bot, let people type, and draw what they see."""
    async with DiscordServer() as server:
        guild = server.add_guild("Cellar")
        channel = guild.add_channel("music")
        with (
            patch.object(discord.http.Route, "BASE", server.url + PREFIX),
            patch.object(
                discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway.url)
            ),
            tempfile.TemporaryDirectory() as folder,
        ):
            async with running_bot(server, Path(folder), musicgen_max_batch=1):
                messages: list[Message] = []
                for name, prompt, seconds in PROMPTS:
                    interaction = await server.command(
                        guild.add_member(name), channel, "generate", prompt=prompt, seconds=seconds
                    )
                    messages.append(await interaction.message())
                    await messages[0].until(lambda first: first.attachments)
                names = {member.mention: f"@{member.user.name}" for member in guild.members}

                def taken() -> Drawing | None:
                    if "%" not in text_of(messages[1]):
                        return None
                    drawing = Drawing(names)
                    for (name, _, _), message in zip(PROMPTS, messages, strict=True):
                        draw_message(drawing, name, message)
                    return drawing

                return (await server.until(taken)).svg()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(asyncio.run(draw()))
