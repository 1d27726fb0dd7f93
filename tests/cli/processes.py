"""`talkwire` as processes of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

DEADLINE_S = 60.0

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


def run_talkwire(
    *arguments: str,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    stdin: str = "",
    prefix: Sequence[str] = (),
) -> Answer:
    """Runs `talkwire ARGUMENTS` to its end."""
    process = subprocess.run(
        [*prefix, sys.executable, "-m", "talkwire", *arguments],
        cwd=cwd,
        env=clean_environment() | dict(environ or {}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return Answer(process.returncode, process.stdout, process.stderr)


@dataclass
class RunningServer:
    """A server that has reported that it is ready; `greeting` is its output until then."""

    process: subprocess.Popen[str]
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
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return Answer(exit_code, self.process.stdout.read(), self.process.stderr.read())


@contextmanager
def running_server(cwd: Path, *arguments: str, within_s: float = DEADLINE_S) -> Iterator[RunningServer]:
    """`talkwire serve` on a free port with its data in `cwd/data`. Ends that very process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "talkwire", "serve", "--port", "0", "--data", "data", *arguments],
        cwd=cwd,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    giving_up = Timer(within_s, process.kill)
    giving_up.start()
    try:
        greeting = process.stdout.readline()
        giving_up.cancel()
        url = re.search(r"http://[\w.:\[\]]+", greeting)
        if url is None:
            process.kill()
            raise AssertionError(process.communicate(timeout=DEADLINE_S))
        yield RunningServer(process, url[0], cwd / "data", greeting)
    finally:
        giving_up.cancel()
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=DEADLINE_S)
