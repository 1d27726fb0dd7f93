"""Creates folders, and uses what some file systems do not have, such as network folders: locks, hard links, and
flushing a folder to the disk.

Its errors name the folder: the operating system's do not, since these calls get a descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_NOT_SUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_OWNER_ONLY = 0o700


def make_folder(folder: Path) -> None:
    """Creates a folder that only this user may read, and those above it; does nothing if it exists. Raises OSError that
    names the folder."""
    try:
        folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        taken = next(each for each in (folder, *folder.parents) if each.exists() or each.is_symlink())
        raise NotADirectoryError(errno.ENOTDIR, "is not a folder", str(taken)) from error
    except OSError as error:
        raise OSError(error.errno, f"cannot be created: {error.strerror}", str(folder)) from error


@contextlib.contextmanager
def removing_new_folders(folder: Path) -> Iterator[None]:
    """A context manager that removes, at its end, the folder and those above it that did not exist at its beginning,
    unless something else is in them by then."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        yield
    finally:
        for each in new:
            with contextlib.suppress(OSError):
                each.rmdir()


def sync_folder(folder: Path) -> None:
    """Flushes (fsync) a folder, so that the names of new files in it survive a power failure. Does nothing where the
    file system does not support that: its server is then responsible for the names.

    Raises OSError for other failures, such as EIO.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder that this user may write to, but not list
        return
    try:
        with naming(folder):
            os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
    finally:
        os.close(descriptor)


def create_once(draft: Path, path: Path) -> None:
    """Gives a finished draft the name `path`, unless a file has that name. The draft may remain; both are in the same
    folder. Raises OSError."""
    try:
        path.hardlink_to(draft)  # atomic: of several processes, one succeeds
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED | {errno.EPERM}:
            raise
        if not path.exists():
            draft.rename(path)


def try_lock(descriptor: int, kind: int, path: Path) -> bool:
    """Locks an open file by `flock`, and returns False if another process has locked it. `kind` is `fcntl.LOCK_EX` or
    `LOCK_SH`, and `path` the file's, for errors.

    Raises OSError whose text says what to do if the file system refuses locks.
    """
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED | {errno.ENOLCK}:
            raise OSError(error.errno, f"cannot be locked: {error.strerror}", str(path)) from error
        hint = f"locks are not supported there ({error.strerror}); use a folder on a local disk"
        raise OSError(error.errno, hint, str(path.parent)) from error
    return True


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """A context manager that adds the path of a file or folder to OSErrors that name none."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise
