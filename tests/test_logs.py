from __future__ import annotations

import io
import json
import logging
import warnings

import pytest
import structlog

from talkwire.logs import HIDDEN, configure_logs, hand_over_logs, redact
from tests.processor_time import at_most

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_off_a_terminal_each_line_is_an_object() -> None:
    stream = io.StringIO()
    configure_logs("info", "auto", stream)
    structlog.get_logger("talkwire.storage").warning("batch_failed", commands=3)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["commands"], line["level"]) == ("batch_failed", 3, "warning")
    assert line["logger"] == "talkwire.storage"
    assert line["timestamp"].endswith("Z")


def test_on_a_terminal_lines_are_for_people() -> None:
    stream = Terminal()
    configure_logs("info", "auto", stream)
    structlog.get_logger("talkwire.storage").warning("batch_failed", commands=3)
    assert "batch_failed" in stream.getvalue()
    assert "\x1b[" in stream.getvalue()


def test_console_lines_off_a_terminal_have_no_colours() -> None:
    stream = io.StringIO()
    configure_logs("info", "console", stream)
    structlog.get_logger("talkwire").warning("batch_failed")
    assert "batch_failed" in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()


def test_libraries_log_the_same_way_and_warnings_too() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", stream)
    logging.getLogger("uvicorn.error").error("Exception in %s", "ASGI", extra={"token": "abc"})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old habits", UserWarning, stacklevel=1)
    error, warning = map(json.loads, stream.getvalue().splitlines())
    assert error["event"] == "Exception in ASGI"
    assert error["token"] == HIDDEN
    assert warning["logger"] == "py.warnings"


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_decides(level: str, shown: int) -> None:
    stream = io.StringIO()
    configure_logs(level, "json", stream)
    logger = structlog.get_logger("talkwire")
    logger.debug("a")
    logger.info("b")
    logger.warning("c")
    logger.error("d")
    assert len(stream.getvalue().splitlines()) == shown


def test_libraries_stay_quiet_about_what_they_are_given_even_at_debug() -> None:
    stream = io.StringIO()
    configure_logs("debug", "json", stream)
    for name in ("sqlalchemy.engine.Engine", "httpx", "websockets.server"):
        logging.getLogger(name).info("a message's text")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "key",
    [
        "token", "accessToken", "access_token", "refreshToken", "password", "password_hash", "Authorization",
        "authorization", "jwt_secret", "content", "message_content", "cookie", "set-cookie", "text", "body", "message",
    ],
)  # fmt: skip
def test_values_of_secret_keys_are_hidden_at_any_depth(key: str) -> None:
    assert redact(None, "info", {key: "s3cret"}) == {key: HIDDEN}
    nested = redact(None, "info", {"request": [{"headers": {key: ["s3cret"]}}]})
    assert "s3cret" not in str(nested)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /socket.io/?EIO=4&token=abc.def&x=1", "GET /socket.io/?EIO=4&token=***&x=1"),
        ("/?access_token=abc", "/?access_token=***"),
        ("Authorization: Bearer abc.def-g", "Authorization: Bearer ***"),
        ("signed with whsec_MDEy+zQ1/jc= now", "signed with *** now"),
        (f"cannot decode {JWT}!", "cannot decode ***!"),
        ("postgresql://talkwire:pass@host/db", "postgresql://talkwire:***@host/db"),
        ("at postgresql://talkwire:p@ss/w#r?d@host/db now", "at postgresql://talkwire:***@host/db now"),
        ("""('redis://:pa"ss'word@host:6379/0', 1)""", "('redis://:***@host:6379/0', 1)"),
        ("postgresql://a/b:pass@host/db", "postgresql://a/b:***@host/db"),
        ("https://example.com/@alice", "https://example.com/@alice"),
        (
            "(x) failed\n[SQL: INSERT]\n[parameters: ('Hello [you]',\n 'more')]\n(Background on this error at: u)",
            "(x) failed\n[SQL: INSERT]\n[parameters: ***]\n(Background on this error at: u)",
        ),
        ("listening on http://127.0.0.1:3000/ as a@b", "listening on http://127.0.0.1:3000/ as a@b"),
    ],
)
def test_credentials_are_hidden_in_every_text(text: str, expected: str) -> None:
    assert redact(None, "info", {"event": text, "path": [text]}) == {"event": expected, "path": [expected]}


