"""The same commands on PostgreSQL, where they go into the database whether or not a server runs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from talkwire.storage.migrations import newest_revision
from tests.cli.conftest import CommandResult
from tests.databases import Database, PostgresServer

Command = Callable[..., CommandResult]


def flags_of(database: Database) -> list[str]:
    return ["--database", database.url.render_as_string(hide_password=False)]


@pytest.fixture
def empty(postgresql: PostgresServer) -> Iterator[Database]:
    name = postgresql.create()
    yield Database("postgresql", postgresql.url_of(name))
    postgresql.drop(name)


def test_an_empty_database_gets_its_tables(command: Command, empty: Database, tmp_path: Path) -> None:
    assert command("migrate", *flags_of(empty)).exit_code == 0
    assert command("user", "list", *flags_of(empty)) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_commands_go_into_the_database(
    command: Command, postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = flags_of(postgresql_database)
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert command("user", "add", "alice@example.com", "--name", "Alice", "--id", "alice", *where).out == "alice\n"
    assert command("conversation", "create", "--id", "talk-1", "alice", "bob", *where).out == "talk-1\n"
    assert command("user", "ban", "bob", *where).exit_code == 0
    users = json.loads(command("user", "list", "--json", *where).out)
    assert [(user["id"], user["banned"]) for user in users] == [("alice", False), ("bob", True)]


def test_tables_of_another_version_are_left_alone(command: Command, postgresql_database: Database) -> None:
    _pretend(postgresql_database, "0004")
    result = command("user", "list", *flags_of(postgresql_database))
    assert result == (
        1,
        "",
        "talkwire: the database has tables of version 0004; run `talkwire migrate` first\n",
    )


@pytest.mark.parametrize("name", ["migrate", "user list", "conversation list", "serve --port 0", "check --port 0"])
def test_every_command_refuses_tables_that_are_newer_than_it_knows(
    command: Command, postgresql_database: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")
    _pretend(postgresql_database, "9999")
    result = command(*name.split(), *flags_of(postgresql_database))
    expected = (
        f"the database has tables of version 9999, newer than {newest_revision()}, the newest that this version of "
        "Talkwire knows: run the newer one"
    )
    assert result.exit_code == 1
    if name.startswith("check"):
        assert f"wrong    database: {expected}\n" in result.out
    else:
        assert (result.out, result.err) == ("", f"talkwire: {expected}\n")


def _pretend(database: Database, revision: str) -> None:
    """Makes the tables look like those of another version."""
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_check_looks_at_it(command: Command, postgresql_database: Database) -> None:
    result = command(
        "check", "--port", "0", "--jwt-secret", "0123456789abcdef0123456789abcdef", *flags_of(postgresql_database)
    )
    assert result.exit_code == 0
    assert "responds; its tables are of version" in result.out
    assert "note     files: uploads are stored in talkwire-data" in result.out
