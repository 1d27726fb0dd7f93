"""What the tests of copies and of backups share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from talkwire.storage.engine import writing_engine
from tests.databases import may_pause
from tests.storage.full_chat import everything

Tables = dict[str, list[tuple[object, ...]]]


class RecordedProgress:
    """Records the progress reports of a copy or restore."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, int]] = []
        self.notes: list[str] = []
        self.advanced = 0

    def begin(self, subject: str, total: int, unit: str = "rows") -> None:
        self.parts.append((subject, total))

    def advance(self, count: int) -> None:
        self.advanced += count

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


@contextmanager
def opened(url: URL) -> Iterator[Engine]:
    engine = may_pause(writing_engine(url))
    try:
        yield engine
    finally:
        engine.dispose()


def contents(url: URL) -> Tables:
    """The rows of every table."""
    with opened(url) as engine:
        return everything(engine)
