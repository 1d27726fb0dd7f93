"""`talkwire serve` as a service of `Type=notify` with a watchdog."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from talkwire.service_manager import READY, notify, report_alive, watchdog_interval_s
from tests.cli.manager import listening_manager
from tests.cli.processes import Answer, running_server
from tests.http_client import http_get


@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_a_state_reaches_the_manager(kind: str) -> None:
    with listening_manager(abstract=kind == "abstract") as manager:
        notify(READY, {"NOTIFY_SOCKET": manager.address})
        assert manager.receive() == ("READY=1", os.getpid())


@pytest.mark.parametrize("address", [None, "", "relative", "/nobody/listens/here", "vsock:2:1"])
def test_without_a_reachable_manager_nothing_happens(address: str | None) -> None:
    notify(READY, {} if address is None else {"NOTIFY_SOCKET": address})


@pytest.mark.parametrize(
    ("environment", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "30000000"}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_a_watched_process_reports_three_times_in_the_time(
    environment: dict[str, str], interval_s: float | None
) -> None:
    assert watchdog_interval_s(environment) == interval_s


async def test_an_unwatched_process_reports_nothing() -> None:
    with listening_manager() as manager:
        await report_alive({"NOTIFY_SOCKET": manager.address})
        assert manager.has_none()


async def test_a_watched_process_reports_until_it_is_cancelled() -> None:
    with listening_manager() as manager:
        reporting = asyncio.create_task(report_alive({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "3000"}))
        for _ in range(3):
            assert (await asyncio.to_thread(manager.receive)).text == "WATCHDOG=1"
        reporting.cancel()


def test_a_server_reports_that_it_is_ready_and_then_that_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening_manager() as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        monkeypatch.setenv("WATCHDOG_USEC", "30000")
        with running_server(tmp_path, "--log-level", "warning") as server:
            received = [manager.receive() for _ in range(10)]
            assert {state.pid for state in received} == {server.process.pid}
            assert sorted({state.text for state in received}) == ["READY=1", "WATCHDOG=1"]
            assert http_get(f"{server.url}/readyz").status_code == 200
            assert server.stop(signal.SIGTERM) == Answer(0, "", "")
