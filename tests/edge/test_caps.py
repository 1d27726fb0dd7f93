"""How many connections, sessions and sockets one address or one user may have."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.chat_client import Refused, open_client
from tests.chat.chat_server import ServerProcess, running_chat
from tests.edge.raw import Raw, closed, metric, status_of
from tests.waiting import wait_until

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
OPEN = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n"


def own_address() -> str | None:
    """An address of this machine that is no loopback address; None: it has no network. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
        return None if address.startswith("127.") else str(address)
    return None


@pytest.fixture(scope="module")
def capped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    caps = {
        "TALKWIRE_HOST": "0.0.0.0",
        "TALKWIRE_RATE_LIMITS": "on",
        "TALKWIRE_CONNECTIONS_PER_ADDRESS": "8",
        "TALKWIRE_IDLE_CONNECTIONS_PER_ADDRESS": "4",
        "TALKWIRE_SESSIONS_PER_ADDRESS": "3",
        "TALKWIRE_SOCKETS_PER_USER": "2",
        "TALKWIRE_TRUSTED_PROXIES": "127.0.0.1",
    }
    with running_chat(tmp_path_factory.mktemp("capped"), caps) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
def address() -> str:
    found = own_address()
    if found is None:
        pytest.skip("this machine has only its loopback addresses, which are not capped")
    return found


def session(raw: Raw, client: bytes = b"") -> tuple[int, bytes]:
    """Opens a session, for a client that a proxy names. Returns the status and the session's id."""
    raw.send(OPEN + (b"X-Forwarded-For: " + client + b"\r\n" if client else b"") + b"\r\n")
    status, body = raw.answer()
    return status, body.split(b'"')[3] if status == 200 else b""


