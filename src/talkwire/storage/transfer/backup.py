"""Writes a database into a backup file. The chat continues meanwhile, since the backup reads from one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from talkwire.storage.transfer.archive import ARCHIVE_FORMAT, ArchiveWriter, Contents, Sums
from talkwire.storage.transfer.copying import WRITTEN_BYTES, WRITTEN_ROWS, Progress
from talkwire.storage.transfer.source import Source
from talkwire.storage.transfer.tables import TABLES_NOT_BACKED_UP, Checksum, MovedTable, Summed, moved_tables

FILES_INCLUDED = "included"
"""Value of `Contents.files` when the bytes of files are in the archive."""

Find = Callable[[str, str], Iterable[tuple[str, Path]]]
"""Function from (id, digest) of an uploaded file to the parts of which its bytes should consist: (name in the archive,
path). The first part has to exist."""


class Uploaded(NamedTuple):
    """What a backup does with uploaded files. `where` is FILES_INCLUDED if their bytes are in the backup, and `find`
    finds them; otherwise `where` describes for the operator where the files stay, and `find` is None."""

    where: str
    find: Find | None = None


class BackedUp(NamedTuple):
    """The result of a backup: the number of rows and the checksum of each table, and the numbers of uploaded files
    whose bytes are included (`files`) and whose bytes were not found (`missing`)."""

    tables: dict[str, Summed]
    files: int
    missing: int


def write_backup(source: Source, file: BinaryIO, program: str, uploaded: Uploaded, progress: Progress) -> BackedUp:
    """Writes a backup of the database `source` to `file`, with the bytes of uploaded files if `uploaded` includes them.
    `program` is the version of Talkwire. Reports each table and file to `progress`, and returns what was
    written and how many files are missing.

    Raises RowError for a row that cannot be written, OSError for the file, and SQLAlchemyError for the database; `file`
    is incomplete then.
    """
    now = datetime.now(UTC)
    tables = moved_tables(without=TABLES_NOT_BACKED_UP)
    contents = Contents(
        ARCHIVE_FORMAT,
        program,
        now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        source.kind,
        source.revision,
        *source.head,
        uploaded.where,
        tuple(tables),
    )
    archive = ArchiveWriter(file, contents, int(now.timestamp()))
    summed = {moved.name: _write_table(source, archive, moved, progress) for moved in tables}
    # Clients may know the last id of a table, so it is not given again.
    last_ids = source.last_ids()
    files = missing = 0
    if uploaded.find is not None:
        files, missing = _write_files(source, archive, uploaded.find, progress)
    archive.finish(Sums(summed, last_ids, files))
    return BackedUp(summed, files, missing)


def _write_table(source: Source, archive: ArchiveWriter, moved: MovedTable, progress: Progress) -> Summed:
    progress.begin(moved.name, source.count(moved))
    checksum = Checksum()
    lines: list[bytes] = []
    size = 0
    with source.batches(moved) as batches:
        for batch in batches:
            checksum.add(batch.lines)
            lines += batch.lines
            size += sum(map(len, batch.lines))
            if len(lines) >= WRITTEN_ROWS or size >= WRITTEN_BYTES:
                archive.add_rows(moved.name, lines)
                lines, size = [], 0
            progress.advance(len(batch.rows))
    if lines:
        archive.add_rows(moved.name, lines)
    return checksum.value


def _write_files(source: Source, archive: ArchiveWriter, find: Find, progress: Progress) -> tuple[int, int]:
    """Writes the uploaded files into the archive. Returns (number of files written, number of files missing). A file
    that was removed since the snapshot counts as missing, which does no harm."""
    files = next(moved for moved in moved_tables() if moved.name == "files")
    progress.begin("uploaded files", source.count(files), "files")
    written = missing = 0
    with closing(_ids(source, files)) as ids:
        for file_id, digest in ids:
            if _write_file(archive, file_id, digest, find):
                written += 1
            else:
                missing += 1
            progress.advance(1)
    return written, missing


def _ids(source: Source, files: MovedTable) -> Generator[tuple[str, str]]:
    names = list(files.columns)
    id_, digest = names.index("id"), names.index("digest")
    with source.batches(files) as batches:
        for batch in batches:
            for row in batch.rows:
                yield row[id_], row[digest]


def _write_file(archive: ArchiveWriter, file_id: str, digest: str, find: Find) -> bool:
    for number, (part, path) in enumerate(find(file_id, digest)):
        try:
            archive.add_file(f"{file_id}/{digest}/{part}", path)
        except FileNotFoundError:
            if number == 0:
                return False
    return True
