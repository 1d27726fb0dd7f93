"""The zip file of an export, while it is made."""

from __future__ import annotations

import asyncio
import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from talkwire.api.export import ExportedZip
from talkwire.core.domain.model import File, Message
from talkwire.core.ports.transaction import Snapshot
from talkwire.files.byte_store import ByteStore, FileKey
from tests.waiting import DEADLINE_S

UPLOADED_MS = int(datetime(2026, 3, 4, 5, 6, 8, tzinfo=UTC).timestamp() * 1000)


class Subject:
    """Reads `pages` pages of messages, or endlessly many."""

    def __init__(self, pages: int | None, files: Sequence[File] = ()) -> None:
        self.began, self.ended = threading.Event(), threading.Event()
        self._pages = pages
        self._files = files

    def read(self, snapshot: Snapshot, parts: Any) -> None:  # noqa: ANN401 (the export's own)
        parts.add_messages(self._messages())
        parts.add_files(self._files)
        self.ended.set()

    def _messages(self) -> Iterator[Sequence[Message]]:
        number = 0
        while number != self._pages:
            number += 1
            self.began.set()
            yield [Message(number, "c", number, "alice", "Alice", f"text {number}", 0)]


async def read(function: Callable[[Any], None]) -> None:
    await asyncio.to_thread(function, None)


def export_of(subject: Subject, folder: Path) -> ExportedZip:
    store = ByteStore(folder)
    store.identify()
    return ExportedZip(subject, store, read)  # type: ignore[arg-type]  # a subject of the test's own


async def test_reading_ends_when_the_client_goes_away(tmp_path: Path) -> None:
    subject = Subject(None)
    export = export_of(subject, tmp_path)
    receiving = asyncio.create_task(anext(export))
    assert await asyncio.to_thread(subject.began.wait, DEADLINE_S)
    receiving.cancel()
    await asyncio.wait([receiving])
    await export.aclose()
    assert await asyncio.to_thread(subject.ended.wait, DEADLINE_S)


async def test_an_export_that_nobody_reads_leaves_nothing_open(tmp_path: Path) -> None:
    await export_of(Subject(1), tmp_path).aclose()


async def test_a_file_that_was_deleted_meanwhile_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"hello")
    there, gone = (
        File(id_, "alice", "a.txt", "text/plain", 5, "d", UPLOADED_MS, upload_length=5) for id_ in ("a" * 32, "b" * 32)
    )
    store = ByteStore(tmp_path / "files")
    await store.put(FileKey.of(there, "content"), tmp_path / "source")
    export = export_of(Subject(2, (there, gone)), tmp_path / "files")
    try:
        data = b"".join([chunk async for chunk in export])
    finally:
        await export.aclose()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["conversations.jsonl", "messages.jsonl", f"files/{there.id}/a.txt"]
        assert len(archive.read("messages.jsonl").splitlines()) == 2
        assert archive.infolist()[-1].date_time == (2026, 3, 4, 5, 6, 8)
        assert archive.infolist()[0].date_time > (2026,)  # it was 1980, the default
