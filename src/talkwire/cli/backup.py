"""The commands `talkwire backup` and `talkwire restore`, which write the whole chat into one file and read it back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Annotated, BinaryIO, cast

from cyclopts import Parameter
from sqlalchemy import URL

from talkwire.cli.database import database_failures, owned_database, printable_database, url_of
from talkwire.cli.delivery import server_snapshot
from talkwire.cli.failures import Failure
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.output import print_note, print_result
from talkwire.cli.progress import progress_display
from talkwire.datafolder import FolderInUse, FolderLock, prepare_folder
from talkwire.files.byte_store import PARTS, ByteStore, FileKey, Part
from talkwire.files.service import FINISHED_FOLDER
from talkwire.filesystem import naming, sync_folder
from talkwire.logs import configure_logs
from talkwire.settings import Settings
from talkwire.settings.secrets import secret_values
from talkwire.storage.engine import sqlite_url
from talkwire.storage.transfer.archive import ArchivePart, ArchiveReader
from talkwire.storage.transfer.backup import FILES_INCLUDED, BackedUp, Uploaded, write_backup
from talkwire.storage.transfer.errors import ArchiveError, MovingError
from talkwire.storage.transfer.restore import restore_database
from talkwire.storage.transfer.source import opened_source

BACKUP_SETTINGS = ("data", "database", "files")

_OWNER_ONLY = 0o600
_FILE_NAME = re.compile(rf"files/([0-9a-f]{{32}})/([0-9a-f]{{64}})/({'|'.join(PARTS)})")


@takes_settings(*BACKUP_SETTINGS)
def backup(
    path: Path,
    /,
    *,
    overwrite: Annotated[bool, Parameter(help="Replace the file if it exists.", negative=())] = False,
    **flags: Flag,
) -> None:
    """Write the whole chat into one file, whether a server is running or not.

    Parameters
    ----------
    path
        File to write; only its owner may read it.
    """
    settings = load(flags).settings
    if path.is_dir():
        raise Failure(f"{path}: is a folder")
    _refuse_to_overwrite(path, overwrite=overwrite)
    with new_file(path) as (file, temporary), readable_database(settings) as url:
        done = _back_up(settings, url, file, path)
        _keep(file, path)
        _refuse_to_overwrite(path, overwrite=overwrite)
        temporary.replace(path)
    sync_folder(path.absolute().parent)
    messages, users = done.tables["messages"].rows, done.tables["users"].rows
    size = path.stat().st_size
    print_result(
        f"Backed up {messages} messages, {users} users and {done.files} uploaded files to {path} ({size} bytes)."
    )
    _say_of_files(settings, done)


@takes_settings(*BACKUP_SETTINGS)
def restore(
    path: Path,
    /,
    *,
    keep_webhooks: Annotated[
        bool, Parameter(help="Leave webhooks enabled: the original does not run any more.", negative=())
    ] = False,
    **flags: Flag,
) -> None:
    """Fill an empty database from a backup. Afterwards, clients reload all their data from the server.

    Webhooks are disabled unless you pass `--keep-webhooks`, because a copy would send to the same addresses as the
    original. `talkwire webhook enable` enables one.

    Parameters
    ----------
    path
        File that `talkwire backup` has written.
    """
    settings = load(flags).settings
    level = "debug" if settings.log_level == "debug" else "critical"
    configure_logs(level, settings.log_format, secrets=secret_values(settings))
    with path.open("rb") as file, progress_display() as progress:
        progress.begin(f"checking {path.name}", path.stat().st_size, "bytes")
        try:
            archive = ArchiveReader(file, progress.advance)
        except ArchiveError as error:
            raise Failure(f"{path}: {error}") from None
        prepare_folder(settings.data)
        with (
            owned_database(settings),
            database_failures(settings),
            _file_keeper(settings, archive) as keep_file,
            _restore_failures(settings, path),
        ):
            restore_database(url_of(settings), archive, str(path), keep_file, progress, keep_webhooks=keep_webhooks)
    messages, users = archive.sums.tables["messages"].rows, archive.sums.tables["users"].rows
    done = f"Restored {messages} messages, {users} users and {archive.sums.files} uploaded files"
    print_result(f"{done} to {printable_database(settings)}; rows and checksums match the backup.")
    webhooks = archive.sums.tables.get("webhooks")
    if not keep_webhooks and webhooks is not None and webhooks.rows:
        print_note("Webhooks are disabled: this copy sends to none of them until `talkwire webhook enable ID`.")
    if archive.contents.files != FILES_INCLUDED and archive.sums.tables["files"].rows:
        print_note(
            f"The backup does not contain the bytes of uploaded files: the server needs {archive.contents.files}."
        )


# --- writing ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def readable_database(settings: Settings) -> Iterator[URL]:
    """Yields the URL of a database that can be read while the context is open. Raises Failure if it is a SQLite
    database that does not exist.

    If a server is running on a SQLite database, the URL is that of a copy, which the server makes and which is removed
    at the end. Otherwise no server can start on the SQLite database meanwhile.
    """
    with database_failures(settings):
        if settings.lock_file is None:
            yield url_of(settings)
            return
        assert settings.sqlite_file is not None, "only SQLite has a lock"
        if not settings.sqlite_file.exists():
            raise Failure(f"{settings.sqlite_file}: database not found")
        try:
            lock = FolderLock.acquire(settings.lock_file)
        except FolderInUse as error:
            if error.holder.url is None:
                raise
            snapshot = server_snapshot(error.holder)
            try:
                yield sqlite_url(snapshot)
            finally:
                snapshot.unlink(missing_ok=True)
            return
        try:
            yield sqlite_url(settings.sqlite_file)
        finally:
            lock.release()


def _back_up(settings: Settings, url: URL, file: BinaryIO, path: Path) -> BackedUp:
    try:
        with opened_source(url) as source, progress_display() as progress:
            return write_backup(source, file, version("talkwire"), _uploaded(settings), progress)
    except MovingError as error:
        raise Failure(f"{printable_database(settings)}: {error}") from error
    except OSError as error:
        raise Failure(f"{error.filename or path}: {error.strerror or error}") from error


def _uploaded(settings: Settings) -> Uploaded:
    place = settings.files
    if place is not None and place.startswith("s3://"):
        return Uploaded(place)
    folder = settings.data / FINISHED_FOLDER if place is None else Path(place)

    def find(file_id: str, digest: str) -> Iterator[tuple[str, Path]]:
        for part in PARTS:
            yield part, folder / FileKey(file_id, digest, part).key

    return Uploaded(FILES_INCLUDED, find)


def _say_of_files(settings: Settings, done: BackedUp) -> None:
    if settings.files is not None and settings.files.startswith("s3://") and done.tables["files"].rows:
        print_note(f"The backup does not contain the bytes of uploaded files: they stay in {settings.files}.")
    if done.missing:
        folder = settings.files or settings.data / FINISHED_FOLDER
        print_note(f"{done.missing} uploaded files were not in {folder}, or were removed meanwhile.")


def _refuse_to_overwrite(path: Path, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise Failure(f"{path}: exists already; use --overwrite to replace it")


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Yields a new temporary file in the folder of `path`, open for writing, and the path of that file.

    Removes the file at the end unless the caller has renamed it.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except OSError as error:
        raise Failure(f"{path}: cannot be created: {error.strerror}") from None
    try:
        with naming(path), os.fdopen(descriptor, "wb") as file:
            yield file, temporary
    finally:
        temporary.unlink(missing_ok=True)


def _keep(file: BinaryIO, path: Path) -> None:
    try:
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error


# --- reading ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _restore_failures(settings: Settings, path: Path) -> Iterator[None]:
    """A context manager that turns the errors of a restore, raised inside it, into a Failure whose text names the
    backup (`path`) or the database of the settings."""
    try:
        yield
    except ArchiveError as error:
        raise Failure(f"{path}: {error}") from error
    except MovingError as error:
        raise Failure(f"{printable_database(settings)}: {error}") from error


@contextlib.contextmanager
def _file_keeper(settings: Settings, archive: ArchiveReader) -> Iterator[Callable[[ArchivePart], None]]:
    """Yields a function that stores one uploaded file of the backup in the file store of the settings, from which the
    server will read it."""
    if not archive.sums.files:
        yield _no_file
        return
    store = ByteStore(settings.files or settings.data / FINISHED_FOLDER)
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory(prefix="restore-", dir=settings.data) as folder:
        unpacked = Path(folder) / "part"

        def keep(part: ArchivePart) -> None:
            place = _place_of(part)
            with naming(unpacked), unpacked.open("wb") as file:
                shutil.copyfileobj(part.file, file)
            runner.run(store.put(place, unpacked))

        yield keep


def _place_of(part: ArchivePart) -> FileKey:
    """Returns the key in the server's file store for an uploaded file from a backup.

    Raises ArchiveError if the name of `part` in the backup is not that of an uploaded file: then its purpose is
    unknown, and its path could lead outside the folder.
    """
    found = _FILE_NAME.fullmatch("/".join(part.names))
    if found is None:
        raise ArchiveError(f"has a file with an invalid name: {'/'.join(part.names)}")
    file_id, digest, kind = found.groups()
    return FileKey(file_id, digest, cast("Part", kind))


def _no_file(part: ArchivePart) -> None:
    raise ArchiveError(f"has an unexpected file: {'/'.join(part.names)}")
