"""Copies a SQLite file consistently while a server has it open.

The server's own process makes the copy, over a connection that only reads. Other processes must not open the file of a
running server, since SQLite before 3.51.3 can corrupt a WAL (its write-ahead log) when two connections checkpoint at
once, and the connection that closes last does so. SQLite copies all pages in one step and without Python's lock, so no
sender and no reader waits. Changes that are committed meanwhile are not in the copy (docs/decisions/0010).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from secrets import token_hex

from talkwire.storage.engine import BUSY_TIMEOUT_MS

_PREFIX = "snapshot-"
_SUFFIX = ".db"
_OWNER_ONLY = 0o600


def copy_file(source: Path, folder: Path) -> Path:
    """Copies the SQLite database `source`, which may be in use, into a new file in `folder` and returns its path. The
    caller removes the file. Raises OSError, also if the database cannot be copied. Removes earlier copies in the folder
    first."""
    remove_copies(folder)
    path = folder / f"{_PREFIX}{token_hex(8)}{_SUFFIX}"
    path.touch(_OWNER_ONLY, exist_ok=False)
    try:
        with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(path)) as writing:
            reading.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            reading.execute("PRAGMA query_only=ON")
            reading.execute("PRAGMA wal_autocheckpoint=0")
            writing.execute("PRAGMA synchronous=OFF")  # after a crash the copy is worthless
            reading.backup(writing)
            # Without a WAL the copy can be read without a second file.
            writing.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        path.unlink(missing_ok=True)
        raise OSError(f"{path}: the database could not be copied: {error}") from error
    return path


def remove_copies(folder: Path) -> None:
    """Removes all files that `copy_file` has left in the folder, for example when a command was killed. A process that
    has such a file open can read it to the end."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        path.unlink(missing_ok=True)
