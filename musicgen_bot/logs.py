"""The log: one line an event on standard error, with secrets taken out of every line.

What a record carries as `fields` (a mapping) is written behind its text as `name=value`, or in JSON
as members of their own.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime

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

    # N802: the name is logging's.
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line without a traceback."""
        fields = (f" {name}={_written(value)}" for name, value in _fields(record).items())
        return super().formatMessage(record) + "".join(fields)


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, its traceback included, without the secrets in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return SECRETS.sub("[secret]", json.dumps(line, ensure_ascii=False, default=str))


def set_up_logging(level: str, form: str = "text") -> None:
    """Send the log to standard error, as `text` or `json`.

    `level` is the bot's own; the libraries below it speak from WARNING on, since their finer
    levels write down whole requests.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else RedactingFormatter(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("musicgen_bot").setLevel(level)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return fields


def _written(value: object) -> str:
    """Return a value on one line; what people typed stands in quotes."""
    return json.dumps(value, ensure_ascii=False, default=str)
