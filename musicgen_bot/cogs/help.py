"""`/help`: what can be typed and pressed here."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.cogs.client import Client
from musicgen_bot.translations import Text
from musicgen_bot.ui.common.caller import is_member
from musicgen_bot.ui.common.command_names import DESCRIPTION, full_name
from musicgen_bot.ui.common.speech import say_to

PRESSED = Text(
    "🔁 **Again** makes another clip with a new seed · 🎛️ **Remix** opens the recipe for you to "
    "change · ➕ **Extend** continues where the clip ends · 💾 **WAV** sends you the uncompressed "
    "audio · ⭐ **Favourite** keeps it in your `/favourites` · 🗑️ **Delete** is for the person "
    "who asked for it and for moderators."
)
CHOSEN = Text("**Continue this audio** continues the audio file in that message.")


class HelpCog(commands.Cog):
    """The command that tells about all others."""

    @app_commands.command(description="Show what you can do here.")
    async def help(self, interaction: discord.Interaction[Client]) -> None:
        """Tell the caller what they may type and press."""
        say = say_to(interaction)
        lines = [
            f"`/{full_name(say, command)}` {say.name(DESCRIPTION, command.description)}"
            for command in interaction.client.tree.walk_commands()
            if isinstance(command, app_commands.Command) and _is_for(command, interaction)
        ]
        embed = discord.Embed(
            title=say("What you can do here"), description="\n".join(sorted(lines))
        )
        embed.add_field(name=say("Below each clip"), value=say(PRESSED))
        embed.add_field(name=say("In a message's menu, under Apps"), value=say(CHOSEN))
        await interaction.response.send_message(embed=embed, ephemeral=True)


def _is_for(
    command: app_commands.Command[commands.Cog, ..., object],
    interaction: discord.Interaction[Client],
) -> bool:
    needed = (command.root_parent or command).default_permissions
    if needed is None:
        return True
    if not is_member(interaction):  # whatever takes a permission is for servers that have the bot
        return False
    # No permissions at all: for nobody whom Discord could tell from others, but for the host.
    return bool(needed) and interaction.permissions.is_superset(needed)