def begin_request(raw: Raw) -> None:
    """Sends the head of a request. Returns when the server waits for the body, so the connection is not idle."""
    raw.send(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
    assert raw.answer()[0] == 100


def test_the_oldest_idle_connection_of_an_address_makes_room(capped: ServerProcess, address: str) -> None:
    before = closed(capped, "idle_limit")
    with contextlib.ExitStack() as open_:
        raws = [open_.enter_context(Raw(capped, address)) for _ in range(6)]
        assert [raw.rest() for raw in raws[:2]] == [b"", b""]
        for raw in raws[2:]:
            raw.send(GET)
            assert raw.answer()[0] == 200
    assert closed(capped, "idle_limit") == before + 2


def test_an_address_has_so_many_connections_and_not_one_more(capped: ServerProcess, address: str) -> None:
    before = closed(capped, "address_limit")
    with contextlib.ExitStack() as open_:
        for _ in range(8):
            begin_request(open_.enter_context(Raw(capped, address)))
        wait_until(lambda: metric(capped, "talkwire_http_connections") == 9)
        with Raw(capped, address) as raw:
            assert status_of(raw.rest()) == 429
        assert closed(capped, "address_limit") == before + 1
        with Raw(capped) as raw:
            raw.send(GET)
            assert raw.answer()[0] == 200
    wait_until(lambda: metric(capped, "talkwire_http_connections") == 1)
    with Raw(capped, address) as raw:
        raw.send(GET)
        assert raw.answer()[0] == 200


def test_trusted_proxies_have_as_many_connections_as_they_like(capped: ServerProcess) -> None:
    with contextlib.ExitStack() as open_:
        raws = [open_.enter_context(Raw(capped)) for _ in range(30)]
        for raw in raws:
            raw.send(GET)
            assert raw.answer()[0] == 200


def test_sessions_are_counted_by_the_address_that_a_proxy_names(capped: ServerProcess) -> None:
    before = closed(capped, "session_limit")
    with Raw(capped) as raw:
        first = [session(raw, b"198.51.100.7") for _ in range(3)]
        assert [status for status, _ in first] == [200, 200, 200]
        assert session(raw, b"198.51.100.7")[0] == 429
        assert session(raw, b"198.51.100.8")[0] == 200
        assert closed(capped, "session_limit") == before + 1
        raw.send(b"POST /socket.io/?EIO=4&transport=polling&sid=" + first[0][1] + b" HTTP/1.1\r\nHost: x\r\n")
        raw.send(b"Content-Length: 1\r\n\r\n1")
        assert raw.answer() == (200, b"ok")
        assert session(raw, b"198.51.100.7")[0] == 200


def test_a_network_of_ipv6_counts_as_one_address(capped: ServerProcess) -> None:
    with Raw(capped) as raw:
        statuses = [session(raw, b"2001:db8::%d" % number)[0] for number in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert session(raw, b"2001:db8:0:1::1")[0] == 200


async def test_a_user_has_so_many_sockets_and_not_one_more(capped: ServerProcess) -> None:
    async with contextlib.AsyncExitStack() as open_:
        clients = []
        for number in range(4):
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            client = await open_client(capped.websocket_url, None, headers)
            open_.push_async_callback(client.close)
            clients.append(client)
        for client in clients[:2]:
            await client.sign_in({"token": capped.token("many")})
        with pytest.raises(Refused) as refused:
            await clients[2].sign_in({"token": capped.token("many")})
        assert refused.value.error["data"]["code"] == "rate_limited"
        assert refused.value.error["data"]["details"]["retryAfterMs"] > 0
        await clients[3].sign_in({"token": capped.token("backend", role="service")})


def test_without_rate_limits_there_are_no_caps(tmp_path: Path, address: str) -> None:
    settings = {
        "TALKWIRE_HOST": "0.0.0.0",
        "TALKWIRE_CONNECTIONS_PER_ADDRESS": "2",
        "TALKWIRE_IDLE_CONNECTIONS_PER_ADDRESS": "1",
        "TALKWIRE_SESSIONS_PER_ADDRESS": "1",
    }
    with running_chat(tmp_path, settings) as server, contextlib.ExitStack() as open_:
        raws = [open_.enter_context(Raw(server, address)) for _ in range(6)]
        assert [session(raw)[0] for raw in raws] == [200] * 6


def test_while_descriptors_are_short_idle_connections_go(tmp_path: Path) -> None:
    with running_chat(tmp_path, descriptors=128) as server, contextlib.ExitStack() as open_:
        for _ in range(200):
            open_.enter_context(Raw(server))
        with Raw(server) as raw:
            raw.send(GET)
            assert raw.answer()[0] == 200
        assert closed(server, "descriptors") > 0
        assert [line["limit"] for line in server.logged() if line["event"] == "file_descriptors"] == [128]
        assert server.logged_errors() == []


def test_while_no_connection_is_idle_health_checks_are_served(tmp_path: Path) -> None:
    with running_chat(tmp_path, descriptors=128) as server, contextlib.ExitStack() as open_:
        waiting = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        statuses = set()
        for _ in range(110):
            raw = open_.enter_context(Raw(server))
            with contextlib.suppress(OSError):
                raw.send(waiting)
        with Raw(server) as raw:
            raw.send(GET)
            with contextlib.suppress(EOFError, OSError):
                statuses.add(raw.answer()[0])
            raw.send(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(EOFError, OSError):
                statuses.add(raw.answer()[0])
        assert statuses == {200, 503}
        assert server.logged_errors() == []


def test_a_health_check_that_has_not_sent_its_request_yet_keeps_its_connection(tmp_path: Path) -> None:
    with running_chat(tmp_path, descriptors=128) as server, contextlib.ExitStack() as open_:
        waiting = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        for _ in range(128):
            raw = open_.enter_context(Raw(server))
            raw.send(waiting)
            if not raw.is_open(0.02):
                break  # further connections are refused
        used = open_.enter_context(Raw(server))
        used.send(GET)
        assert used.answer()[0] == 200
        check = open_.enter_context(Raw(server))
        for _ in range(4):
            assert open_.enter_context(Raw(server)).is_open(0.05)
        check.send(GET)
        assert check.answer()[0] == 200
        assert used.rest() == b""
        assert server.logged_errors() == []
