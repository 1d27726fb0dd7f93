"""Work for the writer's thread that is no command: it waits its turn between two batches."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Connection, Engine


class WriterClosedError(Exception):
    """The writer takes nothing any more."""


class WriterTask:
    """A function for a transaction of its own, which does not lock the log's head. `answer` is what becomes of it."""

    __slots__ = ("_function", "answer")

    def __init__(self, function: Callable[[Connection], Any]) -> None:
        self._function = function
        self.answer: Future[Any] = Future()

    def carry_out(self, engine: Engine) -> None:
        """Runs the function, unless whoever asked has cancelled `answer` in the meantime. Never raises."""
        if not self.answer.set_running_or_notify_cancel():
            return
        try:
            with engine.begin() as connection:
                result = self._function(connection)
        except Exception as error:  # noqa: BLE001 (handed on to whoever waits)
            self.answer.set_exception(error)
        else:
            self.answer.set_result(result)
