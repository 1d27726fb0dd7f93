"""Logging: readable lines on a terminal, JSON elsewhere, for this project's modules and for libraries.

Never logs a token, a password, an Authorization header or the text of a message: values are removed by the name of
their key, and whatever looks like a credential by its form, in exceptions too.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"

_SECRET_KEYS = re.compile(
    r"(?:.*[_-])?(?:token|tokens|password|passwd|secret|authorization|cookie|jwt|api[_-]?key|content|text|body|"
    r"message|metadata|password[_-]hash|token[_-]hash)",
    re.IGNORECASE,
)

TEXT_MAX = 20_000
"""Characters of a logged text: longer ones lose their middle, so that both ends of a traceback stay."""

_WORDS = re.compile("(?<=[a-z])(?=[A-Z])")

_SECRET_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Query parameters, up to their end: `?token=…&`
    (re.compile(r"(?i)\b((?:[a-z]+[_-]?)?(?:token|password|secret|authorization)=)[^&\s\"'<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(Bearer|Basic)\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    # A JWT anywhere: two JSON objects in base64url begin with `eyJ`.
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    # A secret that signs webhooks or callbacks.
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]+"), HIDDEN),
    # The password in a database URL.
    (re.compile(r"(://[^\s/:@\"']*:)[^\s/@\"']+@"), rf"\1{HIDDEN}@"),
    # SQLAlchemy's description of a failed statement, which contains message texts.
    (re.compile(r"\[parameters: .*?(?:\](?=\n\(Background)|\Z)", re.DOTALL), f"[parameters: {HIDDEN}]"),
)

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
    """Returns whether `configure_logs` writes JSON to this stream."""
    return log_format == "json" or (log_format == "auto" and not (stream or sys.stderr).isatty())


def configure_logs(level: str, log_format: str, stream: TextIO | None = None, *, worker: int | None = None) -> None:
    """Configures structlog and the standard library's logging for this process, once.

    Logs go to `stream`, by default stderr; `log_format` is `auto`, `console` or `json`. `worker` is the number of this
    worker process, which is added to each line.
    """
    stream = stream or sys.stderr
    on_terminal = stream.isatty()
    readable = not are_json(log_format, stream)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        partial(_of_worker, worker),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Structured tracebacks would show local variables.
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                *_renderers(readable=readable, colors=on_terminal),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, least in _LEAST_LEVELS.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(capture=True)


def hand_over_logs() -> None:
    """Sends this project's logs to the standard library's loggers `talkwire.…`, which the embedding program configures.

    Does nothing if that program has configured structlog itself.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            redact,
            _one_text,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _one_text(_logger: WrappedLogger | None, _method: str, event_dict: EventDict) -> str:
    """Returns the event, then `key=value`, then the traceback."""
    exception = event_dict.pop("exception", None)
    event = event_dict.pop("event", "")
    line = " ".join([str(event), *(f"{key}={value!r}" for key, value in event_dict.items())])
    return line if exception is None else f"{line}\n{exception}"


def redact(_logger: WrappedLogger | None, _method: str, event_dict: EventDict) -> EventDict:
    """A structlog processor that removes secrets and message texts, at any depth."""
    return {key: _redacted(key, value) for key, value in event_dict.items()}


def _of_worker(worker: int | None, _logger: WrappedLogger | None, _method: str, event_dict: EventDict) -> EventDict:
    if worker is not None:
        event_dict["worker"] = worker
    return event_dict


def _renderers(*, readable: bool, colors: bool) -> list[Processor]:
    if not readable:
        return [structlog.processors.JSONRenderer(default=str)]
    return [
        structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0, sort_keys=False
        )
    ]


def _redacted(key: str, value: Any) -> Any:  # noqa: ANN401 (whatever is logged)
    if value is not None and not isinstance(value, bool | int | float) and _SECRET_KEYS.fullmatch(_WORDS.sub("_", key)):
        return HIDDEN
    return _without_secrets(value)


def _shortened(text: str) -> str:
    left_out = len(text) - TEXT_MAX
    if left_out <= 0:
        return text
    # Each half is cut at a space: half a secret would not be recognised.
    start = text[: TEXT_MAX // 2].rpartition(" ")[0]
    end = text[-(TEXT_MAX // 2) :].partition(" ")[2]
    return f"{start} … {left_out} characters … {end}"


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 (whatever is logged)
    match value:
        case str():
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
