"""The decoder's step as one compiled function, for CPUs."""
