"""Tests share a browser, and nothing else: neither what they store, nor what went wrong, nor a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.page.driving import HERE, Driver, Report, Server, driver_command, run_test
from tests.protocol.server_process import REPOSITORY
from tests.waiting import DEADLINE_S, wait_until

CASES = HERE / "driver_cases.mjs"
IN_A_TEST = """
import json, signal, sys
from contextlib import closing
from pathlib import Path
from tests.page.driving import Driver, Server, run_test

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by processes in the background of a shell
url, file, *command = sys.argv[1:]
found = []
server = Server(url, {"noted": found.append, "hangs": lambda: print(json.dumps(found[0]), flush=True)})
with closing(Driver(command)) as driver:
    for title in ("Processes", "Hanging"):
        run_test(driver, server, Path(file), title, {})
"""


@pytest.fixture
def own_driver(chromium: str) -> Iterator[Driver]:
    """A driver that a test may end."""
    with closing(Driver(driver_command(chromium))) as driver:
        yield driver


def _run(driver: Driver, url: str, title: str) -> None:
    run_test(driver, Server(url, {"hangs": lambda: None}), CASES, title, {})


def _processes(driver: Driver, url: str) -> Report:
    """Returns the ids of the processes of the driver and of its browser."""
    noted: list[Report] = []
    run_test(driver, Server(url, {"noted": noted.append}), CASES, "Processes", {})
    return noted[0]


def test_tests_share_a_browser_and_nothing_that_they_store(own_driver: Driver, demo_url: str) -> None:
    first = _processes(own_driver, demo_url)
    for _ in range(2):
        _run(own_driver, demo_url, "Storing")
    assert _processes(own_driver, demo_url) == first


def test_complaints_are_those_of_their_test(own_driver: Driver, demo_url: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"\AThe browser complained: not well\Z"):
        _run(own_driver, demo_url, "Complaining")
    _run(own_driver, demo_url, "Storing")


@pytest.mark.parametrize("title", ["The browser ends", "The driver ends", "Unknown"])
def test_a_test_that_fails_fails_alone(own_driver: Driver, demo_url: str, title: str) -> None:
    _run(own_driver, demo_url, "Storing")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        _run(own_driver, demo_url, title)
    _run(own_driver, demo_url, "Storing")


def test_a_browser_that_ends_between_tests_is_replaced(own_driver: Driver, demo_url: str) -> None:
    first = _processes(own_driver, demo_url)
    os.kill(first["browser"], signal.SIGKILL)
    _assert_ended({"browser": first["browser"]})
    second = _processes(own_driver, demo_url)
    assert second["node"] == first["node"]
    assert second["browser"] != first["browser"]


def test_a_test_that_hangs_is_ended_after_the_deadline(chromium: str, demo_url: str) -> None:
    with closing(Driver(driver_command(chromium))) as driver:
        running = _processes(driver, demo_url)
        driver.deadline_s = 0.1
        with pytest.raises(AssertionError, match="the driver ended"):
            _run(driver, demo_url, "Hanging")
        _assert_ended(running)


def test_at_its_end_the_driver_ends_its_processes(chromium: str, demo_url: str) -> None:
    with closing(Driver(driver_command(chromium))) as driver:
        running = _processes(driver, demo_url)
    _assert_ended(running)


@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGKILL])
def test_a_test_process_that_is_interrupted_leaves_no_browser(
    chromium: str, demo_url: str, interruption: signal.Signals
) -> None:
    command = [sys.executable, "-c", IN_A_TEST, demo_url, str(CASES), *driver_command(chromium)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        running = json.loads(process.stdout.readline())
        process.send_signal(interruption)
        process.wait(2 * DEADLINE_S)
    _assert_ended(running)


def _assert_ended(running: Report) -> None:
    # The process that inherits an orphan does not report its end, so this has to look.
    wait_until(lambda: not any(_runs(pid) for pid in running.values()))


def _runs(pid: int) -> bool:
    """Returns whether the process runs. One that nobody has asked for its status yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
