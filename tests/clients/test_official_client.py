"""The official JavaScript client, driven by echo_client.mjs, against the echo server."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.protocol.server_process import reserved_port, running
from tests.waiting import DEADLINE_S, deadline

TRANSPORTS = ["polling", "websocket", "polling,websocket"]

Report = dict[str, Any]


def run(client: list[str], url: str, scenario: str, transports: str) -> dict[str, Report]:
    """What happened in a scenario, by name."""
    finished = subprocess.run(
        [*client, url, scenario, transports],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    reports = [json.loads(line) for line in finished.stdout.splitlines()]
    assert finished.returncode == 0, (reports, finished.stderr)
    return {report.pop("happened"): report for report in reports}


@pytest.fixture(scope="module", params=TRANSPORTS)
def transports(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture(scope="module")
def exchange(node_client: list[str], echo_url: str, transports: str) -> dict[str, Report]:
    """One conversation with the server, which the tests below look at from all sides."""
    return run(node_client, echo_url, "exchange", transports)


@pytest.fixture(scope="module")
def namespaces(node_client: list[str], echo_url: str, transports: str) -> dict[str, Report]:
    return run(node_client, echo_url, "namespaces", transports)


def test_the_client_opens_its_first_transport(exchange: dict[str, Report], transports: str) -> None:
    assert exchange["opened"] == {"transport": transports.split(",", maxsplit=1)[0]}


def test_the_client_connects_with_its_auth(exchange: dict[str, Report]) -> None:
    assert exchange["connected"] == {"auth": [{"token": "123", "list": [1, None]}], "has_id": True}


def test_the_client_upgrades_and_misses_nothing_on_the_way(exchange: dict[str, Report], transports: str) -> None:
    upgraded = transports == "polling,websocket"
    assert exchange["counted"] == {
        "in_order": True,
        "transport": transports.rsplit(",", maxsplit=1)[-1],
        "upgrades": ["websocket"] if upgraded else [],
    }


def test_the_client_receives_its_events_back(exchange: dict[str, Report]) -> None:
    assert exchange["echoed text"] == {"values": [1, "2", {"3": [True, None], "\u20ac": "\U0001f600"}]}
    assert exchange["echoed nothing"] == {"values": []}


def test_the_client_receives_its_binary_back(exchange: dict[str, Report]) -> None:
    assert exchange["echoed binary"] == {"values": ["hex:010203", "hex:0405", "hex:06"]}


def test_the_client_receives_nested_binary_back(exchange: dict[str, Report]) -> None:
    assert exchange["echoed nested binary"] == {
        "values": [{"files": [{"name": "a", "data": "hex:61"}], "empty": "hex:"}, "end"]
    }


def test_the_client_receives_large_messages_back(exchange: dict[str, Report]) -> None:
    assert exchange["echoed much"] == {"text": True, "bytes": True}


def test_the_client_receives_acks(exchange: dict[str, Report]) -> None:
    assert exchange["acked text"] == {"values": [1, "2", {"3": [False]}]}
    assert exchange["acked nothing"] == {"values": []}
    assert exchange["acked promise"] == {"value": "hello"}
    assert exchange["acked many"] == {"values": [1, 2, 3, 4, 5]}


def test_the_client_receives_binary_acks(exchange: dict[str, Report]) -> None:
    assert exchange["acked binary"] == {"values": ["hex:0102", {"deep": ["hex:03"]}]}


def test_the_client_times_out_without_an_ack(exchange: dict[str, Report]) -> None:
    assert exchange["ack timed out"] == {"message": "operation has timed out"}


def test_the_client_disconnects(exchange: dict[str, Report]) -> None:
    assert exchange["disconnected"] == {"reason": "io client disconnect"}


def test_the_client_joins_several_namespaces_over_one_connection(namespaces: dict[str, Report]) -> None:
    assert namespaces["connected"] == {"auths": [{}, {"token": "abc"}], "same_id": False}
    assert namespaces["echoed"] == {"values": [["main"], ["custom"]]}


def test_the_client_is_refused_by_an_unknown_namespace(namespaces: dict[str, Report]) -> None:
    assert namespaces["refused"] == {"message": "Invalid namespace", "connected": False}


def test_the_client_leaves_one_namespace_and_joins_it_again(namespaces: dict[str, Report]) -> None:
    assert namespaces["echoed after one left"] == {"values": ["main again"]}
    assert namespaces["connected again"] == {"auth": [{"token": "abc"}]}
    assert namespaces["echoed again"] == {"values": ["hex:09"]}


@asynccontextmanager
async def reports_of(command: list[str]) -> AsyncIterator[AsyncIterator[Report]]:
    """Yields the reports of a running client as they are printed."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    lines = process.stdout

    async def reports() -> AsyncIterator[Report]:
        while line := await lines.readline():
            yield json.loads(line)

    try:
        async with deadline():
            yield reports()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_client_reconnects_when_the_server_is_killed_and_restarted(
    node_client: list[str], echo_command: list[str], transports: str
) -> None:
    port = reserved_port()
    with ExitStack() as first_server, ExitStack() as second_server:
        url = first_server.enter_context(running(echo_command, port))
        async with reports_of([*node_client, url, "reconnection", transports]) as reports:
            assert await anext(reports) == {
                "happened": "connected",
                "auth": [{"token": "123"}],
                "echo": ["first"],
            }
            first_server.close()
            disconnected = await anext(reports)
            assert disconnected["happened"] == "disconnected"
            assert disconnected["reason"] in {"transport close", "transport error"}
            second_server.enter_context(running(echo_command, port))
            reconnected = await anext(reports)
            assert reconnected.pop("transport") in {"polling", "websocket"}
            assert reconnected == {
                "happened": "reconnected",
                "auth": [{"token": "123"}],
                "echo": ["sent while offline"],
                "new_id": True,
            }
            assert await anext(reports) == {"happened": "done"}
