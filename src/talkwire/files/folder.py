"""Stores the bytes of finished files in a folder. Each download has its own file descriptor, which is closed at its
end.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from talkwire.filesystem import make_folder, naming, sync_folder

COPIED_BYTES_AT_ONCE = 1024 * 1024
"""Number of bytes that are copied at once."""

_FOLDER_MODE = 0o700


class FolderBytes:
    """The backend of the file store that keeps bytes in a folder. Implements `byte_store.Bytes`.

    Keys are paths below `folder`. Only the operating system's user that runs the server can read the files.
    """

    def __init__(self, folder: Path) -> None:
        """Creates the folder that will have the files. Raises OSError."""
        make_folder(folder)
        self.folder = folder.absolute()

    async def put(self, key: str, source: Path) -> None:
        await asyncio.to_thread(self._put, key, source)

    async def total(self, key: str) -> int:
        return (await asyncio.to_thread((self.folder / key).stat)).st_size

    async def read(self, key: str, start: int, end: int, chunk_bytes: int) -> FolderReading:
        return await asyncio.to_thread(FolderReading, self.folder / key, start, end, chunk_bytes)

    async def has(self, prefix: str) -> bool:
        return await asyncio.to_thread((self.folder / prefix).is_dir)

    async def remove(self, prefix: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self.folder / prefix, onerror=_ignore_missing)

    def _put(self, key: str, source: Path) -> None:
        target = self.folder / key
        target.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)  # mode 0600
        try:
            with naming(target.parent), os.fdopen(descriptor, "wb") as copy, source.open("rb") as original:
                shutil.copyfileobj(original, copy, COPIED_BYTES_AT_ONCE)
                copy.flush()
                os.fsync(copy.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._keep_names(key)

    def _keep_names(self, key: str) -> None:
        """Flushes (fsync) the folders above a new file, so that the file's name survives a power failure."""
        for parent in Path(key).parents:
            sync_folder(self.folder / parent)


class FolderReading:
    """A download of the bytes of one file in the folder from offset `start` up to, but not including, `end`, read on a
    thread in chunks of at most `chunk_bytes`. Implements `holders.Reading`.

    It closes itself when it is garbage-collected: a cancelled caller never receives it, and a cancelled `aclose` may
    not run.
    """

    def __init__(self, path: Path, start: int, end: int, chunk_bytes: int) -> None:
        """Opens the file at `path`; may block. Raises OSError."""
        self._descriptor: int | None = None
        self._offset = start
        self._end = end
        self._chunk_bytes = chunk_bytes
        self._busy = threading.Lock()  # `aclose` may be called while a cancelled read still runs on its thread
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        self._close()

    def __aiter__(self) -> FolderReading:
        return self

    async def __anext__(self) -> bytes:
        """Returns the next chunk. Raises OSError if the file is shorter than the requested part, or was closed."""
        count = min(self._chunk_bytes, self._end - self._offset)
        if count <= 0:
            raise StopAsyncIteration
        chunk = await asyncio.to_thread(self._read, count)
        self._offset += len(chunk)
        return chunk

    async def aclose(self) -> None:
        """Closes the file descriptor, after a read in progress. Further calls do nothing."""
        if self._descriptor is not None:
            await asyncio.to_thread(self._close)

    def _read(self, count: int) -> bytes:
        with self._busy:
            if self._descriptor is None:
                raise OSError("the file was closed")
            chunk = os.pread(self._descriptor, count, self._offset)
        if not chunk:
            raise OSError(f"the file ends at {self._offset}, before {self._end}")
        return chunk

    def _close(self) -> None:
        with self._busy:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


_Raised = tuple[type[BaseException], BaseException, TracebackType]


def _ignore_missing(_function: object, _path: str, raised: _Raised) -> None:
    """An error handler for `shutil.rmtree` that ignores missing files, which another node that shares the folder may
    have removed, and raises all other errors.
    """
    if not isinstance(raised[1], FileNotFoundError):
        raise raised[1]
