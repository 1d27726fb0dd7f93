"""Scenarios share a browser, and nothing else: neither what they store, nor what went wrong, nor a crash."""

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

from tests.page.driving import Driver, Report, driver_command, driving, finish, run
from tests.protocol.server_process import REPOSITORY
from tests.waiting import DEADLINE_S, wait_until

IN_A_SCENARIO = """
import json, signal, sys
from contextlib import closing
from tests.page.driving import Driver, driving, run

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by processes in the background of a shell
url, *command = sys.argv[1:]
with closing(Driver(command)) as driver:
    running = run(driver, url, "driving", "processes")["running"]
    with driving(driver, url, "driving", "hanging"):
        driver.next_report()
        print(json.dumps(running), flush=True)
        driver.next_report()
"""


@pytest.fixture
def own_driver(chromium: str) -> Iterator[Driver]:
    """A driver that a test may end."""
    with closing(Driver(driver_command(chromium))) as driver:
        yield driver


def test_scenarios_share_a_browser_and_nothing_that_they_store(own_driver: Driver, demo_url: str) -> None:
    first = run(own_driver, demo_url, "driving", "processes")["running"]
    for _ in range(2):
        assert run(own_driver, demo_url, "driving", "storing")["stored"] == {"found": None}
    assert run(own_driver, demo_url, "driving", "processes")["running"] == first


def test_complaints_are_those_of_their_scenario(own_driver: Driver, demo_url: str) -> None:
    with driving(own_driver, demo_url, "driving", "complaining"):
        assert finish(own_driver) == {"done": {"complaints": ["not well"]}}
    run(own_driver, demo_url, "driving", "storing")


@pytest.mark.parametrize("scenario", ["browserEnds", "driverEnds", "unknown"])
def test_a_scenario_that_fails_fails_alone(own_driver: Driver, demo_url: str, scenario: str) -> None:
    run(own_driver, demo_url, "driving", "storing")
    with pytest.raises(AssertionError, match="the scenario failed"):
        run(own_driver, demo_url, "driving", scenario)
    run(own_driver, demo_url, "driving", "storing")


def test_a_browser_that_ends_between_scenarios_is_replaced(own_driver: Driver, demo_url: str) -> None:
    first = run(own_driver, demo_url, "driving", "processes")["running"]
    os.kill(first["browser"], signal.SIGKILL)
    _assert_ended({"browser": first["browser"]})
    second = run(own_driver, demo_url, "driving", "processes")["running"]
    assert second["node"] == first["node"]
    assert second["browser"] != first["browser"]


def test_a_scenario_that_hangs_is_ended_after_the_deadline(chromium: str, demo_url: str) -> None:
    with closing(Driver(driver_command(chromium))) as driver:
        running = run(driver, demo_url, "driving", "processes")["running"]
        driver.deadline_s = 0.1
        with pytest.raises(AssertionError, match="the scenario failed"):
            run(driver, demo_url, "driving", "hanging")
        _assert_ended(running)


def test_at_its_end_the_driver_ends_its_processes(chromium: str, demo_url: str) -> None:
    with closing(Driver(driver_command(chromium))) as driver:
        running = run(driver, demo_url, "driving", "processes")["running"]
    _assert_ended(running)


@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGKILL])
def test_a_test_process_that_is_interrupted_leaves_no_browser(
    chromium: str, demo_url: str, interruption: signal.Signals
) -> None:
    command = [sys.executable, "-c", IN_A_SCENARIO, demo_url, *driver_command(chromium)]
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
