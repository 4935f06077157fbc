"""No secret reaches the log."""

import logging

import pytest

from musicgen_bot.logs import FORMAT, RedactingFormatter

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
    line = RedactingFormatter(FORMAT).format(record)
    assert secret not in line
    assert "[secret]" in line
    assert "Traceback" in line


def test_ordinary_lines_are_left_alone() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "job %d delivered", (7,), None)
    assert RedactingFormatter("%(message)s").format(record) == "job 7 delivered"
