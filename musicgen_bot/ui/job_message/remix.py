"""The form that opens with a clip's recipe filled in, and what comes back of it.

The form's own id says which clip it belongs to, so it can be sent off to a bot that has been
restarted in the meantime.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from discord import Interaction, InteractionType, SelectOption, TextStyle
from discord.ui import Label, Modal, Select, TextInput

from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import MAX_PROMPT_CHARACTERS, MAX_SEED, GenerationRequest
from musicgen_bot.job import Job, Order
from musicgen_bot.styles import STYLES
from musicgen_bot.translations import Language, Text
from musicgen_bot.ui.job_message.submitting import prompt_and_order

PROMPT, STYLE, SECONDS, SEED, GUIDANCE = "prompt", "style", "seconds", "seed", "guidance"
HIGHEST_GUIDANCE = 10.0
_FORM = re.compile(r"remix:(\d{1,18})")

Answers = Mapping[str, str]
"""What was filled in, by the names above; empty where nothing was."""


def remix_form(say: Language, job: Job) -> Modal:
    """Return the form for a new clip after the recipe of this one."""
    request = job.request
    typed = job.order.typed if job.order.style else request.prompt
    form = Modal(title=say("Remix"), custom_id=f"remix:{job.id}")
    prompt: TextInput[Modal] = TextInput(
        custom_id=PROMPT,
        style=TextStyle.paragraph,
        default=typed or None,
        max_length=MAX_PROMPT_CHARACTERS,
        required=False,
    )
    styles: Select[Modal] = Select(
        custom_id=STYLE,
        placeholder=say("No style"),
        min_values=0,
        required=False,
        options=[
            SelectOption(label=style.name, default=style.name == job.order.style)
            for style in STYLES
        ],
    )
    form.add_item(Label(text=say("Prompt"), component=prompt))
    form.add_item(Label(text=say("Style"), component=styles))
    for name, text, value, required in (
        (SECONDS, Text("Seconds"), say.number(request.seconds), True),
        (SEED, Text("Seed (leave empty for a new one)"), str(job.order.seeds[0]), False),
        (
            GUIDANCE,
            Text("Guidance (how closely to follow the prompt)"),
            say.number(request.guidance),
            True,
        ),
    ):
        field: TextInput[Modal] = TextInput(
            custom_id=name, default=value, max_length=12, required=required
        )
        form.add_item(Label(text=say(text), component=field))
    form.stop()  # discord.py need not keep it: what is sent off says by itself where it belongs
    return form


def submitted_form(interaction: Interaction[Any]) -> tuple[int, Answers] | None:
    """Return the id of the job that was remixed and the answers; None for any other act."""
    data: Mapping[str, Any] = interaction.data or {}
    form = _FORM.fullmatch(data.get("custom_id", ""))
    if interaction.type is not InteractionType.modal_submit or form is None:
        return None
    return int(form[1]), dict(_answers(data))


def _answers(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for label in data["components"]:
        field = label["component"]
        yield field["custom_id"], field.get("value") or "".join(field.get("values") or ())


def remixed(job: Job, answers: Answers) -> tuple[GenerationRequest, Order]:
    """Return what was asked for, on the ground of the recipe. Raises InvalidRequest."""
    needs_words = job.request.continue_from is None
    prompt, order = prompt_and_order(
        answers[PROMPT], answers[STYLE], job.order.variations, needs_words=needs_words
    )
    guidance = _number(
        answers[GUIDANCE], Text("The guidance must be a number, such as 3 or {decimal}.")
    )
    if guidance > HIGHEST_GUIDANCE:
        raise InvalidRequest("The guidance can be at most {most}.", most=HIGHEST_GUIDANCE)
    request = replace(
        job.request,
        prompt=prompt,
        seconds=_number(
            answers[SECONDS], Text("The length must be a number, such as 3 or {decimal}.")
        ),
        seed=_seed(answers[SEED]),
        guidance=guidance,
    )
    return request, replace(order, uploaded=job.order.uploaded)


def _number(text: str, otherwise: Text) -> float:
    try:
        return float(_plain(text).replace(",", "."))
    except ValueError:
        raise InvalidRequest(otherwise.filled(decimal=7.5)) from None


def _seed(text: str) -> int | None:
    if not (digits := _plain(text)):
        return None
    if not re.fullmatch(r"[0-9]{1,20}", digits):
        raise InvalidRequest("The seed must be a whole number from 0 to {most}.", most=MAX_SEED)
    return int(digits)


def _plain(text: str) -> str:
    """Return digits as they are in English, which Japanese keyboards write twice as wide."""
    return unicodedata.normalize("NFKC", text).strip()
