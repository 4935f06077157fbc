"""The log: one line an event on standard error, with secrets taken out of every line."""

from __future__ import annotations

import logging
import re

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
SECRETS = re.compile(
    r"(?<=/webhooks/)(\d+)/[\w-]+"  # interaction tokens, in the addresses Discord's library logs
    r"|(?<=/interactions/)(\d+)/[\w-]+"
    r"|[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"  # bot tokens
)


class RedactingFormatter(logging.Formatter):
    """Writes a line, its traceback included, without the secrets in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return SECRETS.sub("[secret]", super().format(record))


def set_up_logging(level: str) -> None:
    """Send the log to standard error.

    `level` is the bot's own; the libraries below it speak from WARNING on, since their finer
    levels write down whole requests.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("musicgen_bot").setLevel(level)
