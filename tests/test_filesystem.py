"""What file systems of network drives refuse: the fsync of a folder, and hard links."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from talkwire.cli import main
from talkwire.core.domain.errors import ChatError
from talkwire.files.byte_store import ByteStore, FileKey
from talkwire.files.holders import folder_id
from talkwire.files.reasons import reason_of
from talkwire.filesystem import sync_folder
from talkwire.identity.secret import load_or_create_secret

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
