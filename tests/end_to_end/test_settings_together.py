"""Two admins who set something at the same time keep what both of them have set."""

from pathlib import Path
from typing import Any

from tests.discord_server.interactions import Interaction
from tests.discord_server.server import DiscordServer
from tests.end_to_end.room import Room
from tests.end_to_end.running import running_bot, text_of
from tests.end_to_end.test_settings import chosen_in


async def test_a_form_changes_only_what_was_changed_in_it(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room, server = Room(discord_server), discord_server
    async with running_bot(server, tmp_path):
        await room.settings("limits", longest_clip_seconds=20, most_variations=3)
        await room.settings("words", add="kazoo, yodel")
        await room.settings("timezone", zone="Europe/Berlin")
        panel = await room.settings("show")
        forms = {
            button: await server.click(room.grace, panel, button)
            for button in ("settings:clips", "settings:words", "settings:region")
        }
        for form in forms.values():
            await form.modal()
        await room.settings("limits", longest_clip_seconds=10, waiting_per_user=2)
        await room.settings("words", add="polka", remove="yodel")
        await room.settings("timezone", zone="Asia/Tokyo")
        await room.settings("language", locale="de")

        async def send(button: str, **fields: Any) -> str:
            await room.fill_in(panel, forms[button], **fields)
            return text_of(panel)

        text = await send("settings:clips", most_variations="", default_clip_seconds="5")
        for shown in (
            *("Longest clip: **10 s**", "Most variations: **not set**"),
            *("Default length: **5 s**", "Waiting clips per member: **2**"),
        ):
            assert shown in text
        assert "Unwanted words: `polka`, `tuba`\n" in await send(
            "settings:words", words="yodel\ntuba"
        )
        text = await send("settings:region")
        assert "Time zone: Asia/Tokyo" in text
        assert "Language: Deutsch" in text
        forms["settings:region"] = await server.click(room.grace, panel, "settings:region")
        text = await send("settings:region", time_zone="utc", language=[])
        assert "Time zone: UTC" in text
        assert "Language: the server's language" in text


async def test_a_list_gains_and_loses_only_what_was_chosen(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    room, server = Room(discord_server), discord_server
    more = room.guild.add_channel("stage")
    djs, vips = (room.guild.add_role(name, mentionable=True) for name in ("djs", "vips"))
    async with running_bot(server, tmp_path):
        await room.settings("channels", add=room.channel)

        panel = await room.settings("show")

        async def opened() -> Interaction:
            form = await server.click(room.grace, panel, "settings:places")
            await form.modal()
            return form

        mine, others = await opened(), await opened()
        await room.fill_in(
            panel, others, channels=[room.channel, room.other], roles=[djs], unlimited_roles=[djs]
        )
        await room.fill_in(panel, mine, channels=[more], roles=[vips], unlimited_roles=[vips])
        after = await opened()
        assert await chosen_in(after, "channels") == [room.other.id, more.id]
        assert await chosen_in(after, "roles") == [djs.id, vips.id]
        assert await chosen_in(after, "unlimited_roles") == [djs.id, vips.id]
