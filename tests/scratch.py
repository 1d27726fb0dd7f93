"""Where the tests' temporary files lie: in memory, where there is room.

Each test has a database of its own. To create and drop one of PostgreSQL's costs ten times less in memory than on a
disk: it is a thousand files. SQLite's commits do not wait for the disk either.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 (the kernel's, on Linux; files in it get names that nobody can guess)
_FREE_BYTES_MIN = 4 << 30


def use_memory_for_temporary_files() -> None:
    """Makes `tempfile` and `tmp_path` use memory, also in child processes. A `TMPDIR` that is set already wins."""
    if "TMPDIR" not in os.environ and _has_room(_IN_MEMORY):
        os.environ["TMPDIR"] = str(_IN_MEMORY)
        tempfile.tempdir = None  # it is looked up again


def _has_room(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    found = os.statvfs(folder)
    # Some tests run programs that they have installed into a temporary folder.
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= _FREE_BYTES_MIN
