"""The command `talkwire copy`, which copies one database into another while no server runs on either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from talkwire.cli.database import database_failures, owned_database, printable_database, reason_of, url_of
from talkwire.cli.failures import Failure, Misuse
from talkwire.cli.flags import Flag, load, takes_settings
from talkwire.cli.output import print_list, print_note, print_result
from talkwire.cli.progress import progress_display
from talkwire.datafolder import FolderInUse
from talkwire.files.service import FINISHED_FOLDER, PARTIALS_FOLDER
from talkwire.identity.secret import FILE_NAME as SECRET_FILE
from talkwire.settings import Settings, SettingsError
from talkwire.storage.engine import reading_engine
from talkwire.storage.migrations import NewerTablesError
from talkwire.storage.transfer.copying import Copied, copy_database
from talkwire.storage.transfer.errors import MovingError, SourceError, TargetError
from talkwire.storage.transfer.tables import Summed
from talkwire.storage.unfinished import UnfinishedError

CHECKSUM_DIGITS = 16
"""Number of digits of a checksum that are shown: enough to compare tables."""


@takes_settings("data", "files")
def copy(
    *,
    from_: Annotated[
        str, Parameter(name="--from", help="Database to copy: sqlite:///path or postgresql://…", metavar="URL")
    ],
    to: Annotated[
        str, Parameter(help="Database to fill: an empty one, or one with an interrupted copy.", metavar="URL")
    ],
    **flags: Flag,
) -> None:
    """Copy a whole chat into another database. Clients can resume on the copy where they were on the original.

    No server may run on either database meanwhile. Start an interrupted copy again to continue it.
    """
    settings = load(flags).settings
    source, target = _side("--from", from_), _side("--to", to)
    if source.file is not None and target.file is not None and source.file.resolve() == target.file.resolve():
        raise Misuse("--from and --to are the same database")
    if source.file is not None and not source.file.exists():
        raise Failure(f"{source.shown}: database not found")
    with source.owned(), target.owned():
        source.check()
        target.check()
        copied = _copy(source, target)
    if copied.was_copied_before:
        rows = sum(summed.rows for summed in copied.values())
        print_result(f"{target.shown} is already complete: {rows} rows, nothing to copy.")
        return
    print_list(("TABLE", "ROWS", "CHECKSUM"), list(_shown(copied)))
    print_result(f"Copied {source.shown} to {target.shown}; all rows and checksums are the same in both.")
    for note in _notes(source, settings, copied):
        print_note(note)


@dataclass(frozen=True)
class _Side:
    """One of the two databases of a copy: the source or the target."""

    settings: Settings

    @property
    def file(self) -> Path | None:
        return self.settings.sqlite_file

    @property
    def shown(self) -> str:
        return printable_database(self.settings)

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Prevents servers from opening this database until the context ends, if it is SQLite.

        Raises Failure if a server has it open, and DataFolderError if its folder cannot be used.
        """
        try:
            with owned_database(self.settings):
                yield
        except FolderInUse as error:
            raise Failure(f"{error}: stop it first") from None

    def check(self) -> None:
        """Raises Failure if this database is unavailable or invalid. The copy calls it for both databases before it
        starts.
        """
        with database_failures(self.settings):
            engine = reading_engine(url_of(self.settings), 1)
            try:
                inspect(engine).get_table_names()
            finally:
                engine.dispose()


def _side(option: str, url: str) -> _Side:
    try:
        settings = Settings(database=url)
    except SettingsError as error:
        raise Misuse(f"{option}: {error.problems[0].message}") from None
    return _Side(settings)


def _copy(source: _Side, target: _Side) -> Copied:
    try:
        with progress_display() as progress:
            return copy_database(url_of(source.settings), url_of(target.settings), source.shown, progress)
    except SourceError as error:
        raise Failure(f"{source.shown}: {error}") from error
    except TargetError as error:
        raise Failure(f"{target.shown}: {error}") from error
    except (MovingError, NewerTablesError, UnfinishedError) as error:
        raise Failure(str(error)) from error
    except SQLAlchemyError as error:
        again = "run the same talkwire copy again to continue"
        raise Failure(f"the copy to {target.shown} was interrupted: {reason_of(error)}; {again}") from error


def _shown(copied: Mapping[str, Summed]) -> Iterator[tuple[str, str, str]]:
    for name, summed in copied.items():
        yield name, str(summed.rows), summed.sha256[:CHECKSUM_DIGITS]


def _notes(source: _Side, settings: Settings, copied: Mapping[str, Summed]) -> Iterator[str]:
    """Yields sentences for the operator about what a server on the copied database needs besides it: the uploaded files
    and the secret that signs tokens. `copied` has the number of copied rows by table name."""
    folder = settings.data if source.file is None else source.file.parent
    place = settings.files or str(folder / FINISHED_FOLDER)
    if files := copied["files"].rows:
        yield f"The bytes of {files} uploaded files stay in {place}: the new server needs the same place (--files)."
    if copied["uploads"].rows:
        yield f"Unfinished uploads start again, unless the new server has {folder / PARTIALS_FOLDER} in its --data."
    secret = folder / SECRET_FILE
    if source.file is not None and secret.exists():
        yield (
            "For tokens that were issued before, the new server needs the same secret: "
            f"set JWT_SECRET to the content of {secret}."
        )
