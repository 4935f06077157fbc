"""From samples to a file people hear."""
