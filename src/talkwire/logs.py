"""Configures the process's log output: readable lines on a terminal, JSON elsewhere, for Talkwire's modules and
libraries.

Never logs a token, a password, an Authorization header or the text of a message: values are removed by the name of
their key, and texts that look like a credential by their form, in exceptions too.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"

_SECRET_KEYS = re.compile(
    r"(?:.*[_-])?(?:token|tokens|password|passwd|secret|authorization|cookie|jwt|api[_-]?key|content|text|body|"
    r"message|metadata|password[_-]hash|token[_-]hash)",
    re.IGNORECASE,
)

LOGGED_TEXT_MAX_LENGTH = 20_000
"""Most characters of a text that are logged. Longer texts lose their middle, so that both ends of a traceback stay."""

_WORDS = re.compile("(?<=[a-z])(?=[A-Z])")

_ERRORS = frozenset({"error", "exception", "reason", "detail"})
"""Keys of texts that libraries and other servers have written."""


def _without_password(url: re.Match[str]) -> str:
    """Replaces the password of a URL, which ends at the last `@`: unescaped, it may have any character."""
    credentials, at, place = url[0].rpartition("@")
    user, colon, _ = credentials.removeprefix("://").partition(":")
    return f"://{user}:{HIDDEN}{at}{place}" if colon else url[0]


_SECRET_TEXTS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # Query parameters, up to their end: `?token=…&`
    (re.compile(r"(?i)\b((?:[a-z]+[_-]?)?(?:token|password|secret|authorization)=)[^&\s\"'<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(Bearer|Basic)\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    # A JWT anywhere: two JSON objects in base64url begin with `eyJ`.
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    # A secret that signs webhooks or callbacks.
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]+"), HIDDEN),
    # The password in a database URL.
    (re.compile(r"://\S*"), _without_password),
    # SQLAlchemy's description of a failed statement, which contains message texts.
    (re.compile(r"\[parameters: .*?(?:\](?=\n\(Background)|\Z)", re.DOTALL), f"[parameters: {HIDDEN}]"),
)

_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})

# The lowest logged levels of libraries. Below them is noise, or data that must not be logged (SQL parameters, URLs,
# frames).
_LEAST_LEVELS: Mapping[str, int] = {
    "alembic": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "uvicorn": logging.WARNING,
    "websockets": logging.WARNING,
}


def are_json(log_format: str, stream: TextIO | None = None) -> bool:
    """Returns whether `configure_logs` with this format (`auto`, `console` or `json`) writes JSON to this stream, by
    default stderr. `auto` is JSON unless the stream is a terminal.
    """
    return log_format == "json" or (log_format == "auto" and not (stream or sys.stderr).isatty())


def configure_logs(  # noqa: PLR0913 (what operators and processes choose; all but two may be left out)
    level: str,
    log_format: str,
    stream: TextIO | None = None,
    *,
    worker: int | None = None,
    is_final: bool = False,
    secrets: Sequence[str] = (),
) -> None:
    """Configures structlog and the standard library's logging for this process, to write lines of at least `level`
    (such as `info`) to `stream`, by default stderr.

    `log_format` is `auto` (see `are_json`), `console` or `json`. `worker` is the number of this worker process, which
    is added to each line. Pass `is_final` if the configuration will not change again, which makes logging faster.
    `secrets` are replaced in texts of errors.
    """
    # Talkwire's own lines do not pass through the standard library: that takes nearly twice as long, and several lines
    # are written for each client. The lines of libraries pass through it, with the same processors.
    stream = stream or sys.stderr
    on_terminal = stream.isatty()
    readable = not are_json(log_format, stream)
    shared: list[Processor] = [
        partial(_with_origin, worker),
        _with_traceback,
        partial(_without_values_in_errors, secrets),
    ]
    output = _console_output(colors=on_terminal) if readable else [_json_line]
    structlog.configure(
        processors=[*shared, *output],
        logger_factory=partial(_StreamLogger, stream),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=is_final,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *output],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, least in _LEAST_LEVELS.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(capture=True)


def hand_over_logs(secrets: Sequence[str] = ()) -> None:
    """Sends this project's logs to the standard library's loggers `talkwire.…`, which the embedding program configures.
    `secrets` are replaced in texts of errors.

    Does nothing if that program has configured structlog itself.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            partial(_without_values_in_errors, secrets),
            redact,
            _one_text,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _one_text(_logger: WrappedLogger | None, _method: str, event_dict: EventDict) -> str:
    """A structlog processor that turns a log entry into one text: the event, then `key=value` pairs, then the
    traceback.
    """
    exception = event_dict.pop("exception", None)
    event = event_dict.pop("event", "")
    line = " ".join([str(event), *(f"{key}={value!r}" for key, value in event_dict.items())])
    return line if exception is None else f"{line}\n{exception}"


def redact(_logger: WrappedLogger | None, _method: str, event_dict: EventDict) -> EventDict:
    """A structlog processor that replaces secrets and message texts in a log entry by `***`, also in nested values."""
    return {key: _redacted(key, value) for key, value in event_dict.items()}


