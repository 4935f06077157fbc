"""A Discord bot that makes music from a prompt with MusicGen, on the host's own hardware."""

__version__ = "0.1.0"
