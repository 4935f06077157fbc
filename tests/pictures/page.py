"""A channel as a page of HTML: the messages in it, and all that stands in them."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile

from tests.discord_server.attachments import Attachment
from tests.discord_server.messages import Message
from tests.discord_server.people import User
from tests.discord_server.places import Channel
from tests.pictures import controls
from tests.pictures.elements import Html, element
from tests.pictures.markdown import Names, names_in, to_html
from tests.pictures.stage import Answer

STYLE = Path(__file__).with_name("style.css")
_AVATARS = ("#e0719a", "#3fa27a", "#d98a3d", "#4aa3c7", "#9a78d6")


def channel(answers: Sequence[Answer]) -> str:
    """Return a page with these answers in their channel of a server, the newest below."""
    return _page(_server(answers))


def form(below: Answer, modal: dict[str, Any]) -> str:
    """Return a page with a form that somebody opened, before the message it belongs to."""
    opened = controls.form(modal, names_in(below.message.channel))
    return _page(element("div", "behind", _server([below])), element("div", "before", opened))


def _page(*inner: Html) -> str:
    head = f'<!DOCTYPE html>\n<meta charset="utf-8">\n<style>\n{STYLE.read_text()}</style>\n'
    return f"{head}{element('main', '', *inner)}\n"


def _server(answers: Sequence[Answer]) -> Html:
    """Return the channels and members of a server, and beside them what is said in a channel."""
    here = answers[0].message.channel
    assert here.guild is not None
    places = [
        element("div", "entry here" if each is here else "entry", *_named(each))
        for each in here.guild.channels
    ]
    people = [
        element("div", "entry", _avatar(member.user), member.user.name)
        for member in here.guild.members
    ]
    name = element("h1", "", here.guild.name)
    side = element("nav", "", name, *places, element("h3", "", "Members"), *people)
    bar = element("div", "bar", *_named(here))
    chat = element("div", "chat", bar, *(_answer(answer) for answer in answers))
    return element("div", "server", side, chat)


def _named(channel: Channel) -> tuple[str, str]:
    return element("span", "sign", "#"), channel.name or ""


def _answer(answer: Answer) -> Html:
    message = answer.message
    names, now = names_in(message.channel), time.time()
    shown = {embed["image"]["url"] for embed in message.embeds if "image" in embed}
    files = [file for file in message.attachments if file.url not in shown]
    parts = [
        element("div", "text", to_html(message.content, names, now)) if message.content else "",
        *(_player(file) for file in files),
        *(_embed(embed, message.attachments, names, now) for embed in message.embeds),
        controls.rows(message.components, names),
        _privacy() if message.ephemeral else "",
    ]
    return element(
        "div",
        "message private" if message.ephemeral else "message",
        _used(answer),
        _avatar(message.author),
        element("div", "body", _author(message), *parts),
    )


def _used(answer: Answer) -> Html:
    person = element("span", "person", answer.person.name)
    command = element("span", "command", answer.command)
    return element("div", "used", _avatar(answer.person), person, "used", command)


def _author(message: Message) -> Html:
    name = element("span", "name", message.author.name)
    return element(
        "div",
        "author",
        name,
        element("span", "badge", "APP") if message.author.bot else "",
        element("span", "at", f"{message.created:%H:%M}"),
    )


def _avatar(user: User) -> Html:
    """Return a circle with an initial, of a colour of one's own."""
    colour = "#6474e5" if user.bot else _AVATARS[ord(user.name[0]) % len(_AVATARS)]
    return element("span", "avatar", user.name[0].upper(), style=f"background:{colour}")


def _player(file: Attachment) -> Html:
    """Return a sound file, ready to be played."""
    seconds = round(soundfile.info(io.BytesIO(file.data)).duration)
    return element(
        "div",
        "player",
        element("span", "play", ""),
        element("div", "file", file.filename),
        element("div", "size", f"{file.size / 1024:.0f} KB"),
        element("div", "track", ""),
        element("div", "clock", f"0:00 / {seconds // 60}:{seconds % 60:02}"),
    )


def _embed(embed: dict[str, Any], files: Sequence[Attachment], names: Names, now: float) -> Html:
    fields = [
        element(
            "div",
            "field inline" if field.get("inline") else "field",
            element("h3", "", field["name"]),
            to_html(field["value"], names, now),
        )
        for field in embed.get("fields") or []
    ]
    colour = embed.get("color")
    return element(
        "div",
        "embed",
        element("h2", "", embed.get("title") or ""),
        to_html(embed["description"], names, now) if "description" in embed else "",
        element("div", "fields", *fields) if fields else "",
        _image(embed["image"]["url"], files) if "image" in embed else "",
        element("footer", "", (embed.get("footer") or {}).get("text") or ""),
        style="" if colour is None else f"border-left-color:#{colour:06x}",
    )


def _image(url: str, files: Sequence[Attachment]) -> Html:
    """Return a picture that is attached to the message, as part of the page."""
    data = base64.b64encode(next(file.data for file in files if file.url == url)).decode()
    return Html(f'<img src="data:image/png;base64,{data}" alt="">')


def _privacy() -> Html:
    dismiss = element("span", "link", "Dismiss message")
    return element("div", "privacy", "Only you can see this · ", dismiss)
