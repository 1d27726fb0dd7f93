"""`talkwire backup` and `talkwire restore` as their user meets them."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update

from talkwire.storage.engine import sqlite_url, writing_engine
from talkwire.storage.schema import files, log_head
from talkwire.storage.transfer.target import Target
from tests.cli.conftest import CommandResult
from tests.cli.processes import Answer, RunningServer
from tests.cli.test_copying import refusal
from tests.databases import PostgresServer

Command = Callable[..., CommandResult]

NO_MORE_THAN_512_KIB = ("sh", "-c", 'ulimit -f 1024; exec "$@"', "sh")
DIGEST = "0123456789abcdef" * 4


@pytest.fixture
def chat(command: Command, where: list[str]) -> list[str]:
    """A conversation; the flags that lead to it."""
    command("conversation", "create", "--id", "talk-1", "alice", "bob", *where)
    return where


@pytest.fixture
def alone(command: Command) -> None:
    """Creates a chat in this folder, without a server."""
    assert command("conversation", "create", "--id", "talk-1", "alice", "bob").exit_code == 0


@pytest.fixture
def empty(postgresql: PostgresServer) -> Iterator[str]:
    name = postgresql.create()
    yield postgresql.url_of(name).render_as_string(hide_password=False)
    postgresql.drop(name)


def add_file(id_: str) -> None:
    """The row of an uploaded file in this folder's chat."""
    row = {"owner_id": "alice", "name": "n", "content_type": "t", "size": 9, "upload_length": 9, "created_ms": 1}
    engine = writing_engine(sqlite_url(Path("talkwire-data/talkwire.db")))
    with engine.begin() as connection:
        connection.execute(insert(files), row | {"id": id_, "digest": DIGEST})
    engine.dispose()


