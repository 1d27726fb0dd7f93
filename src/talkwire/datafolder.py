"""The data folder, and the file lock by which only one process at a time uses a SQLite database.

The kernel holds the lock (`flock`), so the lock ends with its process, even if the process is killed. The locked file
names the process and, for a server, its address and the token that operator commands to the server must contain.

    DataFolderError
     └── FolderInUse    another process owns the database; `holder` says which
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from talkwire.filesystem import naming, try_lock

FOLDER_LOCK_WAIT_S = 10.0
"""Longest time that a starting process waits for the lock of a data folder, in seconds: commands hold it only briefly,
and servers start within moments."""

_RETRY_S = 0.02
_LOCK_MAX_BYTES = 4096
_OWNER_ONLY = 0o600
_MISSING = (FileNotFoundError, NotADirectoryError)


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The process that holds the lock of a SQLite database. `url` and `token` are set if it is a server that accepts
    requests.
    """

    pid: int
    url: str | None = None
    token: str | None = msgspec.field(default=None)

    def __repr__(self) -> str:
        return f"Holder(pid={self.pid}, url={self.url!r})"


class DataFolderError(Exception):
    """The data folder cannot be used. The error's text names the folder and the reason in one line."""


class FolderInUse(DataFolderError):
    """Another process holds the lock of the SQLite database; `holder` names the process."""

    def __init__(self, path: Path, holder: Holder) -> None:
        where = "" if holder.url is None else f" at {holder.url}"
        super().__init__(f"{path.parent} is in use by the process {holder.pid or 'that holds its lock'}{where}")
        self.holder = holder


def prepare_folder(folder: Path) -> None:
    """Creates the data folder if it is missing; its parent must exist. Raises DataFolderError if it cannot be
    created, is not a folder, or is not writable."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        around = folder.absolute().parent
        if isinstance(error, _MISSING) and not around.is_dir():
            raise DataFolderError(f"{around}: there is no such folder to create {folder.name} in") from None
        raise DataFolderError(f"{folder}: cannot be created: {error.strerror}") from None
    if not folder.is_dir():
        raise DataFolderError(f"{folder}: is not a folder")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise DataFolderError(f"{folder}: this user may not write there")


class FolderLock:
    """The held lock of a SQLite database, from `acquire` until `release` or the end of the process.

    `control_token` is a random secret, which `announce` writes into the lock file; `ControlEndpoint` requires it.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.control_token = secrets.token_urlsafe(32)
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, path: Path, wait_s: float = FOLDER_LOCK_WAIT_S) -> FolderLock:
        """Acquires the lock of a SQLite database; `path` is the lock file's. If another process holds it, blocks up to
        `wait_s` seconds for a command-line tool to finish or a server to finish starting.

        Raises FolderInUse if a running server holds the lock or the wait was too short; DataFolderError if the lock
        file cannot be opened or locked.
        """
        deadline = time.monotonic() + wait_s
        while True:
            descriptor = _open(path)
            if _try_lock(descriptor, fcntl.LOCK_EX, path):
                lock = cls(path, descriptor)
                lock._write(Holder(os.getpid()))
                return lock
            holder = _read(descriptor)
            os.close(descriptor)
            if holder.url is not None or time.monotonic() >= deadline:
                raise FolderInUse(path, holder)
            time.sleep(_RETRY_S)

    def announce(self, url: str) -> None:
        """Writes the server's URL and its `control_token` into the lock file, so that command-line tools can send their
        commands to the server.
        """
        self._write(Holder(os.getpid(), url, self.control_token))

    def release(self) -> None:
        """Empties the lock file and releases the lock. Keeps the file: removing it could take the lock from a process
        that waits for it.
        """
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # only processes that find the file locked read it
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, holder: Holder) -> None:
        assert self._descriptor is not None, "the lock was released"
        with naming(self.path):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, msgspec.json.encode(holder), 0)


def find_holder(path: Path) -> Holder | None:
    """Returns the process that holds the lock of a SQLite database, or None if no process does. `path` is the lock
    file's. Never acquires the lock. Raises DataFolderError if the file cannot be opened or locked.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except _MISSING:
        return None
    except OSError as error:
        raise _unusable(path, error) from None
    if _try_lock(descriptor, fcntl.LOCK_SH, path):
        os.close(descriptor)
        return None
    try:
        return _read(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held_if_present(path: Path) -> Iterator[None]:
    """Holds the lock of a SQLite database until the context ends, if its lock file exists; without that file no process
    uses the database. Raises the errors of `FolderLock.acquire`, and leaves no file behind."""
    if not path.exists():
        _try_new_lock(path)
        yield
        return
    lock = FolderLock.acquire(path)
    try:
        yield
    finally:
        lock.release()


def _try_new_lock(path: Path) -> None:
    """Creates, locks and removes a file beside a lock file that does not exist: removing the lock file itself could
    take it from a server that starts. Raises DataFolderError."""
    probe = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    try:
        descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        if _try_lock(descriptor, fcntl.LOCK_EX, path):
            os.close(descriptor)
    finally:
        probe.unlink()


def reachable_url(listening: socket.socket) -> str:
    """Returns the `http://` URL by which other processes on this machine reach the server that accepts on
    this socket.
    """
    host, port = listening.getsockname()[:2]
    if listening.family == socket.AF_INET6:
        return f"http://[{'::1' if host == '::' else host}]:{port}"
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 (compared, not bound)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    except OSError as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: OSError) -> DataFolderError:
    if isinstance(error, _MISSING) and not path.parent.is_dir():
        return DataFolderError(f"{path.parent}: there is no such folder")
    return DataFolderError(f"{path}: cannot be opened: {error.strerror}")


def _try_lock(descriptor: int, kind: int, path: Path) -> bool:
    """Locks the lock file, and returns whether no other process has. Raises DataFolderError, and closes the
    descriptor, if its folder refuses locks."""
    try:
        return try_lock(descriptor, kind, path)
    except OSError as error:
        os.close(descriptor)
        raise DataFolderError(f"{error.filename}: {error.strerror}") from error


def _read(descriptor: int) -> Holder:
    """Returns the process that the lock file names, or a holder with process id 0 if the file names none yet."""
    try:
        return msgspec.json.decode(os.pread(descriptor, _LOCK_MAX_BYTES, 0), type=Holder)
    except msgspec.DecodeError:
        return Holder(0)
