"""No secret reaches the log."""

import json
import logging

import pytest

from musicgen_bot.logs import FORMAT, JsonFormatter, RedactingFormatter, Redactor

BOT_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE." + "x" * 38
HUB_TOKEN = "hf_" + "aBcDeFgH" * 4
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
        (f"the token {INTERACTION_TOKEN} has run out", INTERACTION_TOKEN),
        (f"{{'token': '{INTERACTION_TOKEN}=='}}", INTERACTION_TOKEN),
        (f"401 for {HUB_TOKEN}", HUB_TOKEN),
        (f"'authorization': 'Bearer {'s' * 8}'", "s" * 8),
        (f"Authorization: Basic {'c2VjcmV0' * 2}==", "c2VjcmV0" * 2),
        ("cannot connect to http://ada:pass-word@proxy:3128", "pass-word"),
        ("cannot connect to http://ada:p@ss'word@proxy:3128/", "p@ss'word"),
        ('cannot connect to nats://ada:pass"word\\@127.0.0.1', 'pass"word\\'),
        ("redis://:pass-word@cache/0 is gone", "pass-word"),
        ("https://one-token@example.org/path", "one-token"),
        ("Unknown scheme for proxy ada:pass-word@proxy.example:3128", "pass-word"),
        ("the odd token very-secret-indeed is refused", "very-secret-indeed"),
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
    record.fields = {"reason": text, "more": [{"deep": text}]}
    redact = Redactor(["", "failed", "very-secret-indeed"])
    for formatter in (RedactingFormatter(FORMAT, redact), JsonFormatter(redact)):
        line = formatter.format(record)
        for written in (secret, json.dumps(secret)[1:-1]):
            assert written not in line
        assert line.count("[secret]") == 4  # in the text, in two fields, and in the traceback
        assert "Traceback" in line
        assert "failed" in line


@pytest.mark.parametrize(
    "text",
    [
        "job 7 delivered",
        "GET https://discord.com/api/v10/users/@me has returned 503",
        "GET http://127.0.0.1:3000/api/v10/users/@me has returned 503",
        "Discord cannot be reached (Cannot connect to host discord.com:443 ssl:default)",
        "prompt: half a beat, 120 bpm; to: <@1234>",
    ],
)
def test_ordinary_lines_are_left_alone(text: str) -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "%s", (text,), None)
    assert RedactingFormatter("%(message)s", Redactor()).format(record) == text


def test_fields_stand_behind_the_text_or_in_json_on_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "job %s", ("failed",), None)
    record.fields = {"job": 7, "guild": None, "prompt": 'a\nb = "c"'}
    line = RedactingFormatter("%(levelname)s %(message)s", Redactor()).format(record)
    assert line == 'INFO job failed job=7 guild=null prompt="a\\nb = \\"c\\""'
    text = JsonFormatter(Redactor()).format(record)
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
