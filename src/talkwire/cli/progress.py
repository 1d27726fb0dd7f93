"""Shows the progress of a long command on stderr: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from talkwire.cli.output import print_note

LINE_EVERY_S = 5.0
"""Seconds between two lines about the same part."""


class Bar:
    """Shows the progress of a long command as a bar on a terminal. Implements `storage.transfer.copying.Progress`."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def begin(self, subject: str, total: int, unit: str = "rows") -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(subject, total=total, unit=unit)

    def advance(self, count: int) -> None:
        assert self._task is not None, "a part has begun"
        self._bar.advance(self._task, count)

    def note(self, sentence: str) -> None:
        self._bar.console.print(sentence, markup=False, highlight=False)


class Lines:
    """Prints the progress of a long command as lines, where there is no terminal.

    It prints a line for each part that is not empty, and further lines for a part that takes long. Implements
    `storage.transfer.copying.Progress`.
    """

    def __init__(self) -> None:
        self._subject, self._unit, self._total, self._done = "", "", 0, 0
        self._printed_s = 0.0

    def begin(self, subject: str, total: int, unit: str = "rows") -> None:
        self._subject, self._unit, self._total, self._done = subject, unit, total, 0
        self._printed_s = time.monotonic()
        if total:
            print_note(f"{subject}: {total} {unit}")

    def advance(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._printed_s >= LINE_EVERY_S:
            self._printed_s = time.monotonic()
            print_note(f"{self._subject}: {self._done} of {self._total} {self._unit}")

    def note(self, sentence: str) -> None:
        print_note(sentence)


@contextmanager
def progress_display() -> Iterator[Bar | Lines]:
    """Yields the object that shows a command's progress: a bar if stderr is a terminal, else printed lines.

    A bar disappears at the end of the `with` block.
    """
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}")
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar)
