"""The log: one line an event on standard error, with secrets taken out of every line.

What a record carries as `fields` (a mapping) is written behind its text as `name=value`, or in JSON
as members of their own.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
TAKEN_OUT = "[secret]"
SHORTEST_KNOWN = 8
"""Of those that are known by themselves; a shorter one would be found in ordinary words."""
_SECRETS = re.compile(
    r"(?<=/webhooks/)\d+/[\w-]+"  # interaction tokens, in the addresses Discord's library logs
    r"|(?<=/interactions/)\d+/[\w-]+"
    r"|aW50ZXJhY3Rpb2[\w+=-]+"  # and by themselves: in base64, they begin with "interaction"
    r"|[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"  # bot tokens
    r"|\bhf_\w{8,}"  # tokens of the Hugging Face hub
    r"|(?<=://)[^\s/?#]{1,256}(?=@)"  # who logs in to an address, and the password
    r"|[^\s/?#@:'\"(]{1,64}:[^\s/?#]{1,128}(?=@[\w.-]+:\d)"  # the same of a proxy without a scheme
)
_AUTHORIZATION = re.compile(
    r"(authorization\W{1,6}(?:(?:basic|bearer|bot)\s+)?)[^\s'\",)}]+", re.IGNORECASE
)


class Redactor:
    """Takes secrets out of a text: those that look like one, and those that are `known`."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = [secret for secret in known if len(secret) >= SHORTEST_KNOWN]

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self._known:
            text = text.replace(secret, TAKEN_OUT)
        return _AUTHORIZATION.sub(rf"\1{TAKEN_OUT}", _SECRETS.sub(TAKEN_OUT, text))

    def inside(self, value: object) -> object:
        """Return a value as JSON has it, without the secrets in its texts."""
        if isinstance(value, Mapping):
            return {self(str(name)): self.inside(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.inside(each) for each in value]
        plain = value is None or isinstance(value, int | float)
        return value if plain else self(str(value))


class RedactingFormatter(logging.Formatter):
    """Writes a line, its traceback included, without the secrets in it."""

    def __init__(self, form: str, redact: Redactor) -> None:
        super().__init__(form)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return self._redact(super().format(record))

    # N802: the name is logging's.
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line without a traceback."""
        fields = (
            f" {name}={json.dumps(self._redact.inside(value), ensure_ascii=False)}"
            for name, value in _fields(record).items()
        )
        return super().formatMessage(record) + "".join(fields)


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, its traceback included, without the secrets in it."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

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
        # Before it is JSON, which writes some characters of a secret in another way.
        return json.dumps(self._redact.inside(line), ensure_ascii=False)


def set_up_logging(level: str, form: str, redact: Redactor) -> None:
    """Send the log to standard error, as `text` or `json`.

    `level` is the bot's own; the libraries below it speak from WARNING on, since their finer
    levels write down whole requests.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonFormatter(redact) if form == "json" else RedactingFormatter(FORMAT, redact)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("musicgen_bot").setLevel(level)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return fields
