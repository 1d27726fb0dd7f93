"""Logging belongs to the process, so a test that sets it up has to leave it as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logging_kept() -> Iterator[None]:
    """Puts handlers, levels and structlog's configuration back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logger.level for name, logger in _loggers().items()}
    yield
    root.handlers = handlers
    _set_level(root, level)
    for name, logger in _loggers().items():
        _set_level(logger, levels.get(name, logging.NOTSET))
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def _set_level(logger: logging.Logger, level: int) -> None:
    """Sets a level that has changed: setting one empties the caches of all loggers, which takes longer than most tests
    do."""
    if logger.level != level:
        logger.setLevel(level)


def _loggers() -> dict[str, logging.Logger]:
    known = logging.getLogger().manager.loggerDict
    return {name: logger for name, logger in known.items() if isinstance(logger, logging.Logger)}
