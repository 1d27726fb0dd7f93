"""What file systems of network drives refuse: the fsync of a folder, and locks."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import io
import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from talkwire.cli import main
from talkwire.cli.database import database_failures
from talkwire.cli.failures import Failure
from talkwire.core.domain.errors import ChatError
from talkwire.datafolder import DataFolderError, FolderLock, find_holder
from talkwire.files.byte_store import ByteStore, FileKey
from talkwire.files.holders import folder_id
from talkwire.files.partials import Partials
from talkwire.files.reasons import reason_of
from talkwire.filesystem import sync_folder
from talkwire.identity.secret import load_or_create_secret
from talkwire.settings import Settings

ID = "0123456789abcdef0123456789abcdef"

Refuse = Callable[[int], None]


@pytest.fixture
def refuse_fsync(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Lets the fsync of every folder, but of no file, fail with an error number."""
    fsync = os.fsync

    def refuse(number: int) -> None:
        def refusing(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(number, os.strerror(number))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", refusing)

    return refuse


def store_file(folder: Path) -> None:
    (folder / "source").write_bytes(b"x")
    asyncio.run(ByteStore(folder / "files").put(FileKey(ID, "d1", "content"), folder / "source"))
    assert (folder / "files" / ID[:2] / ID / "d1" / "content").read_bytes() == b"x"


def check_store(folder: Path) -> None:
    asyncio.run(ByteStore(folder / "files").check())


def create_secret(folder: Path) -> None:
    secret = load_or_create_secret(folder)
    assert load_or_create_secret(folder) == secret


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS])
@pytest.mark.parametrize("operation", [sync_folder, store_file, check_store, create_secret])
def test_a_folder_that_cannot_be_flushed_is_used_all_the_same(
    refuse_fsync: Refuse, tmp_path: Path, operation: Callable[[Path], None], number: int
) -> None:
    refuse_fsync(number)
    operation(tmp_path)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("operation", [sync_folder, store_file, check_store, create_secret])
def test_a_folder_whose_flush_fails_is_an_error_with_its_name(
    refuse_fsync: Refuse, tmp_path: Path, operation: Callable[[Path], None], number: int
) -> None:
    refuse_fsync(number)
    with pytest.raises((OSError, ChatError)) as failed:
        operation(tmp_path)
    reason = reason_of(failed.value)
    assert reason.startswith(str(tmp_path))
    assert reason.endswith(f": {os.strerror(number)}")


@pytest.mark.parametrize(("number", "exit_code"), [(errno.EINVAL, 0), (errno.EIO, 1)])
def test_a_backup_into_such_a_folder_succeeds_unless_the_disk_fails(
    refuse_fsync: Refuse, tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int, exit_code: int
) -> None:
    data = ("--data", str(tmp_path / "data"))
    assert main(("migrate", *data)) == 0
    refuse_fsync(number)
    assert main(("backup", str(tmp_path / "chat.backup"), *data)) == exit_code
    assert (f"talkwire: {tmp_path}: Input/output error\n" in capsys.readouterr().err) == bool(exit_code)
    assert (tmp_path / "chat.backup").exists()


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS])
def refused_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Returns the operating system's words for the refusal of each lock."""
    number: int = request.param

    def flock(_descriptor: int, _kind: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    return os.strerror(number)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.EIO])
@pytest.mark.parametrize("create", [load_or_create_secret, folder_id])
def test_files_are_created_once_also_without_hard_links(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, create: Callable[[Path], str], number: int
) -> None:
    def refusing(path: Path, _target: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "hardlink_to", refusing)
    if number == errno.EIO:
        with pytest.raises(OSError, match="Input/output error"):
            create(tmp_path)
        assert list(tmp_path.iterdir()) == []
        return
    first = create(tmp_path)
    assert create(tmp_path) == first
    assert len(list(tmp_path.iterdir())) == 1


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (of this process)


def test_a_folder_that_refuses_locks_is_named(refused_locks: str, tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    before = descriptors()
    line = f"{tmp_path}: locks are not supported there ({refused_locks}); use a folder on a local disk"
    for use in (FolderLock.acquire, find_holder):
        with pytest.raises(DataFolderError) as refused:
            use(tmp_path / "lock")
        assert str(refused.value) == line
    with pytest.raises(OSError, match="locks are not supported there") as failed:
        Partials(tmp_path).open(ID)
    assert reason_of(failed.value) == line
    assert descriptors() == before


def test_another_failure_of_a_lock_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def flock(_descriptor: int, _kind: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(DataFolderError) as failed:
        FolderLock.acquire(tmp_path / "lock")
    assert str(failed.value) == f"{tmp_path}/lock: cannot be locked: Input/output error"


def test_a_folder_that_may_not_be_listed_is_not_flushed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refusing(_path: Path, _flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refusing)
    sync_folder(tmp_path)


def test_output_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with contextlib.redirect_stdout(Full()):
        assert main(("token", "alice", "--jwt-secret", "s" * 32)) == 1
    assert capsys.readouterr().err == "talkwire: standard output: No space left on device\n"


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("migrate",), ("user", "list"), ("invite",)])
@pytest.mark.usefixtures("refused_locks")
def test_each_command_names_a_folder_that_refuses_locks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "lock").touch()
    (data / "talkwire.db").touch()
    assert main((*command, "--data", str(data))) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"talkwire: {data}: locks are not supported there (")


@pytest.mark.usefixtures("refused_locks")
def test_check_names_it_and_continues(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lock").touch()
    assert main(("check", "--port", "0", "--data", str(tmp_path))) == 1
    out = capsys.readouterr().out
    assert f"wrong    lock: {tmp_path}: locks are not supported there (" in out
    assert "ok       origins" in out
    assert f"wrong    data: {tmp_path}: locks are not supported there (" in out


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SQLITE_BUSY", "database is locked (SQLITE_BUSY): another program has it open, or "),
        ("SQLITE_IOERR_LOCK", "disk I/O error (SQLITE_IOERR_LOCK): its disk fails, or "),
        ("SQLITE_IOERR_SHMMAP", "disk I/O error (SQLITE_IOERR_SHMMAP): its disk fails, or "),
        ("SQLITE_PROTOCOL", "locking protocol (SQLITE_PROTOCOL): its disk fails, or "),
        ("SQLITE_NOTADB", "file is not a database"),
    ],
)
def test_an_error_of_sqlite_that_network_folders_cause_names_the_folder(
    tmp_path: Path, name: str, expected: str
) -> None:
    error = sqlite3.OperationalError(expected.partition(" (")[0])
    error.sqlite_errorname = name
    settings = Settings(data=tmp_path)
    with pytest.raises(Failure) as failed, database_failures(settings):
        raise OperationalError("SELECT 1", {}, error)
    end = f"{tmp_path} is on a network drive without locks; use a folder on a local disk" if expected[-1] == " " else ""
    assert str(failed.value) == f"the database {tmp_path}/talkwire.db cannot be used: {expected}{end}"


def test_a_database_that_another_program_has_locked_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("talkwire.storage.engine.BUSY_TIMEOUT_MS", 0)
    with contextlib.closing(sqlite3.connect(tmp_path / "talkwire.db")) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("CREATE TABLE t (x)")
        assert main(("migrate", "--data", str(tmp_path))) == 1
    line = capsys.readouterr().err
    assert "database is locked (SQLITE_BUSY): another program has it open" in line
    assert str(tmp_path) in line
