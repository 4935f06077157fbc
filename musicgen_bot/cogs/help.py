"""`/help`: what can be typed and pressed here."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from musicgen_bot.cogs.client import Client

PRESSED = (
    "🔁 **Again** makes another with a new seed · 🎛️ **Remix** opens the recipe to change it · "
    "➕ **Extend** goes on where the clip ends · 💾 **WAV** sends you the sound uncompressed · "
    "⭐ **Favourite** keeps it in `/favourites` · 🗑️ **Delete** is for the one who asked for it "
    "and for moderators."
)


class HelpCog(commands.Cog):
    """The command that tells about all others."""

    @app_commands.command(description="What you can do here.")
    async def help(self, interaction: discord.Interaction[Client]) -> None:
        """Tell the caller what they may type and press."""
        lines = [
            f"`/{command.qualified_name}` {command.description}"
            for command in interaction.client.tree.walk_commands()
            if isinstance(command, app_commands.Command) and _is_for(command, interaction)
        ]
        embed = discord.Embed(title="What you can do here", description="\n".join(sorted(lines)))
        embed.add_field(name="Below each clip", value=PRESSED)
        await interaction.response.send_message(embed=embed, ephemeral=True)


def _is_for(
    command: app_commands.Command[commands.Cog, ..., object],
    interaction: discord.Interaction[Client],
) -> bool:
    needed = (command.root_parent or command).default_permissions
    if needed is None:
        return True
    # No permissions at all: for nobody whom Discord could tell from others, but for the host.
    return bool(needed) and interaction.permissions.is_superset(needed)