def without_values(text: str, secrets: Sequence[str]) -> str:
    """Returns a text in which each of these secrets is replaced by `***`; the caller has the longest ones first."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def _without_values_in_errors(
    secrets: Sequence[str], _logger: WrappedLogger, _method: str, event_dict: EventDict
) -> EventDict:
    """A structlog processor that replaces secrets in the texts of errors, and in all lines of libraries."""
    keys = _ERRORS.intersection(event_dict)
    if "_record" in event_dict:
        keys |= {"event"}
    for key in keys:
        value = event_dict[key]
        if isinstance(value, (str, Exception)):
            event_dict[key] = without_values(str(value), secrets)
    return event_dict


_with_stack = structlog.processors.StackInfoRenderer()


def _with_traceback(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    """A structlog processor that replaces an exception by its traceback as text, and adds the stack where it is wanted.
    Structured tracebacks would show local variables.
    """
    if "exc_info" in event_dict or "stack_info" in event_dict:
        return structlog.processors.format_exc_info(logger, method, _with_stack(logger, method, event_dict))
    return event_dict


def _with_origin(worker: int | None, logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    """A structlog processor that adds to a log entry when and where it was written: `timestamp`, `level`, `logger` and
    `worker`.

    The entry then begins with the time, the level and the event. structlog's own processors for this take twice as
    long, and two lines are written for each client that connects.
    """
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    entry: EventDict = {"timestamp": now, "level": method, "event": event_dict.pop("event", ""), **event_dict}
    if worker is not None:
        entry["worker"] = worker
    record: logging.LogRecord | None = event_dict.get("_record")
    entry["logger"] = logger.name if record is None else record.name
    return entry


class _StreamLogger:
    """The logger beneath structlog: writes finished lines to a stream. `name` is the module whose lines it writes."""

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self._stream = stream
        self.name = name

    def msg(self, line: str) -> None:
        # In one call: another thread's line must not come between a line and its end.
        self._stream.write(f"{line}\n")
        self._stream.flush()

    debug = info = warning = error = critical = exception = msg


def _console_output(*, colors: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0, sort_keys=False
    )
    return [redact, renderer]


def _json_line(logger: WrappedLogger | None, method: str, event_dict: EventDict) -> str:
    """A structlog processor that returns a log entry as one line of JSON, in which `***` replaces secrets.

    Most entries contain nothing like a secret. For these, searching the finished line once is faster than redacting
    each value.
    """
    if _is_plain(event_dict):
        line = _json(event_dict)
        if len(line) <= LOGGED_TEXT_MAX_LENGTH and not _may_contain_secret(line):
            return line
    return _json(redact(logger, method, event_dict))


def _json(event_dict: EventDict) -> str:
    try:
        return msgspec.json.encode(event_dict, enc_hook=str).decode()
    except (UnicodeEncodeError, ValueError):
        # A lone surrogate, or a number that JSON cannot hold.
        return json.dumps(event_dict, default=str)


def _is_plain(event_dict: EventDict) -> bool:
    """Returns whether no key names a secret and every value is a text, a number, a boolean or None."""
    return _PLAIN_TYPES.issuperset(map(type, event_dict.values())) and not _have_secrets(tuple(event_dict))


@lru_cache(maxsize=1024)
def _have_secrets(keys: tuple[str, ...]) -> bool:
    return any(map(_is_secret, keys))


def _may_contain_secret(text: str) -> bool:
    """Returns whether a text contains a sign of a secret, such as `=`, `://` or `bearer`. If False, it has no secret to
    redact.
    """
    # One by one: a loop over them takes four times as long.
    if "=" in text or "://" in text or "[parameters" in text or "eyJ" in text or "whsec_" in text:
        return True
    lower = text.lower()
    return "bearer" in lower or "basic" in lower


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return _SECRET_KEYS.fullmatch(_WORDS.sub("_", key)) is not None


def _redacted(key: str, value: Any) -> Any:  # noqa: ANN401 (whatever is logged)
    if value is not None and not isinstance(value, bool | int | float) and _is_secret(key):
        return HIDDEN
    return _without_secrets(value)


def _shortened(text: str) -> str:
    left_out = len(text) - LOGGED_TEXT_MAX_LENGTH
    if left_out <= 0:
        return text
    # Each half is cut at a space: half a secret would not be recognised.
    start = text[: LOGGED_TEXT_MAX_LENGTH // 2].rpartition(" ")[0]
    end = text[-(LOGGED_TEXT_MAX_LENGTH // 2) :].partition(" ")[2]
    return f"{start} … {left_out} characters … {end}"


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 (whatever is logged)
    match value:
        case str():
            if len(value) <= LOGGED_TEXT_MAX_LENGTH and not _may_contain_secret(value):
                return value
            value = _shortened(value)
            for pattern, replacement in _SECRET_TEXTS:
                value = pattern.sub(replacement, value)
            return value
        case Mapping():
            return {key: _redacted(str(key), item) for key, item in value.items()}
        case list() | tuple():
            return [_without_secrets(item) for item in value]
        case None | bool() | int() | float():
            return value
        case _:
            return _without_secrets(str(value))
