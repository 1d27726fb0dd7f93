"""Tasks for the writer's thread other than commands. They run between two batches of commands."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Connection, Engine


class WriterClosedError(Exception):
    """The writer (the thread that changes the chat) was closed and accepts no more work."""


class MaintenanceTask:
    """A function to run on the writer's thread, with the writer's engine as its argument. The future `answer` gets its
    result or error."""

    __slots__ = ("_function", "answer")

    def __init__(self, function: Callable[[Engine], Any]) -> None:
        self._function = function
        self.answer: Future[Any] = Future()

    def carry_out(self, engine: Engine) -> None:
        """Calls the function with the engine and sets `answer`, unless `answer` was cancelled before. Never raises."""
        if not self.answer.set_running_or_notify_cancel():
            return
        try:
            result = self._function(engine)
        except Exception as error:  # noqa: BLE001 (the caller gets it)
            self.answer.set_exception(error)
        else:
            self.answer.set_result(result)


class WriterTask(MaintenanceTask):
    """A function to run on the writer's thread in a transaction of its own, which does not lock the log's head. Its
    argument is the connection."""

    __slots__ = ()

    def __init__(self, function: Callable[[Connection], Any]) -> None:
        def in_transaction(engine: Engine) -> Any:  # noqa: ANN401 (the function's result)
            with engine.begin() as connection:
                return function(connection)

        super().__init__(in_transaction)
