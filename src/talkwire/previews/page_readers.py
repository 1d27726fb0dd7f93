"""Reads HTML pages by running the program `page_worker.py`: at most two at a time, each in a process of its own."""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

from talkwire.files.worker_processes import ProgramFailed, WorkerProcesses
from talkwire.previews.page import PageReading

PAGES_AT_ONCE = 2
"""Most pages that are read at once."""

PAGE_DEADLINE_S = 10.0
"""Longest time for one page, in seconds. It is longer than the limit of processor time, because the machine may be
busy."""

_PROGRAM = Path(__file__).with_name("page_worker.py")

_logger = structlog.get_logger(__name__)


class UnreadablePage(Exception):
    """Raised for a page that takes too much time or memory to read."""


class PageReaders:
    """Reads pages without blocking the event loop, at most PAGES_AT_ONCE at a time. Call `close` when done.

    `deadline_s` is the longest time for one page in seconds, `program` the path of the program.
    """

    def __init__(self, *, deadline_s: float = PAGE_DEADLINE_S, program: Path = _PROGRAM) -> None:
        self._processes = WorkerProcesses(str(program), at_once=PAGES_AT_ONCE, deadline_s=deadline_s)

    async def read(self, body: bytes, content_type: str, url: str) -> PageReading:
        """Returns what the page at `url` declares; `body` is its beginning, `content_type` the response's header.
        Raises UnreadablePage.
        """
        about = msgspec.json.encode([content_type.encode(errors="replace").decode(), url])
        try:
            output = await self._processes.run((), about + b"\n" + body)
        except ProgramFailed as failure:
            _logger.warning("page_failed", status=failure.status, reason=failure.reason)
            raise UnreadablePage(failure.reason) from None
        return msgspec.json.decode(output, type=PageReading)

    def close(self) -> None:
        self._processes.close()
