"""Reads an export, a folder or a zip file, one file at a time and without unpacking it.

An export comes from a foreign system, so its content is not trusted. File names never lead outside of the folder. A
file is refused before it is held in memory if it was compressed more than `COMPRESSION_RATIO_MAX` times, or is longer
than a reader allows.
"""

from __future__ import annotations

import filecmp
import json
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, NoReturn
from unicodedata import normalize

import msgspec

from talkwire.cli.history_import.source import InvalidExport
from talkwire.core.domain.times import LAST_TIME_MS

DOCUMENT_MAX_BYTES = 256 * 1024 * 1024
"""Largest JSON file that is read as a whole, in bytes."""

ARCHIVE_LINE_MAX_BYTES = 16 * 1024 * 1024
"""Longest line of a file with one JSON object a line, in bytes."""

JSON_VALUES_MAX = 5_000_000
"""Most values of a JSON text. Without this limit, 24 MB of `{}` would take a GB of memory."""

COMPRESSION_RATIO_MAX = 200
"""Most times that a file of a zip file may be larger than its compressed form."""

_PACKED_SMALL = 1024 * 1024
"""Size of an unpacked file, in bytes, up to which it may be packed however tightly."""

READ_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError),
    *(ValueError, NotImplementedError, RuntimeError),
)
"""Exceptions that reading a damaged or encrypted zip file, or a file without permission, raises."""

_JSON_TYPES = {dict: "an object", str: "a text", bool: "true or false", type(None): "null"}
_DRIVE = re.compile(r"[A-Za-z]:")
_UTF8_NAME = 0x800

