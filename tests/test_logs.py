"""No secret reaches the log."""

import json
import logging

import pytest

from musicgen_bot.logs import FORMAT, JsonFormatter, RedactingFormatter

BOT_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE." + "x" * 38
INTERACTION_TOKEN = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OmFiYw"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (
            f"PATCH https://discord.com/api/v10/webhooks/12/{INTERACTION_TOKEN}/messages/1",
            INTERACTION_TOKEN,
        ),
        (
            f"POST https://discord.com/api/v10/interactions/34/{INTERACTION_TOKEN}/callback",
            INTERACTION_TOKEN,
        ),
        (f"Authorization: Bot {BOT_TOKEN}", BOT_TOKEN),
    ],
)
def test_a_secret_is_taken_out_of_message_and_traceback(text: str, secret: str) -> None:
    try:
        raise ValueError(text)
    except ValueError as error:
        record = logging.LogRecord(
            "x",
            logging.ERROR,
            __file__,
            1,
            "failed: %s",
            (text,),
            (ValueError, error, error.__traceback__),
        )
    record.fields = {"reason": text}
    for formatter in (RedactingFormatter(FORMAT), JsonFormatter()):
        line = formatter.format(record)
        assert secret not in line
        assert "[secret]" in line
        assert "Traceback" in line


def test_ordinary_lines_are_left_alone() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "job %d delivered", (7,), None)
    assert RedactingFormatter("%(message)s").format(record) == "job 7 delivered"


def test_fields_stand_behind_the_text_or_in_json_on_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "job %s", ("failed",), None)
    record.fields = {"job": 7, "guild": None, "prompt": 'a\nb = "c"'}
    line = RedactingFormatter("%(levelname)s %(message)s").format(record)
    assert line == 'INFO job failed job=7 guild=null prompt="a\\nb = \\"c\\""'
    text = JsonFormatter().format(record)
    assert "\n" not in text
    told = json.loads(text)
    assert told["time"].endswith("+00:00")
    assert {name: told[name] for name in ("level", "logger", "message", "job", "guild")} == {
        "level": "INFO",
        "logger": "x",
        "message": "job failed",
        "job": 7,
        "guild": None,
    }
