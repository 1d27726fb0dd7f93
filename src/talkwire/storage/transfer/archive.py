"""The file format of a backup: a tar archive, which any tar program lists and unpacks. Its last member is a checksum
that proves that the archive is complete.

    backup.json                 the database, version and tables of the backup: `Contents`
    tables/NAME/000001.jsonl.gz the rows of a table in the order of its key, each a JSON array of its columns' values
    files/ID/DIGEST/PART        uploaded files, if they are included
    sums.json                   rows and checksum of each table, and the number of files: `Sums`
    sha256                      checksum of all bytes before it, in hexadecimal digits

The format has a version number; an unknown version is refused. docs/backup.md describes the format for users.
"""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, Protocol

import msgspec

from talkwire.storage.transfer.errors import ArchiveError
from talkwire.storage.transfer.tables import MovedTable, Row, Summed

ARCHIVE_FORMAT = 1
"""Number of the format of archives that this version writes."""

ARCHIVE_CHUNK_BYTES = 1024 * 1024
"""Number of bytes that are read at once."""

GZIP_LEVEL = 3
"""Level of gzip, from 1 to 9: higher levels take much longer and save little."""

_BLOCK = tarfile.BLOCKSIZE
_SUM = "sha256"
_HEAD = "backup.json"
_SUMS = "sums.json"
_OWNER_ONLY = 0o600


class Contents(msgspec.Struct, frozen=True, rename="camel"):
    """The header of a backup: the version of the archive's `format`, the version of Talkwire (`program`), the kind of
    database, the version of its tables (`revision`), the state of its log (`epoch`, `pos`, `floor`) and the tables in
    the backup. `files` is `included`, or says where the bytes of uploaded files are."""

    format: int
    program: str
    created_at: str
    database: str
    revision: str
    epoch: str
    pos: int
    floor: int
    files: str
    tables: tuple[MovedTable, ...]


