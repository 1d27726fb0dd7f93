"""`talkwire copy` as its user meets it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.engine import URL

from talkwire.identity.secret import load_or_create_secret
from talkwire.storage.engine import database_url, sqlite_url, writing_engine
from talkwire.storage.migrations import migrate
from talkwire.storage.schema import files, uploads
from talkwire.storage.transfer.target import Target
from tests.cli.conftest import CommandResult
from tests.cli.processes import Answer, RunningServer, running_server
from tests.databases import PostgresServer

Command = Callable[..., CommandResult]

SOURCE = "sqlite:///talkwire-data/talkwire.db"


@pytest.fixture
def chat(command: Command) -> None:
    """One in this folder."""
    assert command("conversation", "create", "--id", "talk-1", "alice", "bob").exit_code == 0


@pytest.fixture
def empty(postgresql: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = postgresql.create()
    yield shown(postgresql.url_of(name))
    postgresql.drop(name)


def shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def refusal(result: CommandResult | Answer, exit_code: int = 1) -> str:
    """The one line of a command that has not worked."""
    assert (result.exit_code, result.out) == (exit_code, ""), result
    lines = [line for line in result.err.splitlines() if line.startswith("talkwire: ")]
    assert len(lines) == 1, result
    assert result.err.endswith(f"{lines[0]}\n")
    return lines[0].removeprefix("talkwire: ")


def test_a_copy_reports_the_copied_and_compared_rows(command: Command, chat: None, empty: str) -> None:
    result = command("copy", "--from", SOURCE, "--to", empty)
    assert result.exit_code == 0, result
    *tables, sentence = result.out.splitlines()
    counts = {name: (rows, checksum) for name, rows, checksum in (line.split("\t") for line in tables)}
    assert counts["members"][0] == "2"
    assert len(counts["members"][1]) == 16
    assert sentence.startswith(f"Copied talkwire-data/talkwire.db to {empty}; all rows and checksums are the same")
    assert "members: 2 rows" in result.err
    assert command("conversation", "list", "--database", empty).out.startswith("talk-1\t")
    # And what it has not copied, since it knows nothing of it: nothing here.
    assert "uploaded files" not in result.err


def test_a_copy_that_is_complete_succeeds_again(command: Command, chat: None, empty: str) -> None:
    rows = sum(
        int(line.split("\t")[1]) for line in command("copy", "--from", SOURCE, "--to", empty).out.splitlines()[:-1]
    )
    result = command("copy", "--from", SOURCE, "--to", empty)
    assert result.exit_code == 0, result
    assert result.out == f"{empty} is already complete: {rows} rows, nothing to copy.\n"


def test_a_copy_reports_other_requirements_of_the_new_server(command: Command, chat: None, empty: str) -> None:
    engine = writing_engine(sqlite_url(Path("talkwire-data/talkwire.db")))
    with engine.begin() as connection:
        upload = {"id": "f", "owner_id": "alice", "name": "n", "created_ms": 1}
        of_file = {"content_type": "t", "size": 1, "digest": "d", "upload_length": 1}
        connection.execute(insert(files), upload | of_file)
        connection.execute(insert(uploads), upload | {"length": 1, "expires_ms": 1})
    engine.dispose()
    load_or_create_secret(Path("talkwire-data"))
    notes = command("copy", "--from", SOURCE, "--to", empty).err
    assert "The bytes of 1 uploaded files stay in talkwire-data/files: the new server needs the same place" in notes
    assert "Unfinished uploads start again, unless the new server has talkwire-data/uploads in its --data." in notes
    assert "set JWT_SECRET to the content of talkwire-data/jwt-secret." in notes


def test_a_copy_goes_back_to_sqlite(command: Command, chat: None, empty: str) -> None:
    assert command("copy", "--from", SOURCE, "--to", empty).exit_code == 0
    Path("new").mkdir()
    assert command("copy", "--from", empty, "--to", "sqlite:///new/talkwire.db").exit_code == 0
    assert command("conversation", "list", "--data", "new").out.startswith("talk-1\t")


def test_a_database_that_a_server_has_is_not_copied(command: Command, server: RunningServer, empty: str) -> None:
    result = command("copy", "--from", f"sqlite:///{server.data}/talkwire.db", "--to", empty)
    assert (
        refusal(result) == f"{server.data} is in use by the process {server.process.pid} at {server.url}: stop it first"
    )


def test_a_server_that_names_its_file_is_noticed_too(command: Command, tmp_path: Path, empty: str) -> None:
    """Its lock file is elsewhere."""
    with running_server(tmp_path, "--database", "sqlite:///talkwire.db") as server:
        result = command("copy", "--from", "sqlite:///talkwire.db", "--to", empty)
        assert refusal(result).endswith(f"is in use by the process {server.process.pid} at {server.url}: stop it first")


def test_nothing_is_copied_into_a_database_that_a_server_has(
    command: Command, chat: None, server: RunningServer
) -> None:
    result = command("copy", "--from", SOURCE, "--to", f"sqlite:///{server.data}/talkwire.db")
    assert "stop it first" in refusal(result)


def test_a_server_on_postgresql_is_noticed(command: Command, tmp_path: Path, empty: str) -> None:
    with running_server(tmp_path, "--database", empty, "--jwt-secret", "x" * 32) as server:
        result = command("copy", "--from", empty, "--to", "sqlite:///copy.db")
        assert "a server is running on the source, or was killed seconds ago" in refusal(result)
        server.stop(signal.SIGTERM)
    assert command("copy", "--from", empty, "--to", "sqlite:///copy.db").exit_code == 0


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("talkwire.db", "sqlite:///a.db", "--from: must be a URL like postgresql://user@host/name or sqlite:///path"),
        ("sqlite:///a.db", "mysql://a/b", "--to: must be a URL like postgresql://user@host/name or sqlite:///path"),
        ("sqlite:///a.db", "postgresql://a:99999/b", "--to: the port must be a number from 1 to 65535"),
        ("sqlite:///a.db", "sqlite:///./a.db", "--from and --to are the same database"),
    ],
)
def test_invalid_addresses_are_refused(command: Command, source: str, target: str, expected: str) -> None:
    assert refusal(command("copy", "--from", source, "--to", target), 2) == expected


def test_both_sides_have_to_be_named(command: Command) -> None:
    assert "--to" in refusal(command("copy", "--from", SOURCE), 2)


def test_a_source_that_is_not_there_is_not_made(command: Command, tmp_path: Path) -> None:
    result = command("copy", "--from", "sqlite:///no.db", "--to", "sqlite:///new.db")
    assert refusal(result) == "no.db: database not found"
    assert list(tmp_path.iterdir()) == []


def test_a_source_without_a_chat_is_refused(command: Command, empty: str) -> None:
    assert (
        refusal(command("copy", "--from", empty, "--to", "sqlite:///new.db"))
        == f"{empty}: there is no chat in the database"
    )


def test_a_source_that_is_no_database_is_refused(command: Command) -> None:
    Path("a.db").write_text("no database" * 1000)
    expected = "the database a.db cannot be used: file is not a database"
    assert refusal(command("copy", "--from", "sqlite:///a.db", "--to", "sqlite:///b.db")) == expected


def test_a_target_in_a_missing_folder_is_refused(command: Command, chat: None) -> None:
    assert refusal(command("copy", "--from", SOURCE, "--to", "sqlite:///no/b.db")) == "no: there is no such folder"


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_an_unavailable_database_is_reported_without_its_password(command: Command, chat: None, option: str) -> None:
    away = "postgresql://talkwire:hunter2@127.0.0.1:1/talkwire"
    sides = {"--from": SOURCE, "--to": "sqlite:///b.db"} | {option: away}
    result = refusal(command("copy", *(word for side in sides.items() for word in side)))
    assert result.startswith("the database postgresql://talkwire:***@127.0.0.1:1/talkwire cannot be used: ")
    assert "hunter2" not in result


def test_a_target_that_is_not_empty_is_refused(command: Command, chat: None) -> None:
    Path("b").mkdir()
    assert command("conversation", "create", "--id", "other", "carol", "dave", "--data", "b").exit_code == 0
    result = refusal(command("copy", "--from", SOURCE, "--to", "sqlite:///b/talkwire.db"))
    assert result == "b/talkwire.db: the database is not empty: there are rows in conversations"
    assert command("conversation", "list", "--data", "b").out.startswith("other\t")


def test_an_unfinished_copy_is_not_opened(
    command: Command, talkwire: Callable[..., Answer], chat: None, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Target, "finish", lambda *_: None)
        assert command("copy", "--from", SOURCE, "--to", empty).exit_code == 0
    expected = "the database holds an unfinished copy of talkwire-data/talkwire.db: run the same talkwire copy again"
    secret = ("--jwt-secret", "x" * 32)
    assert refusal(talkwire("serve", "--port", "0", "--database", empty, *secret)) == expected
    assert refusal(command("user", "list", "--database", empty)) == expected
    assert refusal(command("migrate", "--database", empty)) == expected
    assert refusal(command("backup", "b", "--database", empty)) == expected
    assert f"wrong    database: {expected}" in command("check", "--port", "0", "--database", empty, *secret).out
    result = command("copy", "--from", SOURCE, "--to", empty)
    assert result.exit_code == 0
    assert "Continuing an unfinished copy." in result.err
    assert command("user", "list", "--database", empty).exit_code == 0


def test_tables_of_a_newer_version_are_left_alone(command: Command, chat: None, empty: str) -> None:
    engine = writing_engine(database_url(empty))
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for source, target in ((SOURCE, empty), (empty, "sqlite:///new.db")):
        assert "has tables of version 9999, newer than" in refusal(command("copy", "--from", source, "--to", target))