def in_folder(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_made_whether_a_server_runs_or_not(command: Command, chat: list[str]) -> None:
    data = Path(chat[1])
    before = in_folder(data)
    result = command("backup", "chat.backup", *chat)
    assert result.exit_code == 0, result
    assert result.out.startswith("Backed up 0 messages, 2 users and 0 uploaded files to chat.backup (")
    assert Path("chat.backup").stat().st_mode & 0o777 == 0o600
    assert in_folder(data) == before
    assert command("restore", "chat.backup", "--data", "new").out == (
        "Restored 0 messages, 2 users and 0 uploaded files to new/talkwire.db; rows and checksums match the backup.\n"
    )
    assert command("conversation", "list", "--data", "new").out.startswith("talk-1\t")
    assert in_folder(Path("new")) == ["lock", "talkwire.db"]


def test_a_backup_moves_to_the_other_database_and_back(command: Command, alone: None, empty: str) -> None:
    assert command("backup", "first.backup").exit_code == 0
    assert command("restore", "first.backup", "--database", empty).exit_code == 0
    assert command("backup", "second.backup", "--database", empty).exit_code == 0
    assert command("restore", "second.backup", "--data", "new").exit_code == 0
    assert command("conversation", "list", "--data", "new").out.startswith("talk-1\t")


def test_uploaded_files_come_along(command: Command, alone: None) -> None:
    place = Path("talkwire-data/files/ab") / ("ab" * 16) / DIGEST
    place.mkdir(parents=True)
    (place / "content").write_bytes(b"a picture")
    (place / "thumbnail").write_bytes(b"small")
    (place / "large-thumbnail").write_bytes(b"larger")
    add_file("ab" * 16)
    add_file("cd" * 16)
    result = command("backup", "b")
    assert "and 1 uploaded files to b" in result.out
    assert "1 uploaded files were not in talkwire-data/files, or were removed meanwhile." in result.err
    assert command("restore", "b", "--data", "new").exit_code == 0
    restored = Path("new/files") / place.relative_to("talkwire-data/files")
    assert {path.name: path.read_bytes() for path in restored.iterdir()} == {
        "content": b"a picture",
        "thumbnail": b"small",
        "large-thumbnail": b"larger",
    }
    assert command("restore", "b", "--data", "other", "--files", "elsewhere").exit_code == 0
    assert (Path("elsewhere") / place.relative_to("talkwire-data/files") / "content").exists()
    # Files on S3 are not in the backup.
    bucket = ("--files", "s3://bucket/prefix")
    assert "they stay in s3://bucket/prefix" in command("backup", "c", *bucket).err
    assert "the server needs s3://bucket/prefix" in command("restore", "c", "--data", "third").err


def test_a_file_is_not_replaced_without_the_option(command: Command, alone: None) -> None:
    Path("b").write_text("precious")
    assert refusal(command("backup", "b")) == "b: exists already; use --overwrite to replace it"
    assert Path("b").read_text() == "precious"
    assert command("backup", "b", "--overwrite").exit_code == 0
    assert command("restore", "b", "--data", "new").exit_code == 0


def test_a_backup_has_to_have_a_place(command: Command, alone: None) -> None:
    assert refusal(command("backup", "no/b")) == "no/b: cannot be created: No such file or directory"
    assert refusal(command("backup", "talkwire-data")) == "talkwire-data: is a folder"
    assert refusal(command("backup", "talkwire-data/talkwire.db/b")) == (
        "talkwire-data/talkwire.db/b: cannot be created: Not a directory"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_reported(command: Command, alone: None) -> None:
    Path("closed").mkdir(0o500)
    assert refusal(command("backup", "closed/b")) == "closed/b: cannot be created: Permission denied"


def test_a_full_disk_is_reported_and_no_file_stays(fresh_talkwire: Callable[..., Answer], alone: None) -> None:
    place = Path("talkwire-data/files/ab") / ("ab" * 16) / DIGEST
    place.mkdir(parents=True)
    (place / "content").write_bytes(bytes(1024 * 1024))
    add_file("ab" * 16)
    answer = fresh_talkwire("backup", "b", prefix=NO_MORE_THAN_512_KIB)
    assert answer.exit_code == 1
    assert answer.err.splitlines()[-1] == "talkwire: b: File too large"
    assert in_folder(Path()) == ["talkwire-data"]


def test_there_has_to_be_a_chat(command: Command, empty: str) -> None:
    assert refusal(command("backup", "b")) == "talkwire-data/talkwire.db: database not found"
    assert refusal(command("backup", "b", "--database", empty)) == f"{empty}: there is no chat in the database"
    assert in_folder(Path()) == []


def test_an_unavailable_database_is_reported(command: Command, alone: None) -> None:
    away = ("--database", "postgresql://talkwire:hunter2@127.0.0.1:1/talkwire")
    assert command("backup", "b").exit_code == 0
    for result in (command("backup", "c", *away), command("restore", "b", *away)):
        assert "the database postgresql://talkwire:***@127.0.0.1:1/talkwire cannot be used: " in refusal(result)
    assert in_folder(Path()) == ["b", "talkwire-data"]


def test_an_incomplete_backup_is_refused_before_anything_is_created(command: Command, alone: None) -> None:
    assert command("backup", "b").exit_code == 0
    whole = Path("b").read_bytes()
    with tarfile.open("b") as archive:
        members = archive.getmembers()
    middle = members[len(members) // 2]
    # A whole member, and half a header, are followed by nothing; half a member may also have a damaged size.
    Path("cut").write_bytes(whole[: middle.offset])
    Path("cut-in-header").write_bytes(whole[: middle.offset + tarfile.BLOCKSIZE // 2])
    Path("cut-in-content").write_bytes(whole[: middle.offset_data + middle.size // 2])
    changed = bytearray(whole)
    changed[middle.offset_data] ^= 1
    Path("changed").write_bytes(changed)
    Path("text").write_text("no backup")
    for name in ("cut", "cut-in-header"):
        assert refusal(command("restore", name, "--data", "new")) == f"{name}: was cut off: its end is missing"
    result = refusal(command("restore", "cut-in-content", "--data", "new"))
    assert result == "cut-in-content: is damaged or was cut off"
    result = refusal(command("restore", "changed", "--data", "new"))
    assert result == "changed: was changed or damaged since it was written"
    assert refusal(command("restore", "text", "--data", "new")) == "text: is no backup of Talkwire"
    assert refusal(command("restore", "none", "--data", "new")) == "none: No such file or directory"
    assert refusal(command("restore", "talkwire-data", "--data", "new")) == "talkwire-data: Is a directory"
    assert not Path("new").exists()


def test_a_restore_needs_an_empty_database(command: Command, alone: None, server: RunningServer) -> None:
    assert command("backup", "b").exit_code == 0
    result = refusal(command("restore", "b"))
    assert result.startswith("talkwire-data/talkwire.db: the database has this chat already")
    assert command("conversation", "create", "--id", "other", "x", "y", "--data", "new").exit_code == 0
    result = refusal(command("restore", "b", "--data", "new"))
    assert result == "new/talkwire.db: the database is not empty: there are rows in conversations"
    assert command("conversation", "list", "--data", "new").out.startswith("other\t")
    assert "is in use by the process" in refusal(command("restore", "b", "--data", str(server.data)))


def test_a_half_restored_database_is_not_opened(
    command: Command, talkwire: Callable[..., Answer], alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("backup", "b").exit_code == 0
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Target, "finish", lambda *_, **__: None)
        command("restore", "b", "--data", "new")
    expected = "the database holds an unfinished restore of b: run the same talkwire restore again"
    assert refusal(talkwire("serve", "--port", "0", "--data", "new")) == expected
    assert refusal(command("user", "list", "--data", "new")) == expected
    assert command("restore", "b", "--data", "new").exit_code == 0
    assert command("user", "list", "--data", "new").exit_code == 0


def test_a_file_that_names_its_own_place_is_refused(
    command: Command, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The author of a backup must not choose where its files are written."""
    add_file("../" * 5)
    Path("talkwire-data/files").mkdir()
    Path("talkwire-data/files/somewhere").write_bytes(b"x")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("talkwire.files.byte_store.FileKey.key", "somewhere")
        assert command("backup", "b").exit_code == 0
    assert "has a file with an invalid name: files/../../" in refusal(command("restore", "b", "--data", "new"))


def test_an_older_database_is_to_be_migrated_first(command: Command, alone: None) -> None:
    engine = writing_engine(sqlite_url(Path("talkwire-data/talkwire.db")))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
        connection.execute(update(log_head).values(pos=1))
    engine.dispose()
    expected = "talkwire-data/talkwire.db: the database has tables of version 0003; run `talkwire migrate` first"
    assert refusal(command("backup", "b")) == expected
    assert not Path("b").exists()
