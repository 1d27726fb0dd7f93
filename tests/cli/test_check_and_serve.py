"""`talkwire check` and `talkwire serve` agree: what check accepts is served and stores a message, and what check calls
wrong is refused at the start, in the same words. Each situation is a row of `SITUATIONS`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from talkwire.identity.issuer import TokenIssuer
from tests.cli.conftest import CommandResult
from tests.cli.processes import running_server
from tests.databases import PostgresServer, migrate_url, postgresql_server, server_owner
from tests.http_client import http_post
from tests.waiting import DEADLINE_S, wait_until

SECRET = "0123456789abcdef0123456789abcdef"
ROLE = "chat_role"
SCHEMA = "chat_schema"

Database = str
"""The address of a database."""


class Place:
    """A PostgreSQL server with an empty database, which belongs to a role without other rights."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.name = "chat"
        self.execute(f"CREATE ROLE {ROLE} LOGIN")
        self.create()

    def create(self, options: str = "") -> None:
        self.execute(f"DROP DATABASE IF EXISTS {self.name}")
        self.execute(f"CREATE DATABASE {self.name} OWNER {ROLE} TEMPLATE template0 {options}")

    def execute(self, statement: str, database: str = "postgres", server: PostgresServer | None = None) -> None:
        folder = (server or self.server).folder
        with psycopg.connect(host=str(folder), user="talkwire", dbname=database, autocommit=True) as connection:
            connection.execute(statement.encode())

    def in_it(self, statement: str) -> None:
        self.execute(statement, self.name)

    def url(self, query: str = "", folder: Path | None = None) -> Database:
        return f"postgresql://{ROLE}@/{self.name}?host={folder or self.server.folder}{query}"

    def remove(self) -> None:
        self.server.drop(self.name)
        self.execute(f"DROP ROLE {ROLE}")


Arrange = Callable[[Place], AbstractContextManager[Database]]


class Situation(NamedTuple):
    """What is arranged, and a part of the text with which it is refused; None if the server can work."""

    name: str
    arrange: Arrange
    refused: str | None = None


def _as_it_is(place: Place) -> Generator[Database]:
    yield place.url()


def _with_role(*settings: str, query: str = "") -> Arrange:
    """The role has settings of its own."""

    @contextmanager
    def arrange(place: Place) -> Generator[Database]:
        for setting in settings:
            place.execute(f"ALTER ROLE {ROLE} SET {setting}")
        yield place.url(query)

    return arrange


def _with_encoding(name: str) -> Arrange:
    @contextmanager
    def arrange(place: Place) -> Generator[Database]:
        place.create(f"ENCODING '{name}' LC_COLLATE 'C' LC_CTYPE 'C'")
        yield place.url()

    return arrange


