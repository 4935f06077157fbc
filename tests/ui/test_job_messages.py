"""A job's message, as long as it can be reached."""

import asyncio
import gc
import weakref
from dataclasses import replace

import discord
import numpy as np

from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.cogs.client import Client
from musicgen_bot.generation import Clip, Codes, GenerationRequest
from musicgen_bot.job import Order
from musicgen_bot.translations import Translations
from musicgen_bot.ui.job_message.files import Renderer
from musicgen_bot.ui.job_message.messages import JobMessages
from tests.discord_server.server import DiscordServer
from tests.jobs.hand_driven import HandBackend, waiting


async def test_a_message_out_of_reach_is_not_brought_up_to_date_any_more(
    discord_server: DiscordServer,
) -> None:
    active = waiting("house", 1, 1)
    active.job = replace(active.job, address=replace(active.job.address, message_id=5))
    translations = Translations()
    renderer = Renderer(SoundPool(), find_ffmpeg(), "tiny", "", "")
    async with Client(translations) as client:
        await client.login(discord_server.token)
        messages = JobMessages(client, renderer, translations, HandBackend().decode)
        before = asyncio.all_tasks()
        messages.show(active, discord.Embed(description="half of it"))
        await asyncio.gather(*(asyncio.all_tasks() - before))
        assert not active.takes_updates
        asked = len(discord_server.requests)
        assert discord_server.requests[-1].status == 404
        messages.show(active, discord.Embed(description="most of it"))
        await asyncio.gather(*(asyncio.all_tasks() - before))
    assert len(discord_server.requests) == asked


async def test_no_sound_is_held_while_discord_is_waited_for(discord_server: DiscordServer) -> None:
    guild = discord_server.add_guild()
    channel = guild.add_channel("music")
    job = waiting("house", 1, None).job
    address = replace(job.address, channel_id=channel.id)
    job = replace(job, address=address, order=Order(seeds=(1,)))
    translations, backend = Translations(), HandBackend()
    renderer = Renderer(SoundPool(), find_ffmpeg(), "tiny", "", "")
    clips = [await backend.decode(np.ones((4, 5), np.int16), job.request)]
    sounds = [weakref.ref(clips[0].samples)]

    async def decode(codes: Codes, request: GenerationRequest) -> Clip:
        clip = await backend.decode(codes, request)
        sounds.append(weakref.ref(clip.samples))
        return clip

    path = f"*/channels/{channel.id}/messages"
    discord_server.faults.fail("POST", path, status=413)
    hold = discord_server.faults.hold("POST", path)
    async with Client(translations) as client:
        await client.login(discord_server.token)
        messages = JobMessages(client, renderer, translations, decode)
        delivery = asyncio.create_task(messages.deliver(job, clips))
        await hold.reached()
        gc.collect()
        assert [sound() for sound in sounds] == [None, None]
        hold.release()
        message_id = await delivery
    (message,) = discord_server.messages(channel)
    assert message.id == message_id
    assert [each.filename for each in message.attachments] == ["house.mp3", "waveform.png"]
