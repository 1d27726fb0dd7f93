"""Restores a backup into a database. The log gets a new epoch: positions after the backup will be assigned a second
time, so clients must not use earlier cursors (their positions in the log)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import URL

from talkwire.core.clock import now_ms
from talkwire.storage.migrations import is_known, new_epoch
from talkwire.storage.transfer.archive import ArchivePart, ArchiveReader
from talkwire.storage.transfer.copying import Progress, Writing, compare
from talkwire.storage.transfer.errors import ArchiveError
from talkwire.storage.transfer.source import Head
from talkwire.storage.transfer.tables import MovedTable, Summed
from talkwire.storage.transfer.target import Target, opened_target
from talkwire.storage.unfinished import UnfinishedMark


def restore_database(  # noqa: PLR0913 (what is restored, and where to)
    url: URL,
    archive: ArchiveReader,
    name: str,
    keep_file: Callable[[ArchivePart], None],
    progress: Progress,
    *,
    keep_webhooks: bool = True,
) -> Mapping[str, Summed]:
    """Restores a backup into a database that is empty, or in which an earlier restore was interrupted. `name` describes
    the backup in messages; `keep_file` is called with each part of an uploaded file and stores its bytes. Without
    `keep_webhooks`, webhooks are disabled, since the original may still send to them. Returns table -> number of rows
    and checksum.

    Raises ArchiveError and TargetError before anything is written; RowError, MismatchError, SQLAlchemyError and the
    errors of `keep_file` later: no server starts on the database then, and the restore can be repeated.
    """
    contents, sums = archive.contents, archive.sums
    if not is_known(contents.revision):
        raise ArchiveError(f"has tables of version {contents.revision}, of a newer Talkwire: use that one")
    with opened_target(url) as target:
        mark = UnfinishedMark("restore", name, contents.epoch, contents.pos)
        target.begin_restore(mark, contents.revision, contents.tables)
        _fill(target, archive, keep_file, progress)
        compare(target, contents.tables, sums.tables, progress)
        target.finish(
            Head(new_epoch(), contents.pos, contents.floor),
            sums.last_ids,
            in_new_folders=True,
            webhooks_disabled_ms=None if keep_webhooks else now_ms(),
        )
    return sums.tables


def _fill(target: Target, archive: ArchiveReader, keep_file: Callable[[ArchivePart], None], progress: Progress) -> None:
    tables = {moved.name: moved for moved in archive.contents.tables}
    table: MovedTable | None = None
    files_began = False
    for part in archive.parts():
        if part.table is None:
            if not files_began:
                progress.begin("uploaded files", archive.sums.files, "files")
                files_began = True
            keep_file(part)
            progress.advance(int(part.names[-1] == "content"))
            continue
        if table is None or table.name != part.table:
            table = tables[part.table]
            progress.begin(table.name, archive.sums.tables[table.name].rows)
        writing = Writing(target, table)
        rows = list(part.rows())
        writing.add(rows, part.size)
        writing.flush()
        progress.advance(len(rows))