def _with_schema(*, of_role: bool, query: str = "") -> Arrange:
    """The database has a further schema, which the role uses if `of_role`, or else its address says so by `query`."""

    @contextmanager
    def arrange(place: Place) -> Generator[Database]:
        place.in_it(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {ROLE}")
        if of_role:
            place.execute(f"ALTER ROLE {ROLE} SET search_path = {SCHEMA}")
        yield place.url(query)

    return arrange


def _of_another_owner(*statements: str, migrated: bool) -> Arrange:
    """The database belongs to another role."""

    @contextmanager
    def arrange(place: Place) -> Generator[Database]:
        place.execute(f"ALTER DATABASE {place.name} OWNER TO talkwire")
        if migrated:
            migrate_url(place.server.url_of(place.name))
        for statement in statements:
            place.in_it(statement)
        yield place.url()

    return arrange


@contextmanager
def _older_tables(place: Place) -> Generator[Database]:
    migrate_url(place.server.url_of(place.name))
    place.in_it("UPDATE alembic_version SET version_num = '0037'")
    place.in_it(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
    yield place.url()


@contextmanager
def _standby(place: Place) -> Generator[Database]:
    with place.server.copied() as copy:
        copy.stop()
        (copy.folder / "data" / "standby.signal").touch()
        copy.start()
        yield place.url(folder=copy.folder)


def _behind_pgbouncer(mode: str, *more: str, query: str = "", of_role: str | None = None) -> Arrange:
    @contextmanager
    def arrange(place: Place) -> Generator[Database]:
        place.in_it(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {ROLE}")
        if of_role is not None:
            place.execute(f"ALTER ROLE {ROLE} SET {of_role}")
        with _pgbouncer(place, f"pool_mode = {mode}", *more) as folder:
            yield place.url(query, folder)

    return arrange


@contextmanager
def _pgbouncer(place: Place, *lines: str) -> Generator[Path]:
    """Runs a PgBouncer in front of the server, and yields the folder of its socket."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    folder = place.server.folder / "pgbouncer"
    folder.mkdir()
    (folder / "users").write_text(f'"{ROLE}" ""\n')
    (folder / "ini").write_text(
        "\n".join(
            [
                *("[databases]", f"* = host={place.server.folder}", "[pgbouncer]", f"unix_socket_dir = {folder}"),
                *("listen_addr =", "listen_port = 5432", "auth_type = trust", f"auth_file = {folder}/users"),
                *(f"logfile = {folder}/log", *lines, ""),
            ]
        )
    )
    owner = server_owner()
    if owner:
        shutil.chown(folder, owner["user"], owner["group"])
    process = subprocess.Popen([program, "-q", folder / "ini"], cwd=folder, stdin=subprocess.DEVNULL, **owner)
    try:
        wait_until((folder / ".s.PGSQL.5432").exists)
        yield folder
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
        shutil.rmtree(folder)


_RIGHTS = [f"GRANT ALL ON ALL {kind} IN SCHEMA public TO {ROLE}" for kind in ("TABLES", "SEQUENCES")]
_OPTIONS = f"&options=-csearch_path%3D{SCHEMA}"
_IGNORED = "ignore_startup_parameters = options,extra_float_digits"
_SESSIONS = "gives each transaction another session"

SITUATIONS = [
    Situation("a usual database", contextmanager(_as_it_is)),
    Situation("LATIN1", _with_encoding("LATIN1"), "the database has the encoding LATIN1; Talkwire needs UTF8"),
    Situation("WIN1252", _with_encoding("WIN1252"), "the database has the encoding WIN1252; Talkwire needs UTF8"),
    Situation("SQL_ASCII", _with_encoding("SQL_ASCII"), "the database has the encoding SQL_ASCII; Talkwire needs UTF8"),
    Situation("synchronous_commit off", _with_role("synchronous_commit = off")),
    Situation("serializable", _with_role("default_transaction_isolation = 'serializable'")),
    Situation("repeatable read", _with_role("default_transaction_isolation = 'repeatable read'")),
    Situation("short limits", _with_role("idle_session_timeout = '1s'", "statement_timeout = '1s'")),
    Situation("odd formats", _with_role("bytea_output = escape", "DateStyle = German", "client_encoding = LATIN1")),
    Situation(
        "read-only role", _with_role("default_transaction_read_only = on"), "is read-only for the role chat_role"
    ),
    Situation("standby", _standby, "is a standby, which is read-only"),
    Situation("no CREATE", _of_another_owner(migrated=False), "permission denied for schema public"),
    Situation(
        "no CREATE on tables of another role",
        _of_another_owner(*_RIGHTS, migrated=True),
    ),
    Situation(
        "no rights on a table",
        _of_another_owner(*_RIGHTS, f"REVOKE INSERT ON messages FROM {ROLE}", migrated=True),
        "permission denied for messages: the role chat_role needs SELECT, INSERT, UPDATE and DELETE",
    ),
    Situation("no rights on sequences", _of_another_owner(_RIGHTS[0], migrated=True), "_id_seq"),
    Situation("older tables of another role", _older_tables, "run talkwire migrate as the owner"),
    Situation("schema of the role", _with_schema(of_role=True)),
    Situation("schema in the address", _with_schema(of_role=False, query=_OPTIONS)),
    Situation("missing schema", _with_role("search_path = nowhere"), "may use no schema of its search_path (nowhere)"),
    Situation("PgBouncer", _behind_pgbouncer("session", of_role="synchronous_commit = off")),
    Situation("PgBouncer that drops options", _behind_pgbouncer("session", _IGNORED, of_role="lock_timeout = '1ms'")),
    Situation(
        "PgBouncer that refuses options of the address",
        _behind_pgbouncer("session", query=_OPTIONS),
        "does not pass on the connection parameter options",
    ),
    Situation(
        "PgBouncer that drops options of the address",
        _behind_pgbouncer("session", _IGNORED, query=_OPTIONS),
        "search_path is not set as the address says",
    ),
    Situation("transaction mode", _behind_pgbouncer("transaction"), _SESSIONS),
    Situation(
        "transaction mode, one after the other", _behind_pgbouncer("transaction", "server_round_robin = 1"), _SESSIONS
    ),
    Situation("transaction mode, one session", _behind_pgbouncer("transaction", "default_pool_size = 1"), _SESSIONS),
    Situation("statement mode", _behind_pgbouncer("statement"), _SESSIONS),
]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own, which has no other roles and is copied."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def place(server: PostgresServer, tmp_path: Path) -> Iterator[Place]:
    place = Place(server, tmp_path)
    yield place
    place.remove()


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_what_check_says_is_what_serve_does(
    place: Place, situation: Situation, command: Callable[..., CommandResult]
) -> None:
    with situation.arrange(place) as url:
        flags = ["--jwt-secret", SECRET, "--database", url]
        checked = command("check", "--port", "0", *flags)
        if situation.refused is None:
            assert (checked.exit_code, checked.out.count("wrong ")) == (0, 0), checked.out
            _serve_a_message(place.folder, flags)
        else:
            served = command("serve", "--port", "0", *flags)
            assert (checked.exit_code, served.exit_code, served.out) == (1, 1, "")
            assert situation.refused in served.err
            assert served.err.replace("talkwire: ", "wrong    database: ", 1) in checked.out


def _serve_a_message(folder: Path, flags: list[str]) -> None:
    issuer = TokenIssuer(SECRET)
    with running_server(folder, *flags) as running:
        for user, role, path, body in (
            (
                "backend",
                "service",
                "conversations",
                {"id": "room", "kind": "group", "name": "R", "memberIds": ["alice"]},
            ),
            ("alice", None, "messages", {"conversationId": "room", "content": "Grüße 😀"}),
        ):
            token = issuer.issue(user, ttl_s=600, role=role)
            headers = {"Authorization": f"Bearer {token}"}
            answer = http_post(f"{running.url}/api/v1/{path}", json=body, headers=headers)
            assert answer.status_code == 201, answer.text
