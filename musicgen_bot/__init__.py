"""A Discord bot that makes music from a prompt with MusicGen, on the host's own hardware."""
