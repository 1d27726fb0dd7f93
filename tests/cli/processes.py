"""`talkwire` as processes of its own: forks of a helper that has imported everything, or fresh interpreters."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO, TextIO

from tests.forked_talkwire import Process, Streams, pipe, start_python
from tests.waiting import DEADLINE_S

_OF_SETTINGS = ("JWT_SECRET", "FRONTEND_URL", "PORT", "DATABASE_URL", "REDIS_URL")


def clean_environment() -> dict[str, str]:
    """This process' environment without what would be a setting."""
    return {k: v for k, v in os.environ.items() if not k.startswith("TALKWIRE_") and k not in _OF_SETTINGS}


@dataclass(frozen=True)
class Answer:
    """The exit code and the output of a process."""

    exit_code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on stderr that a failure has."""
        assert "Traceback" not in self.err, self.err
        assert self.err.endswith("\n"), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.rstrip("\n")


def run_talkwire(*arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, stdin: str = "") -> Answer:
    """Runs `talkwire ARGUMENTS` to its end, in a fork."""
    with _temporary_streams(stdin) as streams:
        process = start_python(["-m", "talkwire", *arguments], streams, _environment(environ), cwd)
        try:
            exit_code = process.wait(DEADLINE_S)
        finally:
            process.kill()
        return Answer(exit_code, _text_of(streams.output), _text_of(streams.errors))


@contextmanager
def _temporary_streams(given: str) -> Iterator[Streams]:
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        stdin.write(given.encode())
        stdin.seek(0)
        yield Streams(stdin, output, errors)


def _text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def run_fresh_talkwire(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
) -> Answer:
    """Runs `PREFIX python -m talkwire ARGUMENTS` to its end, in a fresh interpreter."""
    process = subprocess.run(
        [*prefix, sys.executable, "-m", "talkwire", *arguments],
        cwd=cwd,
        env=_environment(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return Answer(process.returncode, process.stdout, process.stderr)


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    return clean_environment() | dict(more or {})


@dataclass
class RunningServer:
    """A server that has reported that it is ready; `greeting` is its output until then."""

    process: Process
    output: TextIO
    errors: TextIO
    url: str
    data: Path
    greeting: str

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def stop(self, number: signal.Signals) -> Answer:
        """Sends a signal and waits for the end."""
        self.process.send_signal(number)
        exit_code = self.process.wait(DEADLINE_S)
        return Answer(exit_code, self.output.read(), self.errors.read())


Start = Callable[[Sequence[str], Streams, Mapping[str, str], Path], Process]


def start_fresh_python(
    arguments: Sequence[str], streams: Streams, environment: Mapping[str, str], folder: Path
) -> Process:
    """Starts `python ARGUMENTS` in `folder`, in a fresh interpreter."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=streams.input,
        stdout=streams.output,
        stderr=streams.errors,
    )


@contextmanager
def running_server(
    cwd: Path,
    *arguments: str,
    within_s: float = DEADLINE_S,
    start: Start = start_python,
    module: str = "talkwire",
) -> Iterator[RunningServer]:
    """`talkwire serve` on a free port with its data in `cwd/data`. Ends that very process. `module` is a program that
    calls the command line."""
    serve = ["-m", module, "serve", "--port", "0", "--data", "data", *arguments]
    with pipe() as (output, writes_output), pipe() as (errors, writes_errors):
        with Path(os.devnull).open("rb") as nothing, writes_output, writes_errors:
            process = start(serve, Streams(nothing, writes_output, writes_errors), clean_environment(), cwd)
        giving_up = Timer(within_s, process.kill)
        giving_up.start()
        try:
            greeting = output.readline()
            giving_up.cancel()
            url = re.search(r"http://[\w.:\[\]]+", greeting)
            if url is None:
                process.kill()
                raise AssertionError(greeting + output.read() + errors.read())
            yield RunningServer(process, output, errors, url[0], cwd / "data", greeting)
        finally:
            giving_up.cancel()
            process.kill()
            process.wait(DEADLINE_S)
