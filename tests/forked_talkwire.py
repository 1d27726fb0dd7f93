"""Starts processes that use Talkwire without paying for its imports each time.

An interpreter needs more than a second of processor time to import Talkwire, and the tests start hundreds of servers
and commands. So a helper (`tests/fork_helper.py`) imports everything once. A server or a command is a fork of the
helper. It has its own process id, environment, folder, streams and exit code, and gets signals, as if it had been
started with `python -m talkwire`.

The workers of a run share a helper. A test process without one starts its own. When a test process ends, the helper
kills the forks that it asked for.

Some tests have to start fresh interpreters nevertheless: those of entry points, of imports, and of how a process ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, NamedTuple, Protocol, TextIO

_REPOSITORY = Path(__file__).parents[1]
_MESSAGE_BYTES = 1 << 17
_SHARED = "TESTS_FORK_HELPER"
"""The variable by which the workers of a run find the helper that they share."""

watchers: list[Callable[[str], None]] = []
"""Each is called with the command line of a process before it starts (`tests/kinds.py`)."""


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
    """A connection to a helper, which forks for it."""

    def __init__(self, connection: socket.socket) -> None:
        self._lock = threading.Lock()
        self._connection = connection

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


class _OwnHelper(_Helper):
    """A helper that ends with the process that started it. `listening` is where others connect to it."""

    def __init__(self, listening: socket.socket | None = None) -> None:
        connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(connection)
        with theirs:
            descriptors = [each.fileno() for each in (theirs, listening) if each is not None]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked_talkwire", *map(str, descriptors)],
                cwd=_REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=descriptors,
            )

    def close(self) -> None:
        super().close()
        self._process.wait()


_helpers: list[_Helper] = []


@contextmanager
def shared_helper() -> Iterator[None]:
    """Runs a helper for all processes that this one starts. It imports nothing before the first of them connects."""
    with tempfile.TemporaryDirectory(prefix="tw-forks-") as folder:
        path = str(Path(folder) / "socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(path)
            listening.listen()
            helper = _OwnHelper(listening)
        os.environ[_SHARED] = path
        try:
            yield
        finally:
            del os.environ[_SHARED]
            helper.close()


def _shared_or_own_helper() -> _Helper:
    path = os.environ.get(_SHARED)
    if path is None:
        return _OwnHelper()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(path)
    return _Helper(connection)


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
    for watch in watchers:
        watch(str(arguments))
    if not _helpers:
        _helpers.append(_shared_or_own_helper())
    request = {"arguments": list(arguments), "environment": dict(environment), "folder": str(folder)}
    return _helpers[0].start(request, streams)


def end_helper() -> None:
    """Closes this test process's connection to its helper, if it has one, which ends its forks."""
    while _helpers:
        _helpers.pop().close()


def _main(descriptors: Sequence[int]) -> None:
    """Waits until somebody needs the helper or its owner has ended, and becomes the helper."""
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    select.select(sockets, [], [])
    import_module("tests.fork_helper").be_helper(*sockets)


if __name__ == "__main__":
    _main([int(descriptor) for descriptor in sys.argv[1:]])
