"""`/help`: what can be typed and pressed here."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.cogs.client import Client
from musicgen_bot.translations import Text
from musicgen_bot.ui.common.answers import say_to
from musicgen_bot.ui.common.caller import Caller
from musicgen_bot.ui.common.command_names import DESCRIPTION, full_name

BUTTONS = Text(
    "🔁 **Again** makes another clip with a new seed · 🎛️ **Remix** opens the recipe for you to "
    "change · ➕ **Extend** continues where the clip ends · 💾 **WAV** sends you the uncompressed "
    "audio · ⭐ **Favourite** keeps it in your `/favourites` · 🗑️ **Delete** is for the person "
    "who asked for it and for moderators."
)
MESSAGE_MENU = Text("**Continue this audio** continues the audio file in that message.")


class HelpCog(commands.Cog):
    """The command that tells about all others."""

    @app_commands.command(description="Show what you can do here.")
    async def help(self, interaction: discord.Interaction[Client]) -> None:
        """Tell the caller what they may type and press."""
        caller, say = Caller.of(interaction), say_to(interaction)
        lines = [
            f"`/{full_name(say, command)}` {say.name(DESCRIPTION, command.description)}"
            for command in interaction.client.tree.walk_commands()
            if isinstance(command, app_commands.Command) and _is_for(command, caller)
        ]
        embed = discord.Embed(
            title=say("What you can do here"), description="\n".join(sorted(lines))
        )
        embed.add_field(name=say("Below each clip"), value=say(BUTTONS))
        embed.add_field(name=say("In a message's menu, under Apps"), value=say(MESSAGE_MENU))
        await interaction.response.send_message(embed=embed, ephemeral=True)


def _is_for(command: app_commands.Command[commands.Cog, ..., object], caller: Caller) -> bool:
    needed = (command.root_parent or command).default_permissions
    if needed is None:
        return True
    if not caller.bot_is_member:  # whatever takes a permission is for servers that have the bot
        return False
    # No permissions at all: for nobody whom Discord could tell from others, but for the host.
    return bool(needed) and caller.permissions.is_superset(needed)
