"""What a broken connection looks like from here."""

from __future__ import annotations

import aiohttp

UNREACHABLE = (OSError, aiohttp.ClientError)
"""Raised where a request did not get through, or its answer did not come back."""
