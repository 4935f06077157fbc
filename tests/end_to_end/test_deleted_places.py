"""What is deleted in a server is shown in its settings, still counts, and can be taken off."""

from pathlib import Path

import pytest

from tests.discord_server.commands import NotTypeable
from tests.discord_server.messages import Message
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import running_bot, text_of
from tests.end_to_end.test_settings import chosen_in

TAKE_OFF = "Remove what was deleted"


async def press(room: Room, panel: Message) -> None:
    edits = len(panel.history)
    await room.server.press(room.grace, panel, TAKE_OFF)
    await panel.until(lambda m: len(m.history) > edits)


async def test_deleted_places_lock_nobody_in_or_out_for_good(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room, server = Room(discord_server), discord_server
    djs, vips = room.guild.add_role("djs"), room.guild.add_role("vips")
    async with running_bot(server, tmp_path):
        await room.settings("channels", add=room.other)
        await room.settings("roles", role=djs, grant="roles")
        await room.settings("roles", role=djs, grant="unlimited_roles")
        await room.settings("roles", role=djs, grant="role_seconds_a_day", seconds=60)
        await room.settings("roles", role=vips, grant="role_seconds_a_day", seconds=90)
        panel = await room.settings("show")
        with pytest.raises(NotTypeable, match="no button"):
            await press(room, panel)

        room.other.delete()
        room.guild.remove_role(djs)
        panel = await room.settings("show")
        text = text_of(panel)
        assert f"Channels: deleted channel `{room.other.id}`" in text
        assert f"Roles that can use the bot: deleted role `{djs.id}`" in text
        assert f"Roles without limits: deleted role `{djs.id}`" in text
        assert f"deleted role `{djs.id}` 60 s, <@&{vips.id}> 90 s" in text
        opened = await server.click(room.grace, panel, "settings:places")
        assert not await chosen_in(opened, "channels")
        assert "other channels" in await room.generate()
        button = next(
            c for row in panel.components for c in row["components"] if c.get("label") == TAKE_OFF
        )["custom_id"]
        refused = await server.click(room.ada, panel, button)
        assert "Manage Server" in (await refused.message()).content

        await press(room, panel)
        text = text_of(panel)
        for shown in ("Channels: everywhere", "can use the bot: everybody", "without limits: none"):
            assert shown in text
        assert f"daily limit: <@&{vips.id}> 90 s" in text
        with pytest.raises(NotTypeable, match="no button"):
            await press(room, panel)
        assert "clip 1" in await room.generate()


async def test_who_chooses_others_leaves_a_deleted_one_where_it_is(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    djs, vips = room.guild.add_role("djs"), room.guild.add_role("vips")
    async with running_bot(discord_server, tmp_path):
        await room.settings("roles", role=djs, grant="roles")
        room.guild.remove_role(djs)
        panel = await room.settings("show")
        gone = f"can use the bot: deleted role `{djs.id}`"
        for chosen, shown in (([vips], f"{gone}, <@&{vips.id}>\n"), ([], f"{gone}\n")):
            opened = await discord_server.click(room.grace, panel, "settings:places")
            await room.fill_in(panel, opened, roles=chosen)
            assert shown in text_of(panel)
        assert "you need a role" in await room.generate()


async def test_a_file_comes_back_without_what_was_deleted_since(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room = Room(discord_server)
    djs, vips = room.guild.add_role("djs"), room.guild.add_role("vips")
    async with running_bot(discord_server, tmp_path):
        await room.settings("limits", longest_clip_seconds=5)
        await room.settings("channels", add=room.other)
        await room.settings("roles", role=djs, grant="roles")
        await room.settings("roles", role=vips, grant="roles")
        await room.settings("roles", role=djs, grant="role_seconds_a_day", seconds=60)
        file = (await room.settings("reset")).attachments[0].data
        room.other.delete()
        room.guild.remove_role(djs)

        assert "Not imported" not in await room.bring({"longest_clip_seconds": 4})
        wrong = file.replace(b'"longest_clip_seconds": 5', b'"longest_clip_seconds": 31')
        assert "allows at most 30" in await room.bring(wrong)
        told = await room.bring(file)
        assert "Longest clip: 4 s → 5 s" in told
        _, left_out = told.split("Not imported, because this server does not have it: ")
        assert left_out == (
            f"Channels: deleted channel `{room.other.id}` → everywhere; "
            f"Roles that can use the bot: deleted role `{djs.id}`, <@&{vips.id}> → <@&{vips.id}>; "
            f"Roles with their own daily limit: deleted role `{djs.id}` 60 s → none"
        )
        assert "you need a role" in await room.generate()
        again = await room.bring(file)
        assert again.startswith("That changes nothing")
        assert left_out in again
        panel = await room.settings("show")
        assert f"can use the bot: <@&{vips.id}>\n" in text_of(panel)
        assert "deleted" not in text_of(panel)