_OF_THE_SYSTEM = re.compile(r"(?:^|/)(?:__MACOSX/|\._[^/]*$|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
"""Pattern of the names of files that macOS and Windows add to folders and zip files."""


class TooManyValuesError(ValueError):
    """JSON has so many values that they would take too much memory."""


class Archive(AbstractContextManager["Archive"]):
    """The files of an export, which is a folder or a zip file, by their names.

    A name is a path relative to the folder or zip file, with `/` between its parts and composed letters (Unicode's
    form C), however the program that wrote the file separates parts and composes letters.

    Raises InvalidExport if `path` is neither a folder nor a zip file, or if two different files have the same name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.on_read: Callable[[int], None] = lambda _: None
        """Function that is called with each number of KiB of JSON that was read."""
        self._uncounted = 0
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo | Path] = {}
        self._sizes: dict[str, int] = {}
        self._used: set[str] = set()
        self._ignored: set[str] = set()
        if path.is_dir():
            for each in _files_in(path):
                name = each.relative_to(path).as_posix()
                if each.is_symlink():
                    self._ignored.add(name)
                else:
                    self._add(name, each, each.stat().st_size)
            return
        if not path.exists():
            raise InvalidExport(f"{path}: no such file or folder")
        try:
            self._zip = zipfile.ZipFile(path)
        except READ_ERRORS as error:
            raise InvalidExport(f"{path}: is neither a folder nor a zip file ({error})") from None
        for info in self._zip.infolist():
            self._add(_name_in_zip(info), info, info.file_size)

    def _add(self, given: str, member: zipfile.ZipInfo | Path, size: int) -> None:
        name = given.replace("\\", "/")
        if name.endswith("/"):
            return
        if not is_inside(name):
            self._ignored.add(given)
            return
        name = normal_name(name)
        if name in self._members and not _OF_THE_SYSTEM.search(name) and not _is_same(self._members[name], member):
            raise InvalidExport(f"{self.path}: two different files are named {name}: rename or remove one of them")
        self._members[name] = member
        self._sizes[name] = size

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()

    def names(self) -> list[str]:
        """Returns the sorted names of all files, without those that macOS and Windows add."""
        return sorted(name for name in self._sizes if not _OF_THE_SYSTEM.search(name))

    def folder_of(self, *last_parts: str) -> str | None:
        """Returns the export's root: the folder that has a file with one of these last parts of its name, with a final
        `/`; empty if it is the top folder; None if there is none. Of several, returns the one in the fewest folders.

        Some tools pack the export's folder, or a folder around it, instead of its content. Raises InvalidExport if
        several folders are equally deep, since they are several exports.
        """
        return self.only_folder(name for name in self.names() if name.rpartition("/")[2] in last_parts)

    def only_folder(self, names: Iterable[str]) -> str | None:
        """Returns the folder of those among `names` that are in the fewest folders, as `folder_of` does."""
        folders = {"".join(name.rpartition("/")[:2]) for name in names}
        fewest = min((folder.count("/") for folder in folders), default=0)
        found = sorted(folder for folder in folders if folder.count("/") == fewest)
        if len(found) > 1:
            raise InvalidExport(f"{self.path}: has several exports, in {' and '.join(found)}: import each by itself")
        return found[0] if found else None

    def find(self, *names: str) -> str | None:
        """Returns the first of `names` that the export has, as a name of this archive; None if it has none of them. All
        paths that an export gives are looked up here."""
        found = (normal_name(name.replace("\\", "/")) for name in names if is_inside(name))
        name = next((name for name in found if name in self._members), None)
        self._used.update(filter(None, [name]))
        return name

    def unused(self) -> list[str]:
        """Returns the sorted names of the files that nothing has looked up or opened, and of links and names that lead
        elsewhere, which are ignored. Does not return files that macOS and Windows add."""
        return sorted(self._ignored.union(self.names()) - self._used)

    def __contains__(self, name: str) -> bool:
        return name in self._members

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
        member = self._members[name]
        self._used.add(name)
        if isinstance(member, zipfile.ZipInfo) and _is_bomb(member):
            raise InvalidExport(
                f"{self.path}: {name} is packed more than {COMPRESSION_RATIO_MAX} times smaller than its content"
            )
        try:
            if isinstance(member, Path):
                return member.open("rb")
            assert self._zip is not None
            return self._zip.open(member)
        except READ_ERRORS as error:
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

    def items(self, name: str) -> list[Any]:
        """Returns the content of a JSON file that is a list. The file's name must be in the archive.

        Slack's API answers with an object instead, which some tools store: the only list in it is taken. Raises
        InvalidExport if the file cannot be read, or is neither.
        """
        found = self.document(name)
        if isinstance(found, dict):
            lists = [each for each in found.values() if isinstance(each, list)]
            found = lists[0] if len(lists) == 1 else found
        if isinstance(found, list):
            return found
        raise InvalidExport(
            f"{self.path}: {name} is no list, but {_JSON_TYPES.get(type(found), 'a number')}: "
            "replace it by the file of the original export, or remove it"
        )

    def objects(self, name: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
        """Yields a pair for each non-empty line of a JSON Lines file: the line's number, from 1 on, and its JSON
        object; None for a line that is not a JSON object.

        The file's name must be in the archive. Raises InvalidExport if the file cannot be read, or for a line of more
        than `ARCHIVE_LINE_MAX_BYTES`.
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
            line = file.readline(ARCHIVE_LINE_MAX_BYTES + 1)
        except READ_ERRORS as error:
            raise InvalidExport(f"{self.path}: {name} cannot be read ({error})") from None
        if len(line) > ARCHIVE_LINE_MAX_BYTES:
            raise InvalidExport(f"{self.path}: {name} has a line of more than {ARCHIVE_LINE_MAX_BYTES} bytes")
        self._count(len(line))
        return line

    def _read(self, file: IO[bytes], name: str, limit: int) -> bytes:
        try:
            content = file.read(limit + 1)
        except READ_ERRORS as error:
            raise InvalidExport(f"{self.path}: {name} cannot be read ({error})") from None
        if len(content) > limit:
            raise InvalidExport(f"{self.path}: {name} has more than {limit} bytes")
        self._count(len(content))
        return content


def normal_name(name: str) -> str:
    """Returns a relative path in the form that an archive's names have. Macs decompose letters in names of files."""
    return normalize("NFC", PurePosixPath(name).as_posix())


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """Returns the name of a zip file's member. Without the flag for UTF-8, the standard says code page 437, but Slack
    and others write UTF-8 nevertheless."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _is_bomb(info: zipfile.ZipInfo) -> bool:
    return info.file_size > _PACKED_SMALL and info.file_size > COMPRESSION_RATIO_MAX * max(info.compress_size, 1)


def _files_in(folder: Path) -> Iterator[Path]:
    """Yields the files and links below a folder, and follows no link. Raises InvalidExport for an unreadable folder."""

    def refuse(error: OSError) -> NoReturn:
        raise InvalidExport(f"{error.filename}: cannot be read ({error.strerror})")

    for place, folders, names in os.walk(folder, onerror=refuse):
        for each in (Path(place, name) for name in (*folders, *names)):
            if each.is_symlink() or each.is_file():
                yield each


def _is_same(one: zipfile.ZipInfo | Path, other: zipfile.ZipInfo | Path) -> bool:
    if isinstance(one, Path) or isinstance(other, Path):
        return filecmp.cmp(str(one), str(other), shallow=False)
    return (one.CRC, one.file_size) == (other.CRC, other.file_size)


def decoded(content: bytes) -> Any:  # noqa: ANN401 (JSON)
    """Parses JSON and returns its value. Half surrogate pairs, found where exports cut texts, become question marks.

    Raises ValueError for invalid JSON and for JSON that may have more than `JSON_VALUES_MAX` values, and RecursionError
    for JSON that is nested too deep.
    """
    # Each value but the first follows one of these. Texts contain some of them too.
    if sum(map(content.count, (b",", b"[", b"{"))) > JSON_VALUES_MAX:
        raise TooManyValuesError(f"has more than {JSON_VALUES_MAX} values")
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        # Python's parser accepts more, such as byte order marks, half surrogate pairs and NaN.
        return json.loads(json.dumps(json.loads(content), ensure_ascii=False).encode("utf-8", "replace"))


def is_inside(name: str) -> bool:
    """Returns whether a relative file name stays inside its folder, i.e. has no `..` and is not absolute."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and ".." not in parts and not name.startswith(("/", "\\")) and _DRIVE.match(name) is None


def ms_of(value: object) -> int | None:
    """Returns a time in an export, a number of milliseconds since 1970, if it is valid; None for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_TIME_MS else None


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
