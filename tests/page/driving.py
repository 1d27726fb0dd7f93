"""Runs tests in a browser by page.mjs, at demo servers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.forked_talkwire import start_talkwire
from tests.http_client import http_get
from tests.protocol.server_process import REPOSITORY, killed_at_the_end, reserved_port
from tests.waiting import DEADLINE_S

HERE = Path(__file__).parent
TEST_DEADLINE_S = 360.0
SLOW_MS = 300
"""How much later than usual a slow network answers."""

Report = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A server for a test in a browser, and what else the test may ask for, by name: a test that calls `server.kill()`
    waits until the action `kill` has returned, and gets what that returned."""

    url: str
    actions: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    latency_ms: int = 0
    """How much later than usual the pages of the test get each answer."""


@contextmanager
def serving(folder: Path, port: int, *options: str) -> Iterator[str]:
    """Yields the URL of a demo server on `port` with its data in `folder`; killed, not stopped, at the end."""
    arguments = ["serve", "--demo", "--no-rate-limits", "--data", str(folder), *options, "--port", str(port)]
    with (
        tempfile.TemporaryFile() as output,
        killed_at_the_end(start_talkwire(arguments, output, os.environ, REPOSITORY), port) as url,
    ):
        yield url


@contextmanager
def restartable(folder: Path, *options: str, latency_ms: int = 0) -> Iterator[Server]:
    """Yields a demo server with its data in `folder` that a test may kill, and start again at the same address."""
    port = reserved_port()
    with ExitStack() as running:

        def start() -> str:
            return running.enter_context(serving(folder, port, *options))

        yield Server(start(), {"kill": running.close, "start": start}, latency_ms)


def fill(folder: Path) -> None:
    """Fills a data folder with the demo's people and conversations, by a server that is killed afterwards."""
    with serving(folder, reserved_port()) as url:
        http_get(f"{url}/readyz").raise_for_status()


def chromium_program() -> str:
    """Returns the browser's program. Skips the test where there is none."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if shutil.which(program) is None:
        pytest.skip(f"needs a browser, and there is none at {program}: install Chromium, or name one in CHROMIUM")
    return program


def headless_chromium_program() -> str:
    """Returns Chromium without windows, which takes half the time, or the whole one where it is not installed."""
    program = os.environ.get("CHROMIUM_HEADLESS", "/usr/bin/chromium-headless-shell")
    return program if shutil.which(program) is not None else chromium_program()


def node_program() -> str:
    """Returns the program that runs scripts. Fails where it is not installed."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("these tests drive a browser and need node (20 or later)", pytrace=False)
    return node


def driver_command(chromium: str) -> list[str]:
    """Returns the command line of the script that drives this browser."""
    node = node_program()
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        pytest.fail("what drives the browser is not installed: run make install")
    return [node, str(HERE / "page.mjs"), chromium]


class Driver:
    """A process of page.mjs with its browser. Tests share it, one at a time; each has browser profiles of its own.

    The first test starts the process. A test that fails ends it, and the next one starts another.
    """

    deadline_s = TEST_DEADLINE_S
    """How long a test may take from one report to the next."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None

    def begin(self, test: Report) -> None:
        """Starts a test after the one before it has ended."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        self.tell(json.dumps(test))

    def tell(self, line: str) -> None:
        """Sends a line to the test, which waits for it."""
        process = self._running()
        assert process.stdin is not None
        os.write(process.stdin.fileno(), f"{line}\n".encode())

    def next_report(self) -> Report:
        """Returns what happens next. Fails when the process has ended, and when nothing happens before the deadline."""
        process = self._running()
        assert process.stdout is not None
        watchdog = threading.Timer(self.deadline_s, process.kill)
        watchdog.daemon = True
        try:
            watchdog.start()  # inside `try`, since an interruption may come while the thread starts
            line = process.stdout.readline()
        finally:
            watchdog.cancel()
        assert line, f"the test failed, and the driver ended with status {process.wait(DEADLINE_S)}"
        report = json.loads(line)
        assert isinstance(report, dict)
        return report

    def close(self) -> None:
        """Has the process end its browser and itself; kills it when it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with process:
            process.stdin.close()
            try:
                process.wait(DEADLINE_S)
            finally:
                process.kill()

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "no test has begun"
        return self._process


def run_test(driver: Driver, server: Server, file: Path, title: str, given: Mapping[str, object]) -> None:
    """Runs the test of this title in the file, and what it asks of its server.

    Fails with the assertion that failed, or with what the browser complained about, without a traceback of Python.
    """
    test = {"url": server.url, "latencyMs": server.latency_ms, "file": str(file), "title": title, "given": given}
    try:
        driver.begin(test)
        while (report := driver.next_report())["happened"] == "asks":
            driver.tell(json.dumps(server.actions[report["action"]](*report["given"])))
    except BaseException:
        driver.close()
        raise
    problems = [report["reason"]] if report["happened"] == "failed" else []
    problems += [f"The browser complained: {complaint}" for complaint in report["complaints"]]
    if problems:
        driver.close()
        pytest.fail("\n".join(problems), pytrace=False)
