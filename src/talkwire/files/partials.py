"""Keeps the bytes of unfinished uploads on this machine's disk. An upload's offset is the length of its file.

So an upload can resume after a crash from the file alone. One request at a time works on an upload: a file lock, which
ends with its process, keeps out other requests, including those of other nodes that share the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from talkwire.files.holders import folder_id
from talkwire.files.tus import TusRefusal
from talkwire.filesystem import make_folder, try_lock

READ_BYTES_AT_ONCE = 1024 * 1024
"""Number of bytes that are read at once."""

_BYTES = ".bytes"

Sibling = Literal["picture", "thumbnail", "large", "aside"]
SIBLINGS: tuple[Sibling, ...] = get_args(Sibling)
_OWNER_ONLY = 0o600


class Partials:
    """The folder of unfinished uploads: one file each, named by an id that the server created, so no client chooses a
    path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder_id: str | None = None

    def prepare(self) -> None:
        """Creates the folder of unfinished uploads and reads its id. Raises OSError."""
        make_folder(self.folder)
        # The id is in the parent folder: older versions take every name in this one for an upload that may be removed.
        self.folder_id = folder_id(self.folder.parent)

    def offset(self, upload_id: str) -> int:
        """Returns how many bytes of an upload are in this folder; 0 if it has no file for the upload, for example
        because the upload is on another node.
        """
        try:
            return (self.folder / f"{upload_id}{_BYTES}").stat().st_size
        except FileNotFoundError:
            return 0

    def has(self, upload_id: str) -> bool:
        """Returns whether this folder has a file for the upload, which may be empty."""
        return (self.folder / f"{upload_id}{_BYTES}").exists()

    def open(self, upload_id: str) -> Partial:
        """Opens the file of an upload, creates it if necessary, and locks it for one request. May block.

        Raises TusRefusal with HTTP status 423 while another request has the lock, and OSError.
        """
        path = self.folder / f"{upload_id}{_BYTES}"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
            try:
                locked = try_lock(descriptor, fcntl.LOCK_EX, path)
            except OSError:
                os.close(descriptor)
                raise
            if locked and _is_still(path, descriptor):
                return Partial(path, descriptor)
            os.close(descriptor)
            if not locked:
                raise TusRefusal(423, "conflict", "Another request is working on this upload.")
            # The request that had the lock has removed the file.

    def ids(self) -> set[str]:
        """Returns the ids of all uploads that have a file in this folder."""
        return {path.name.partition(".")[0] for path in self.folder.iterdir()}


class Partial:
    """The bytes of one unfinished upload, locked until `close` or garbage collection, so that only one request at a
    time changes them.

    Garbage collection matters if a request is cancelled while a thread opens its upload: the request never receives
    this object. Methods may be called from any thread, one call after the other.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        self._busy = threading.Lock()  # a request may end while a thread still writes for it

    def __del__(self) -> None:
        self.close()

    @property
    def offset(self) -> int:
        return os.fstat(self._opened()).st_size

    def sibling(self, name: Sibling) -> Path:
        """Returns the path of a further file of this upload, such as its thumbnail. It is removed together with the
        upload.
        """
        return self.path.with_suffix(f".{name}")

    def append(self, data: bytes | bytearray) -> None:
        with self._busy:
            descriptor = self._opened()
            os.lseek(descriptor, 0, os.SEEK_END)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]

    def append_file(self, path: Path) -> None:
        """Appends the bytes of another file to the upload. If the process dies meanwhile, only the beginning of them
        may have been appended.
        """
        with path.open("rb") as file:
            while data := file.read(READ_BYTES_AT_ONCE):
                self.append(data)

    @contextlib.contextmanager
    def temporary_file(self) -> Iterator[Partial]:
        """A context manager that provides a second, empty file for bytes whose checksum is not verified yet, and
        removes it at the end.
        """
        path = self.sibling("aside")
        temporary = Partial(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY))
        try:
            yield temporary
        finally:
            temporary.close()
            path.unlink(missing_ok=True)

    def cut(self, offset: int) -> None:
        """Shortens the upload to its first `offset` bytes."""
        with self._busy:
            os.ftruncate(self._opened(), offset)

    def head(self, count: int) -> bytes:
        """Returns the first `count` bytes of the upload."""
        return os.pread(self._opened(), count, 0)

    def remove(self) -> None:
        """Removes all files of this upload from the disk. The upload stays locked until `close`."""
        # The locked file is removed last: while it exists, no other request creates files of this upload.
        for name in SIBLINGS:
            self.sibling(name).unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        with self._busy:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is None:
            raise OSError("the upload was closed")
        return self._descriptor


def _is_still(path: Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    return False
