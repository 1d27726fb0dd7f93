"""Uploads on their way, on this machine's disk: how far an upload has come is how long its file is.

So a resume after a crash needs nothing but the disk. One request at a time works on an upload; the kernel's lock, which
ends with the process that holds it, keeps others out, also those of other nodes that share the folder.
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

COPY_BYTES = 1024 * 1024
_BYTES = ".bytes"

Beside = Literal["picture", "thumbnail", "aside"]
BESIDE: tuple[Beside, ...] = get_args(Beside)
_OWNER_ONLY = 0o600


class Partials:
    """The folder. Ids are ours, so that no client chooses a path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder_id: str | None = None

    def prepare(self) -> None:
        """Makes the folder. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Older versions take every name in the folder itself for an upload that may be removed.
        self.folder_id = folder_id(self.folder.parent)

    def offset(self, upload_id: str) -> int:
        """How many bytes of an upload are here; none of one that has not begun, or began on another node."""
        try:
            return (self.folder / f"{upload_id}{_BYTES}").stat().st_size
        except FileNotFoundError:
            return 0

    def has(self, upload_id: str) -> bool:
        """Returns whether any byte of an upload is here."""
        return (self.folder / f"{upload_id}{_BYTES}").exists()

    def open(self, upload_id: str) -> Partial:
        """Takes an upload for one request. Raises 423 while another one has it."""
        path = self.folder / f"{upload_id}{_BYTES}"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise TusRefusal(423, "conflict", "Another request is working on this upload.") from None
            if _is_still(path, descriptor):
                return Partial(path, descriptor)
            os.close(descriptor)  # who had it has removed it in the meantime

    def ids(self) -> set[str]:
        """All uploads of which anything is here."""
        return {path.name.partition(".")[0] for path in self.folder.iterdir()}


class Partial:
    """One upload's bytes so far, taken until `close`, or until nobody refers to it: a request that is cancelled while a
    thread takes an upload for it does not get it. Calls may come from any thread, one after the other."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        self._busy = threading.Lock()  # a request may end while a thread still writes for it

    def __del__(self) -> None:
        self.close()

    @property
    def offset(self) -> int:
        return os.fstat(self._opened()).st_size

    def beside(self, name: Beside) -> Path:
        """A file of this upload's for another purpose, which goes when the upload goes."""
        return self.path.with_suffix(f".{name}")

    def append(self, data: bytes | bytearray) -> None:
        with self._busy:
            descriptor = self._opened()
            os.lseek(descriptor, 0, os.SEEK_END)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]

    def append_file(self, path: Path) -> None:
        """Adds another file's bytes. What a crash leaves of them is their beginning."""
        with path.open("rb") as file:
            while data := file.read(COPY_BYTES):
                self.append(data)

    @contextlib.contextmanager
    def aside(self) -> Iterator[Partial]:
        """A file for bytes of which nobody knows yet whether they count; it goes at the end."""
        path = self.beside("aside")
        aside = Partial(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY))
        try:
            yield aside
        finally:
            aside.close()
            path.unlink(missing_ok=True)

    def cut(self, offset: int) -> None:
        """Forgets what came behind `offset`."""
        with self._busy:
            os.ftruncate(self._opened(), offset)

    def head(self, count: int) -> bytes:
        """The first bytes."""
        return os.pread(self._opened(), count, 0)

    def remove(self) -> None:
        """Removes everything of this upload; it stays taken."""
        # The locked file goes last: as long as it is there, nobody else makes others.
        for name in BESIDE:
            self.beside(name).unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        with self._busy:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is None:
            raise OSError("the upload was let go of")
        return self._descriptor


def _is_still(path: Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    return False
