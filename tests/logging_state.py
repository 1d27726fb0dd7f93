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
    root.setLevel(level)
    for name, logger in _loggers().items():
        logger.setLevel(levels.get(name, logging.NOTSET))
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def _loggers() -> dict[str, logging.Logger]:
    known = logging.getLogger().manager.loggerDict
    return {name: logger for name, logger in known.items() if isinstance(logger, logging.Logger)}
