"""A PostgreSQL server that can be restarted, killed and paused at any moment."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import psycopg

from rigs.torture.cluster.processes import children_of, end, signal_all, wait_until
from tests.databases import server_owner, server_programs

STARTS_WITHIN_S = 60.0
_USER = "talkwire"
_DATABASE = "talkwire"


class PostgreSQL:
    """`folder` holds its socket, so it has a short path."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tw-pg-"))
        self._owner = server_owner()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped: list[int] = []

    @property
    def url(self) -> str:
        """The URL for Talkwire."""
        return f"postgresql://{_USER}@/{_DATABASE}?host={self.folder}"

    @property
    def connection_text(self) -> str:
        """The connection string for psycopg."""
        return f"host={self.folder} user={_USER} dbname={_DATABASE} connect_timeout=5"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    async def create(self) -> None:
        """Makes an empty database and starts its server."""
        if self._owner:
            shutil.chown(self.folder, self._owner["user"], self._owner["group"])
        self._programs = server_programs(self.folder, self._owner)
        arguments = ["-D", "data", "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        initdb = [str(self._programs / "initdb"), *arguments]
        run = partial(subprocess.run, initdb, cwd=self.folder, check=True, capture_output=True, **self._owner)
        await asyncio.to_thread(run)
        await self.start()
        with psycopg.connect(host=str(self.folder), user=_USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_DATABASE}".encode())

    async def start(self) -> None:
        self._launch()
        await wait_until(self._answers, "PostgreSQL answers", STARTS_WITHIN_S)

    def _launch(self) -> None:
        # Its processes are killed here, never the machine, so what the kernel has is as good as what the disk has.
        folder = str(self.folder)
        arguments = [str(self._programs / "postgres"), "-D", f"{folder}/data", "-k", folder, "-h", "", "-F"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                arguments, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._owner
            )

    async def stop(self, *, immediately: bool = False) -> None:
        """Stops the server: fast, or `immediately` like a crash, after which the next start recovers from the
        write-ahead log.
        """
        self.resume()
        if self._process is not None:
            await end(self._process, signal.SIGQUIT if immediately else signal.SIGINT)

    async def kill(self) -> None:
        """Kills every process of it. The first one is stopped before, so that it starts no others."""
        self.pause()
        pids = self._stopped
        self._stopped = []
        signal_all(pids, signal.SIGKILL)
        if self._process is not None:
            await end(self._process, signal.SIGKILL)

    def pause(self) -> None:
        """Stops every process of it. First the one that would start others."""
        assert self._process is not None
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)
        self._stopped = [pid, *children_of(pid)]
        signal_all(self._stopped, signal.SIGSTOP)

    def resume(self) -> None:
        signal_all(list(reversed(self._stopped)), signal.SIGCONT)
        self._stopped = []

    async def close(self) -> None:
        try:
            await self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended: {self.log.read_text()[-2000:]}")
        try:
            connection = await psycopg.AsyncConnection.connect(
                host=str(self.folder), user=_USER, dbname="postgres", connect_timeout=5
            )
        except psycopg.OperationalError:
            return False
        await connection.close()
        return True


class HeadLock:
    """A session that has the log's head locked, as a client of the database that hangs would."""

    def __init__(self, postgresql: PostgreSQL) -> None:
        self._postgresql = postgresql
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None

    async def take(self) -> None:
        self._connection = await psycopg.AsyncConnection.connect(self._postgresql.connection_text)
        await self._connection.execute("SELECT pos FROM log_head FOR UPDATE")

    async def release(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
