"""A Discord on loopback, which the real discord.py connects to over real sockets.

    async with DiscordServer() as discord:
        guild = discord.add_guild()
        channel = guild.add_channel("music")
        ada = guild.add_member("ada")
        ... start a bot with `discord.environment` ...
        interaction = await discord.command(ada, channel, "generate", prompt="lofi")
        message = await interaction.message()
        await message.until(lambda message: message.attachments)

It grows by routes (`routes.py`, `message_routes.py`), by ways to act (`server.py`) and by faults
(`faults.py`); what is kept stands in `world.py`, `messages.py`, `commands.py`, `interactions.py`.
"""

from tests.discord_server.server import DiscordServer

__all__ = ["DiscordServer"]
