"""Servers for the tests: `talkwire serve` as a process, or a server in the test's process whose objects are
accessible."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from talkwire.app import Node
from talkwire.composition.admission import http_limits
from talkwire.identity.issuer import TokenIssuer
from talkwire.realtime.serving.server import Server, listen
from talkwire.settings import Settings
from tests.chat.description import Routes
from tests.forked_talkwire import Process, Streams, start_python
from tests.protocol.server_process import reserved_port
from tests.waiting import DEADLINE_S, wait_until

SECRET = "a secret for tests, of more than 32 characters"
TALKWIRE = ("-m", "talkwire")
START_DEADLINE_S = 120.0


class ChatAddress:
    """The address of a server, and a way to issue tokens that it accepts."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def websocket_url(self) -> str:
        return "ws" + self.url.removeprefix("http")

    @staticmethod
    def token(user_id: str, *, ttl_s: float = 600, role: str | None = None) -> str:
        """A token for a user; the role `service` is the application's backend."""
        return TokenIssuer(SECRET).issue(user_id, ttl_s=ttl_s, name=user_id.title(), role=role)


class ServerProcess(ChatAddress):
    """A server in its own process."""

    def __init__(self, url: str, process: Process, log: Path, data: Path) -> None:
        super().__init__(url)
        self.data = data
        self.process = process
        self.routes: Routes | None = None
        self._log = log

    def logged(self) -> list[dict[str, object]]:
        """Returns the server's log entries so far."""
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def logged_errors(self) -> list[dict[str, object]]:
        return [line for line in self.logged() if line.get("level") in {"error", "critical"} or "exception" in line]

    def wait_ended(self) -> int:
        return self.process.wait(DEADLINE_S)


@contextmanager
def running_chat(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
    program: Sequence[str] = TALKWIRE,
    descriptors: int | None = None,
) -> Iterator[ServerProcess]:
    """Yields a server that responds, and kills it afterwards if it still runs. `program` is a module or a script, as
    arguments of `python`, that accepts the command line of `talkwire`. `descriptors` limits its number of open files.
    """
    port = port or reserved_port()
    log = folder / "server.log"
    variables = {
        **os.environ,
        "JWT_SECRET": SECRET,
        "TALKWIRE_ACCOUNTS": "open",
        "TALKWIRE_DATA": str(folder / "data"),
        "TALKWIRE_LOG_FORMAT": "json",
        "TALKWIRE_RATE_LIMITS": "off",
        "TALKWIRE_DRAIN_S": "0",
        # No node takes another for dead that a busy machine only delays.
        "TALKWIRE_LEASE_S": "30",
        "TALKWIRE_CREATE_CHANNEL": "everyone",
        **(environment or {}),
    }
    with Path(os.devnull).open("rb") as nothing, log.open("wb") as output:
        command = [*program, "serve", "--port", str(port)]
        process = start_python(command, Streams(nothing, output, output), variables, folder)
    if descriptors is not None:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (descriptors // 2, descriptors))
    server = ServerProcess(f"http://127.0.0.1:{port}", process, log, folder / "data")
    try:
        _wait_until_ready(server, log)
        yield server
    finally:
        process.kill()
        process.wait(DEADLINE_S)


def _wait_until_ready(server: ServerProcess, log: Path) -> None:
    http = build_opener(ProxyHandler({}))

    def is_ready() -> bool:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()}")
        try:
            http.open(f"{server.url}/readyz", timeout=1).close()
        except OSError:
            return False
        return True

    try:
        wait_until(is_ready, within_s=START_DEADLINE_S)
    except TimeoutError as error:
        error.add_note(log.read_text())
        raise


@asynccontextmanager
async def serving(talkwire: Node) -> AsyncIterator[ChatAddress]:
    """Serves in this process, and stops gracefully afterwards."""
    listening = listen("127.0.0.1", 0)
    async with talkwire.started():
        server = Server(
            talkwire.engine,
            talkwire.app,
            shutdown_s=2,
            on_shutdown=talkwire.files.uploads.stop_waiting,
            limits=http_limits(talkwire.settings),
        )
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield ChatAddress(f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            await task


def jump_ahead(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Moves the clock of the running event loop, so that what would end within these seconds ends now."""
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + seconds)


def in_process(folder: Path, files: str | None = None) -> Node:
    """Returns a server for `serving`. `files` is the location of its files, if not in the data folder."""
    settings = Settings(
        data=folder / "data",
        jwt_secret=SECRET,
        rate_limits=False,
        files=files,
        accounts="open",
        create_channel="everyone",
    )
    return Node(settings)
