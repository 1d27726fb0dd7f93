"""Reads an export, a folder or a zip file, one file at a time and without unpacking it.

An export comes from a foreign system, so its content is not trusted. File names never lead outside of the folder. A
file is refused before it is held in memory if it was compressed more than `RATIO_MAX` times, or is longer than a reader
allows.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

import msgspec

from talkwire.cli.history_import.source import InvalidExport
from talkwire.core.domain.times import LAST_MS

DOCUMENT_MAX_BYTES = 256 * 1024 * 1024
"""How long a JSON file may be that is read as a whole."""

LINE_MAX_BYTES = 16 * 1024 * 1024

VALUES_MAX = 5_000_000
"""How many values a JSON text may have. Without this limit, 24 MB of `{}` would take a GB of memory."""

RATIO_MAX = 200
_PACKED_SMALL = 1024 * 1024

UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError)
"""What reading a damaged zip file raises."""

_DRIVE = re.compile(r"[A-Za-z]:")


class TooManyValuesError(ValueError):
    """JSON has so many values that they would take too much memory."""


class Archive(AbstractContextManager["Archive"]):
    """The files of an export, which is a folder or a zip file, by their names: paths relative to the folder, with `/`.
    Raises InvalidExport if `path` is neither."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.on_read: Callable[[int], None] = lambda _: None
        """Called with each number of KiB of JSON that was read."""
        self._uncounted = 0
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            self._sizes = {
                each.relative_to(path).as_posix(): each.stat().st_size
                for each in sorted(path.rglob("*"))
                if each.is_file() and not each.is_symlink()
            }
            return
        if not path.exists():
            raise InvalidExport(f"{path}: no such file or folder")
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise InvalidExport(f"{path}: is neither a folder nor a zip file ({error})") from None
        self._sizes = {
            each.filename: each.file_size
            for each in self._zip.infolist()
            if not each.is_dir() and is_inside(each.filename)
        }

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()

    def names(self, prefix: str = "", suffix: str = "") -> list[str]:
        """Returns the sorted names of the files that begin with `prefix` and end with `suffix`."""
        return sorted(name for name in self._sizes if name.startswith(prefix) and name.endswith(suffix))

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def size(self, name: str) -> int:
        return self._sizes[name]

    def documents_kib(self) -> int:
        """Returns the total size of the export's JSON files in KiB."""
        return sum(size for name, size in self._sizes.items() if name.endswith((".json", ".jsonl"))) // 1024

    def _count(self, size: int) -> None:
        self._uncounted += size
        if self._uncounted >= 1024:
            self.on_read(self._uncounted // 1024)
            self._uncounted %= 1024

    def open(self, name: str) -> IO[bytes]:
        """Opens a file for reading. Its name must be in the archive. Raises InvalidExport if it cannot be unpacked, or
        if its compression ratio suggests a zip bomb.
        """
        if self._zip is None:
            return (self.path / name).open("rb")
        info = self._zip.getinfo(name)
        if info.file_size > _PACKED_SMALL and info.file_size > RATIO_MAX * max(info.compress_size, 1):
            raise InvalidExport(f"{self.path}: {name} is packed more than {RATIO_MAX} times smaller than its content")
        try:
            return self._zip.open(info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise InvalidExport(f"{self.path}: {name} cannot be unpacked ({error})") from None

    def document(self, name: str) -> Any:  # noqa: ANN401 (JSON)
        """Returns the parsed content of a JSON file, whose name must be in the archive. Raises InvalidExport if the
        file has more than `DOCUMENT_MAX_BYTES`, cannot be read or is not JSON."""
        if self._sizes[name] > DOCUMENT_MAX_BYTES:
            raise InvalidExport(f"{self.path}: {name} has more than {DOCUMENT_MAX_BYTES} bytes")
        with self.open(name) as file:
            content = self._read(file, name, DOCUMENT_MAX_BYTES)
        try:
            return decoded(content)
        except TooManyValuesError as error:
            raise InvalidExport(f"{self.path}: {name} {error}") from None
        except (ValueError, RecursionError) as error:
            raise InvalidExport(f"{self.path}: {name} is not JSON ({error})") from None

    def objects(self, name: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
        """Yields a pair for each non-empty line of a JSON Lines file: the line's number, from 1 on, and its JSON
        object; None for a line that is not a JSON object.

        The file's name must be in the archive. Raises InvalidExport if the file cannot be read, or for a line of more
        than `LINE_MAX_BYTES`.
        """
        with self.open(name) as file:
            number = 0
            while line := self._line(file, name):
                number += 1
                if not line.strip():
                    continue
                try:
                    found = decoded(line)
                except (ValueError, RecursionError):
                    found = None
                yield number, found if isinstance(found, dict) else None

    def _line(self, file: IO[bytes], name: str) -> bytes:
        try:
            line = file.readline(LINE_MAX_BYTES + 1)
        except UNREADABLE as error:
            raise InvalidExport(f"{self.path}: {name} cannot be read ({error})") from None
        if len(line) > LINE_MAX_BYTES:
            raise InvalidExport(f"{self.path}: {name} has a line of more than {LINE_MAX_BYTES} bytes")
        self._count(len(line))
        return line

    def _read(self, file: IO[bytes], name: str, limit: int) -> bytes:
        try:
            content = file.read(limit + 1)
        except UNREADABLE as error:
            raise InvalidExport(f"{self.path}: {name} cannot be read ({error})") from None
        if len(content) > limit:
            raise InvalidExport(f"{self.path}: {name} has more than {limit} bytes")
        self._count(len(content))
        return content


def decoded(content: bytes) -> Any:  # noqa: ANN401 (JSON)
    """Parses JSON and returns its value. Half surrogate pairs, found where exports cut texts, become question marks.

    Raises ValueError for invalid JSON and for JSON that may have more than `VALUES_MAX` values, and RecursionError for
    JSON that is nested too deep.
    """
    # Each value but the first follows one of these. Texts contain some of them too.
    if sum(map(content.count, (b",", b"[", b"{"))) > VALUES_MAX:
        raise TooManyValuesError(f"has more than {VALUES_MAX} values")
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        whole = json.dumps(json.loads(content), ensure_ascii=False).encode("utf-8", "replace")
        return msgspec.json.decode(whole)


def is_inside(name: str) -> bool:
    """Returns whether a relative file name stays inside its folder, i.e. has no `..` and is not absolute."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and ".." not in parts and not name.startswith(("/", "\\")) and _DRIVE.match(name) is None


def ms_of(value: object) -> int | None:
    """Returns a time in an export, a number of milliseconds since 1970, if it is valid; None for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_MS else None


def text_of(value: object) -> str:
    """Returns a value of the export if it is a text; an empty text for any other value."""
    return value if isinstance(value, str) else ""


def items_of(value: object) -> list[dict[str, Any]]:
    """Returns the JSON objects in a value of the export if the value is a list; an empty list for any other value."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def object_of(value: object) -> dict[str, Any]:
    """Returns a value of the export if it is a JSON object; an empty object for any other value."""
    return value if isinstance(value, dict) else {}


def texts_of(value: object) -> list[str]:
    """Returns the non-empty texts in a value of the export if the value is a list; an empty list for any other
    value.
    """
    return [each for each in value if isinstance(each, str) and each] if isinstance(value, list) else []
