"""The helper whose forks are the servers and commands of the tests (`tests/forked_talkwire.py`).

It has imported everything, has started and stopped a node, and does nothing else: no thread, no event loop, no open
file. Forks share nothing with each other but the imports, the routes with their description, and the caches of the
libraries.

To build the routes takes a server as long as the rest of its start, and which routes it has depends on its settings. So
a fork reports which ones it had to build, and the helper builds those that were built twice.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import httpx
from litestar import Litestar

from talkwire.api import rest
from talkwire.app import Node
from talkwire.settings import Settings

_MESSAGE_BYTES = 1 << 17
_BUILT_AFTER = 2
_IMPORTED = (
    *("talkwire.cli.serve", "talkwire.running", "psycopg", "redis.asyncio", "uvloop"),
    *("talkwire.cli.backup", "talkwire.cli.check", "talkwire.cli.conversations", "talkwire.cli.copying"),
    *("talkwire.cli.invitations", "talkwire.cli.migration", "talkwire.cli.tokens", "talkwire.cli.users"),
)
"""What the commands import, before or after they have read their settings."""


def be_helper(owner: socket.socket, listening: socket.socket | None = None) -> None:
    """Forks for the owner, and for all that connect to `listening`, until the owner has closed its connection."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _import_talkwire()
    gc.collect()
    gc.freeze()
    arguments = _Forks(owner, listening).serve()
    if arguments is not None:
        _run(arguments)


class _Forks:
    """Forks for each request of a connection."""

    def __init__(self, owner: socket.socket, listening: socket.socket | None) -> None:
        self._owner = owner
        self._listening = listening
        self._statuses: dict[socket.socket, dict[int, int]] = {owner: {}}
        """By connection: where the exit codes of its forks are written, by their process ids."""
        self._ended, self._ends = os.pipe()
        for end in (self._ended, self._ends):
            os.set_blocking(end, False)
        self._routes = _SharedRoutes()

    def serve(self) -> list[str] | None:
        """Returns the arguments of `python` in the forks, and None when the owner has ended."""
        signal.set_wakeup_fd(self._ends)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            others: list[int | socket.socket] = [self._listening] if self._listening else []
            for each in select.select([self._ended, *others, *self._statuses], [], [])[0]:
                if not isinstance(each, socket.socket):
                    os.read(self._ended, 4096)
                    self._report_ended()
                elif each is self._listening:
                    self._statuses[each.accept()[0]] = {}
                elif each in self._statuses:  # it has not ended with the owner just now
                    arguments = self._receive(each)
                    if arguments is not None:
                        return arguments
            if self._owner not in self._statuses:
                return None

    def _receive(self, connection: socket.socket) -> list[str] | None:
        """Forks for a request, or ends the forks of a connection that was closed. Returns the arguments of `python` in
        the fork."""
        message, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES, 4)
        if not message:  # the test process has ended, perhaps without stopping its servers
            self._end(connection)
            return None
        *streams, status = descriptors
        self._routes.build()
        pid = os.fork()
        if pid == 0:
            os.close(status)
            self._close_all()
            self._routes.report_from_here()
            return _become(json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        self._statuses[connection][pid] = status
        connection.send(str(pid).encode())
        return None

    def _end(self, connection: socket.socket) -> None:
        # Who owns the helper ends with all others.
        for each in [*self._statuses] if connection is self._owner else [connection]:
            for pid, status in self._statuses.pop(each).items():
                os.kill(pid, signal.SIGKILL)
                os.close(status)
            each.close()

    def _close_all(self) -> None:
        """Closes, in a fork, what belongs to the helper."""
        signal.set_wakeup_fd(-1)
        statuses = [status for each in self._statuses.values() for status in each.values()]
        for unused in (self._ended, self._ends, *statuses):
            os.close(unused)
        for connection in (*self._statuses, self._listening):
            if connection is not None:
                connection.close()

    def _report_ended(self) -> None:
        while (ended := _ended_child()) is not None:
            pid, code = ended
            for statuses in self._statuses.values():
                if pid in statuses:
                    status = statuses.pop(pid)
                    with suppress(BrokenPipeError):  # of a process that its test did not wait for
                        os.write(status, str(code).encode())
                    os.close(status)


def _ended_child() -> tuple[int, int] | None:
    """Returns the process id and the exit code of a child that has ended, if there is one."""
    try:
        pid, code = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(code)) if pid else None


class _SharedRoutes:
    """What forks have to build, and the helper builds for those that follow."""

    def __init__(self) -> None:
        self._reported, self._reports = os.pipe()
        os.set_blocking(self._reported, False)
        self._times: Counter[bytes] = Counter()

    def build(self) -> None:
        """Builds what two forks have built since the last call."""
        with suppress(BlockingIOError):
            for report in os.read(self._reported, _MESSAGE_BYTES).splitlines():
                self._times[report] += 1
                if self._times[report] == _BUILT_AFTER:
                    names, version, prefix, options = json.loads(report)
                    rest._routes(tuple(names), version, prefix, **options)
                    gc.collect()
                    gc.freeze()

    def report_from_here(self) -> None:
        """Makes this fork report what it builds."""
        os.close(self._reported)
        build = rest._routes

        @functools.wraps(build)
        def build_and_report(names: Sequence[str], version: str, prefix: str, **options: bool) -> Litestar:
            misses = build.cache_info().misses
            routes = build(names, version, prefix, **options)
            if build.cache_info().misses > misses:
                os.write(self._reports, json.dumps([names, version, prefix, options]).encode() + b"\n")
            return routes

        rest._routes = build_and_report  # type: ignore[assignment]


def _become(request: dict[str, object], streams: list[int]) -> list[str]:
    """Makes this fork what a fresh interpreter would be, and returns the arguments of `python`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
        os.close(stream)
    environment, arguments = request["environment"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(str(request["folder"]))
    sys.path[1:1] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    return arguments


def _run(arguments: list[str]) -> NoReturn:
    """Runs `python ARGUMENTS` in this process, and ends it."""
    try:
        match arguments:
            case ["-m", module, *rest]:
                sys.argv = [module, *rest]
                sys.path[0] = str(Path.cwd())
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            case ["-c", code, *rest]:
                sys.argv = ["-c", *rest]
                sys.path[0] = ""
                main = sys.modules["__main__"] = ModuleType("__main__")
                exec(compile(code, "<string>", "exec"), main.__dict__)  # noqa: S102 (the code of a test)
            case [script, *_]:
                sys.argv = arguments
                sys.path[0] = str(Path(script).parent)
                runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        _end(end.code)
    _end(0)


def _end(code: str | int | None) -> NoReturn:
    """Ends this process like an interpreter, but does not clear the modules, which takes longer than most commands."""
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _import_talkwire() -> None:
    for module in _IMPORTED:
        import_module(module)
    asyncio.run(_start_once())


async def _start_once() -> None:
    """Starts and stops a node like most nodes of the tests, and makes it describe its routes. A process does both once
    for all of its nodes (`talkwire/api/rest.py`), and the libraries fill their caches."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Node(Settings(data=Path(folder), accounts="open")).started() as node,
            httpx.AsyncClient(transport=httpx.ASGITransport(node.app), base_url="http://localhost") as http,
        ):
            (await http.get("/openapi.json")).raise_for_status()
