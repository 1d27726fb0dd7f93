"""Starts processes that use Talkwire without paying for its imports each time.

An interpreter needs more than a second of processor time to import Talkwire, and the tests start hundreds of servers
and commands. So each test process starts one helper that has imported everything, has started and stopped a node, and
does nothing else: no thread, no event loop, no open file. A server or a command is a fork of this helper. It has its
own process id, environment, folder, streams and exit code, and gets signals, as if it had been started with
`python -m talkwire`; it shares nothing with others but the imports, the routes with their description, and the caches
of the libraries.

To build the routes takes a server as long as the rest of its start, and which routes it has depends on its settings. So
a fork reports which ones it had to build, and the helper builds those that were built twice.

Some tests have to start fresh interpreters nevertheless: those of entry points, of imports, and of how a process ends.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, NamedTuple, NoReturn, Protocol, TextIO

import httpx
from litestar import Litestar

from talkwire.api import rest
from talkwire.app import Node
from talkwire.settings import Settings

_REPOSITORY = Path(__file__).parents[1]
_MESSAGE_BYTES = 1 << 17
_BUILT_AFTER = 2
_IMPORTED = (
    *("talkwire.cli.serve", "talkwire.running", "psycopg", "redis.asyncio", "uvloop"),
    *("talkwire.cli.backup", "talkwire.cli.check", "talkwire.cli.conversations", "talkwire.cli.copying"),
    *("talkwire.cli.invitations", "talkwire.cli.migration", "talkwire.cli.tokens", "talkwire.cli.users"),
)
"""What the commands import, before or after they have read their settings."""


class Process(Protocol):
    """What the tests use of `subprocess.Popen`."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class ForkedProcess:
    """A fork of the helper. The helper waits for its end and writes the exit code into `status`."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Returns the exit code as `subprocess.Popen` has it, or None while the process runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("talkwire", timeout or 0)
        return code

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(os.read(self._status, 16) or -signal.SIGKILL)
            os.close(self._status)
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Streams(NamedTuple):
    """The standard streams of a process."""

    input: IO[bytes]
    output: IO[bytes]
    errors: IO[bytes]


@contextmanager
def pipe() -> Iterator[tuple[TextIO, IO[bytes]]]:
    """Yields the end of a pipe to read from, and the one to write to, which the caller closes."""
    readable, writable = os.pipe()
    with os.fdopen(readable) as reader:
        yield reader, os.fdopen(writable, "wb")


class _Helper:
    """The helper, seen from the test process. It is started with the first server and ends with the test process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked_talkwire", str(theirs.fileno())],
                cwd=_REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def start(self, request: Mapping[str, object], streams: Streams) -> ForkedProcess:
        status, written = os.pipe()
        descriptors = [*(stream.fileno() for stream in streams), written]
        try:
            with self._lock:
                socket.send_fds(self._connection, [json.dumps(request).encode()], descriptors)
                pid = int(self._connection.recv(_MESSAGE_BYTES))
        finally:
            os.close(written)
        return ForkedProcess(pid, status)

    def close(self) -> None:
        self._connection.close()
        self._process.wait()


_helpers: list[_Helper] = []


def start_talkwire(
    arguments: Sequence[str], output: IO[bytes], environment: Mapping[str, str], folder: Path
) -> ForkedProcess:
    """Starts `talkwire ARGUMENTS` in `folder`; `output` gets what it prints and logs."""
    with Path(os.devnull).open("rb") as nothing:
        return start_python(["-m", "talkwire", *arguments], Streams(nothing, output, output), environment, folder)


def start_python(
    arguments: Sequence[str], streams: Streams, environment: Mapping[str, str], folder: Path
) -> ForkedProcess:
    """Starts `python ARGUMENTS` in `folder`. They begin with `-m MODULE`, `-c CODE` or the path of a script."""
    # For `tests/kinds.py`, as a process that is started otherwise: the helper is there for the second one already.
    sys.audit("subprocess.Popen", "python", arguments, str(folder), environment)
    if not _helpers:
        _helpers.append(_Helper())
    request = {"arguments": list(arguments), "environment": dict(environment), "folder": str(folder)}
    return _helpers[0].start(request, streams)


def end_helper() -> None:
    """Ends this test process's helper, if it has one."""
    while _helpers:
        _helpers.pop().close()


# ---------------------------------------------------------------------------------------------- inside the helper


def _serve(connection: socket.socket) -> list[str] | None:
    """Forks for each request. Returns the arguments of `python` in the forks, and None when the tests have ended."""
    ended, ends = os.pipe()
    for end in (ended, ends):
        os.set_blocking(end, False)
    shared = _SharedRoutes()
    signal.set_wakeup_fd(ends)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    statuses: dict[int, int] = {}
    while True:
        ready = select.select([connection.fileno(), ended], [], [])[0]
        if ended in ready:
            os.read(ended, 4096)
            _report_ended(statuses)
        if connection.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES, 4)
        if not message:  # the test process has ended, perhaps without stopping its servers
            for pid in statuses:
                os.kill(pid, signal.SIGKILL)
            return None
        *streams, status = descriptors
        shared.build()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for unused in (ended, ends, status, connection.detach(), *statuses.values()):
                os.close(unused)
            shared.report_from_here()
            return _become(json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        statuses[pid] = status
        connection.send(str(pid).encode())


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


def _report_ended(statuses: dict[int, int]) -> None:
    for pid in list(statuses):
        found, code = os.waitpid(pid, os.WNOHANG)
        if found:
            status = statuses.pop(pid)
            with suppress(BrokenPipeError):  # of a process that its test did not wait for
                os.write(status, str(os.waitstatus_to_exitcode(code)).encode())
            os.close(status)


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


def _main(descriptor: int) -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _import_talkwire()
    gc.collect()
    gc.freeze()
    arguments = _serve(socket.socket(fileno=descriptor))
    if arguments is None:
        return 0
    _run(arguments)


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1])))
