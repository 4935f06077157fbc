"""Points discord.py at a server on loopback, in a process that is handed this folder to start with.

Python imports this module at its start if the folder is on PYTHONPATH. It does nothing until the
process imports discord, so a process which never does is neither slowed nor changed.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # type checkers know the name; typing itself takes milliseconds to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


class _Redirect:
    """Finds discord once, as everybody else would, and changes its addresses when it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "discord":
            return None
        import importlib.util

        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        loader: Any = spec and spec.loader
        if loader is not None:
            load = loader.exec_module

            def load_and_redirect(module: ModuleType) -> None:
                load(module)
                _redirect()

            loader.exec_module = load_and_redirect
        return spec


def _redirect() -> None:
    import yarl
    from discord.asset import Asset
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

    Route.BASE = os.environ["DISCORD_SERVER_API"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_SERVER_GATEWAY"])
    Asset.BASE = os.environ["DISCORD_SERVER_CDN"]


if "DISCORD_SERVER_API" in os.environ:
    sys.meta_path.insert(0, _Redirect())
