"""Whatever the language, Discord takes what is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from musicgen_bot.clip_list import ClipList, Page
from musicgen_bot.generation import READS_ENGLISH, GenerationRequest, Progress
from musicgen_bot.guild_settings import NUMBERS, GuildSettings
from musicgen_bot.job import Job, JobState, Order
from musicgen_bot.jobs.active_job import Estimate
from musicgen_bot.jobs.limits import Limits
from musicgen_bot.translations import LOCALES, Language, Translations
from musicgen_bot.ui.guild_settings.forms import Form, NumbersForm, RegionForm, TierForm, WordsForm
from musicgen_bot.ui.guild_settings.panel import LABELS
from musicgen_bot.ui.guild_settings.text import settings_embed
from musicgen_bot.ui.job_message import embeds
from musicgen_bot.ui.job_message.buttons import (
    Action,
    clip_buttons,
    page_buttons,
    variation_buttons,
    working_buttons,
)
from musicgen_bot.ui.job_message.remix import remix_form, remixed
from tests.discord_server.components import check_form, check_rows
from tests.jobs.hand_driven import address

PLACEHOLDER_CHARACTERS = 150
JOB = Job(
    12,
    JobState.DELIVERED,
    GenerationRequest("Straße", 2.5, seed=7, guidance=4.5, temperature=0.9, top_k=5),
    address(),
    Order(2, seeds=(7, 8)),
    made_in=7.5,
)
HOST = Limits(clip_seconds=30, cooldown_seconds=10, waiting_per_user=3, waiting_per_guild=20)


@pytest.fixture(params=LOCALES)
def say(request: pytest.FixtureRequest) -> Language:
    return Translations().language(request.param)


async def test_the_forms_are_not_too_long(say: Language) -> None:
    async def apply(*_: object) -> None: ...

    now, names = GuildSettings(), list(NUMBERS)
    titles = [LABELS["settings:clips"], LABELS["settings:day"]]
    forms: list[Form] = [
        NumbersForm(say, title, "form", apply, part, now)
        for title in titles
        for part in (names[:4], names[4:])
    ]
    forms += [TierForm(say, "f", apply), WordsForm(say, "f", apply, now)]
    forms += [RegionForm(say, "f", apply, replace(now, language="de"))]
    for form in forms:
        check_form(form.to_dict())
        form.stop()
    check_form(remix_form(say, JOB).to_dict())


async def test_a_form_comes_back_as_it_was_shown(say: Language) -> None:
    fields = {
        label["component"]["custom_id"]: label["component"].get("value") or ""
        for label in remix_form(say, JOB).to_dict()["components"]
    }
    request, order = remixed(JOB, fields)
    assert (request.prompt, request.seconds, request.seed) == ("Straße", 2.5, 7)
    assert (request.guidance, order) == (4.5, replace(JOB.order, seeds=()))


async def test_the_controls_are_not_too_long(say: Language) -> None:
    for view in (
        working_buttons(say, JOB),
        clip_buttons(say, JOB),
        page_buttons(say, ClipList.MINE, 1, "x", False),
        *(variation_buttons(say, action, JOB) for action in (Action.WAV, Action.EXTEND)),
    ):
        check_rows(view.to_components())
    assert all(len(say(label)) <= PLACEHOLDER_CHARACTERS for label in LABELS.values())


def test_the_embeds_can_be_made(say: Language) -> None:
    shown = [
        embeds.working(say, JOB, Estimate(0, 5.0, Progress(1, 2)), 0.0),
        embeds.clip(say, JOB, "model", "licence", [2]),
        embeds.stopped(say, JOB, READS_ENGLISH),
        embeds.page(say, ClipList.SERVER, Page([], 0, True), "x"),
        settings_embed(say, GuildSettings(), GuildSettings(), HOST, []),
    ]
    for embed in shown:
        assert len(embed) <= 6000
        assert all(field.name and len(field.name) <= 256 for field in embed.fields)