def test_numbers_and_other_keys_stay() -> None:
    event = {"event": "x", "tokens": 3, "user_id": "alice", "ok": True, "nothing": None, "content": None}
    assert redact(None, "info", event) == event


def fail_over(content: str) -> None:
    raise ValueError(f"bad token={JWT} in {len(content)} characters")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_exceptions_show_neither_secrets_nor_local_variables(log_format: str) -> None:
    stream = Terminal() if log_format == "console" else io.StringIO()
    configure_logs("info", log_format, stream)
    written = "what alice wrote"
    try:
        fail_over(written)
    except ValueError:
        structlog.get_logger("talkwire").exception("read_failed")
        logging.getLogger("uvicorn.error").exception("another")
    output = stream.getvalue()
    assert output.count("ValueError: bad token=***") == 2
    assert output.count("Traceback") == 2
    assert JWT not in output
    assert written not in output


SECRETS = ("tOp secret@7", "tOp")


def fail_to_connect() -> None:
    raise ValueError(f"unexpected spaces in {SECRETS[0]}")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_of_the_settings_are_hidden_in_errors(log_format: str) -> None:
    stream = Terminal() if log_format == "console" else io.StringIO()
    configure_logs("info", log_format, stream, secrets=SECRETS)
    ours, theirs = structlog.get_logger("talkwire"), logging.getLogger("psycopg")
    try:
        fail_to_connect()
    except ValueError as error:
        ours.exception("read_failed")
        ours.warning("bus_disconnected", error="in tOp secret@7", reason=error, detail="tOp", user_id="tOp")
        theirs.exception("cannot read %s", "tOp")
    output = stream.getvalue()
    assert "secret@7" not in output
    assert output.count("unexpected spaces in ***") == 3
    assert output.count("tOp") == output.count("user_id") == 1


def test_secrets_of_the_settings_are_hidden_in_logs_of_an_embedding_program(caplog: pytest.LogCaptureFixture) -> None:
    hand_over_logs(SECRETS)
    structlog.get_logger("talkwire").warning("bus_disconnected", error="in tOp secret@7")
    assert caplog.messages == ["bus_disconnected error='in ***'"]


HOSTILE = [
    "eyJ-" * 16_000,
    "eyJ" * 20_000,
    "eyJ" + "a" * 60_000,
    "eyJaaaaa." * 7_000,
    "token_" * 10_000,
    "a-token" * 9_000,
    "Bearer" + " " * 60_000,
    "Bearer " * 9_000,
    "://a:" * 12_000,
    "://" * 20_000,
    "[parameters: " * 5_000,
    "a@" * 30_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_no_text_keeps_the_log_busy(text: str) -> None:
    with at_most(0.05):
        redacted = redact(None, "info", {"event": "x", "path": text, "exception": text})
    assert len(redacted["path"]) < 30_000


def test_both_ends_of_a_too_long_text_are_logged_and_no_part_of_a_secret() -> None:
    text = "begins " + "x " * 4_990 + JWT + " " + JWT + " x" * 5_000 + " ends"
    redacted = redact(None, "info", {"exception": text})["exception"]
    assert redacted.startswith("begins x")
    assert redacted.endswith("x ends")
    assert "characters" in redacted
    assert "eyJ" not in redacted
    assert "c2ln" not in redacted


@pytest.mark.parametrize("text", [JWT, f"/{JWT}/", f"token {JWT},", f'"{JWT}"', f"={JWT}"])
def test_a_token_is_taken_out_wherever_a_word_begins(text: str) -> None:
    assert redact(None, "info", {"event": text})["event"] == text.replace(JWT, HIDDEN)
