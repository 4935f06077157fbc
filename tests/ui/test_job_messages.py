"""A job's message, as long as it can be reached."""

import asyncio
from dataclasses import replace

import discord

from musicgen_bot.cogs.client import Client
from musicgen_bot.translations import Translations
from musicgen_bot.ui.job_message.files import Renderer
from musicgen_bot.ui.job_message.messages import JobMessages
from tests.discord_server.server import DiscordServer
from tests.jobs.hand_driven import waiting


async def test_a_message_out_of_reach_is_not_brought_up_to_date_any_more(
    discord_server: DiscordServer,
) -> None:
    active = waiting("house", 1, 1)
    active.job = replace(active.job, address=replace(active.job.address, message_id=5))
    translations = Translations()
    renderer = Renderer(model="tiny", licence="", software="")
    async with Client(translations) as client:
        await client.login(discord_server.token)
        messages = JobMessages(client, renderer, translations)
        before = asyncio.all_tasks()
        messages.show(active, discord.Embed(description="half of it"))
        await asyncio.gather(*(asyncio.all_tasks() - before))
        assert active.out_of_reach
        asked = len(discord_server.requests)
        assert discord_server.requests[-1].status == 404
        messages.show(active, discord.Embed(description="most of it"))
        await asyncio.gather(*(asyncio.all_tasks() - before))
    assert len(discord_server.requests) == asked