class Sums(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The totals at the end of a backup: the number of rows and the checksum of each table, and the number of files.
    `last_ids` has, for each table whose ids the database generates, the last id."""

    tables: dict[str, Summed]
    last_ids: dict[str, int]
    files: int


class ArchivePart(NamedTuple):
    """One file in a backup archive with data: rows of a table, or the bytes of an uploaded file. `names` is its path in
    the archive, split at `/`; `file` reads its `size` bytes."""

    names: tuple[str, ...]
    size: int
    file: IO[bytes]

    @property
    def table(self) -> str | None:
        """The name of the table whose rows this part contains; None for an uploaded file."""
        return self.names[1] if self.names[0] == "tables" else None

    def rows(self) -> Iterator[Row]:
        lines: list[list[object]] = msgspec.json.Decoder(list[object]).decode_lines(gzip.decompress(self.file.read()))
        return map(tuple, lines)


class ArchiveWriter:
    """Writes a backup archive to `file` sequentially, without seeking. `contents` is the header, and `created_s` the
    time of all files in the archive in seconds since 1970. The archive is complete after `finish`."""

    def __init__(self, file: BinaryIO, contents: Contents, created_s: int) -> None:
        self._file = file
        self._created_s = created_s
        self._hash = sha256()
        self._parts: dict[str, int] = {}
        self._add(_HEAD, msgspec.json.format(msgspec.json.encode(contents), indent=1))

    def add_rows(self, table: str, lines: list[bytes]) -> None:
        """Appends rows of a table, each encoded as a line of JSON (`tables.encoded`). Call it for one table after the
        other."""
        number = self._parts[table] = self._parts.get(table, 0) + 1
        packed = gzip.compress(b"\n".join(lines) + b"\n", GZIP_LEVEL, mtime=0)
        self._add(f"tables/{table}/{number:06}.jsonl.gz", packed)

    def add_file(self, name: str, path: Path) -> int:
        """Appends the bytes of the file at `path` as `files/NAME`, and returns their number. Raises FileNotFoundError
        before anything is written; after any other OSError the archive is unusable."""
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            self._write(self._header(f"files/{name}", size))
            left = size
            while left:
                chunk = file.read(min(left, ARCHIVE_CHUNK_BYTES))
                if not chunk:
                    raise OSError(f"{path}: became shorter while it was read")
                self._write(chunk)
                left -= len(chunk)
            self._pad(size)
        return size

    def finish(self, sums: Sums) -> None:
        """Writes the totals and the checksum, which complete the archive. The caller syncs the file to the disk."""
        self._add(_SUMS, msgspec.json.format(msgspec.json.encode(sums), indent=1))
        self._add(_SUM, f"{self._hash.hexdigest()}\n".encode())
        self._write(bytes(2 * _BLOCK))

    def _add(self, name: str, data: bytes) -> None:
        self._write(self._header(name, len(data)))
        self._write(data)
        self._pad(len(data))

    def _header(self, name: str, size: int) -> bytes:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = size, self._created_s, _OWNER_ONLY
        return entry.tobuf(tarfile.PAX_FORMAT)

    def _pad(self, size: int) -> None:
        self._write(bytes(-size % _BLOCK))

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)


class Advance(Protocol):
    def __call__(self, count: int, /) -> None: ...


class ArchiveReader:
    """Reads a backup archive, whose header is `contents` and whose totals are `sums`. The constructor reads all of the
    file to verify its checksum, and raises ArchiveError if the file is not a backup, or the backup is damaged or
    incomplete."""

    contents: Contents
    sums: Sums

    def __init__(self, file: BinaryIO, advance: Advance = lambda _: None) -> None:
        """`advance` reports progress: it is called with the number of bytes in each block that was added to the
        checksum."""
        self._file = file
        try:
            self._check(advance)
        except (tarfile.TarError, msgspec.DecodeError, UnicodeDecodeError, EOFError):
            raise ArchiveError("is no backup of Talkwire") from None

    def parts(self) -> Iterator[ArchivePart]:
        """Yields the archive's parts (rows and uploaded files) in order. Each part's file can be read until the next
        part is requested."""
        with _opened(self._file) as archive:
            for entry in _entries(archive):
                if "/" in entry.name:
                    file = archive.extractfile(entry)
                    assert file is not None, "all members are regular files"
                    yield ArchivePart(tuple(entry.name.split("/")), entry.size, file)

    def _check(self, advance: Advance) -> None:
        with _opened(self._file) as archive:
            first = archive.next()
            if first is None or first.name != _HEAD:
                raise ArchiveError("is no backup of Talkwire")
            head = _bytes_of(archive, first)
            _check_format(head)
            sums, until, expected = self._end(archive)
        if self._sum_until(until, advance) != expected:
            raise ArchiveError("was changed or damaged since it was written")
        self.contents = msgspec.json.decode(head, type=Contents)
        self.sums = msgspec.json.decode(sums, type=Sums)

    def _end(self, archive: tarfile.TarFile) -> tuple[bytes, int, str]:
        """Reads the end of an archive. Returns (the JSON with the number of rows of each table, the byte offset of the
        last file in the archive, which holds the checksum of all bytes before it, that checksum in hexadecimal).
        Raises ArchiveError if the archive is damaged or has no end."""
        sums: bytes | None = None
        try:
            for entry in _entries(archive):
                if entry.name == _SUMS:
                    sums = _bytes_of(archive, entry)
                elif entry.name == _SUM and sums is not None:
                    return sums, entry.offset, _bytes_of(archive, entry).decode("ascii").strip()
        except tarfile.TarError as error:
            raise ArchiveError("is damaged or was cut off") from error
        raise ArchiveError("was cut off: its end is missing")

    def _sum_until(self, end: int, advance: Advance) -> str:
        found = sha256()
        self._file.seek(0)
        while end and (chunk := self._file.read(min(end, ARCHIVE_CHUNK_BYTES))):
            found.update(chunk)
            end -= len(chunk)
            advance(len(chunk))
        return found.hexdigest()


class _Format(msgspec.Struct):
    format: int


def _check_format(head: bytes) -> None:
    found = msgspec.json.decode(head, type=_Format).format
    if found != ARCHIVE_FORMAT:
        raise ArchiveError(
            f"is a backup of format {found}, and this version of Talkwire reads {ARCHIVE_FORMAT}: use a newer one"
        )


def _opened(file: BinaryIO) -> tarfile.TarFile:
    file.seek(0)
    return tarfile.open(fileobj=file, mode="r:")


def _entries(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yields the files of the archive, without keeping all of them in memory as the library's own iterator would.
    Raises ArchiveError for an entry that is not a file."""
    while (entry := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]
        if not entry.isreg():
            raise ArchiveError("is no backup of Talkwire")
        yield entry


def _bytes_of(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(entry)
    assert file is not None, "it is a regular file"
    return file.read()
