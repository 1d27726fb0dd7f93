"""The HTTP client for URLs that users name: it reaches only checked addresses, within limits of time and size."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.egress import AddressRules, Egress, EgressLimits, RefusedAddress, ResponseTooLarge
from tests.egress.conftest import NAME, Certificates, NameServer
from tests.egress.receiver import ReceivedRequest, receiver, response
from tests.waiting import DEADLINE_S, deadline, pause

LOOPBACK = AddressRules.of([], loopback=True)
PATIENT = EgressLimits(connect_s=DEADLINE_S, total_s=DEADLINE_S, idle_s=DEADLINE_S)

MakeClient = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def make_client() -> AsyncIterator[MakeClient]:
    """Returns a function `(rules, limits, **options)` that makes a client which is closed after the test."""
    async with AsyncExitStack() as closing:

        def make(
            rules: AddressRules = LOOPBACK, limits: EgressLimits | None = None, **options: object
        ) -> httpx.AsyncClient:
            egress = Egress(rules, **options)  # type: ignore[arg-type]
            closing.callback(egress.close)
            client = egress.client(limits or PATIENT)
            closing.push_async_callback(client.aclose)
            return client

        yield make


async def test_a_name_is_resolved_once_and_tls_verifies_it(make_client: MakeClient, certificates: Certificates) -> None:
    """A second lookup could lead elsewhere than the checked one (DNS rebinding)."""
    names = NameServer({NAME: [["127.0.0.1"], ["10.0.0.1"]]})
    async with receiver(tls=certificates.server) as server:
        client = make_client(resolve=names, tls=certificates.client)
        url = f"https://{NAME}:{server.port}/hook?a=b"
        found = await client.post(url, content=b"hello")
        assert (found.status_code, found.content) == (200, b"{}")
        assert names.lookups == [NAME]
        await client.post(url)
        assert (names.lookups, server.connections) == ([NAME], 1)
    (request, _) = server.requests
    assert (request.line, request.body) == ("POST /hook?a=b HTTP/1.1", b"hello")
    assert request.headers["host"] == f"{NAME}:{server.port}"
    assert request.headers["user-agent"].startswith("Talkwire/")


async def test_a_certificate_of_another_name_is_refused(make_client: MakeClient, certificates: Certificates) -> None:
    async with receiver(tls=certificates.server) as server:
        client = make_client(resolve=NameServer({"other.example.com": [["127.0.0.1"]]}), tls=certificates.client)
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.get(f"https://other.example.com:{server.port}/")
    assert server.requests == []


async def test_a_name_that_resolves_elsewhere_later_is_refused_then(make_client: MakeClient) -> None:
    """The name server is the attacker's: it returns an allowed address to the check, and another one later."""
    names = NameServer({"rebind.example.com": [["93.184.215.14"], ["127.0.0.1"]]})
    async with receiver() as server:
        egress = Egress(AddressRules(), resolve=names)
        try:
            url = f"https://rebind.example.com:{server.port}/"
            await egress.check_url(url)
            client = make_client(AddressRules(), resolve=names)
            with pytest.raises(RefusedAddress, match=r"rebind\.example\.com: 127\.0\.0\.1 is a loopback address"):
                await client.get(url)
        finally:
            egress.close()
    assert server.connections == 0


async def test_one_refused_address_among_many_refuses_the_name(make_client: MakeClient) -> None:
    names = NameServer({NAME: [["127.0.0.1", "::ffff:169.254.169.254"]]})
    async with receiver() as server:
        client = make_client(resolve=names)
        with pytest.raises(RefusedAddress, match="metadata"):
            await client.get(f"http://{NAME}:{server.port}/")
    assert server.connections == 0


async def test_http_reaches_named_networks_only(make_client: MakeClient) -> None:
    names = NameServer({NAME: [["93.184.215.14"]]})
    client = make_client(resolve=names)
    with pytest.raises(RefusedAddress, match="must begin with https://"):
        await client.get(f"http://{NAME}/")
    with pytest.raises(RefusedAddress, match=r"the URL 10\.0\.0\.1 is a private address"):
        await client.get("https://10.0.0.1/")


async def test_the_next_address_is_tried_when_one_does_not_respond(make_client: MakeClient) -> None:
    async with receiver() as server:
        client = make_client(resolve=NameServer({NAME: [["::1", "127.0.0.1"]]}))
        assert (await client.get(f"http://{NAME}:{server.port}/")).status_code == 200


async def test_a_redirect_is_not_followed(make_client: MakeClient) -> None:
    async with receiver(response("302 Found", b"", "location: http://127.0.0.1:1/")) as server:
        found = await make_client().get(f"http://127.0.0.1:{server.port}/")
    assert (found.status_code, len(server.requests)) == (302, 1)


async def test_proxies_and_cookies_are_not_used(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with receiver(response("200 OK", b"{}", "set-cookie: a=b")) as server:
        client = make_client()
        for _ in range(2):
            await client.get(f"http://127.0.0.1:{server.port}/")
    assert all("cookie" not in request.headers for request in server.requests)


async def test_a_large_response_is_cut_off(make_client: MakeClient) -> None:
    async with receiver(response("200 OK", b"x" * 1001)) as server:
        client = make_client(limits=EgressLimits(response_max=1000))
        with pytest.raises(ResponseTooLarge, match="more than 1000 bytes"):
            await client.get(f"http://127.0.0.1:{server.port}/")


async def test_a_compressed_response_is_not_expanded(make_client: MakeClient) -> None:
    bomb = gzip.compress(b"x" * 1_000_000)
    async with receiver(response("200 OK", bomb, "content-encoding: gzip")) as server:
        found = await make_client().get(f"http://127.0.0.1:{server.port}/")
    assert found.content == bomb


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: "])
async def test_a_response_has_a_limit_of_time(make_client: MakeClient, sent: bytes) -> None:
    """Also one that trickles, of which each part comes in time."""

    async def trickle(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        for _part in range(1000):
            if sent:
                writer.write(b"1")
            await writer.drain()
            await pause(0.2)

    async with receiver(trickle) as server:
        client = make_client(limits=EgressLimits(total_s=0.5))
        with pytest.raises(httpx.TimeoutException):
            async with deadline():
                await client.get(f"http://127.0.0.1:{server.port}/")


async def test_connections_are_limited_and_others_wait_for_one(make_client: MakeClient) -> None:
    may_respond = asyncio.Event()
    two_requests = asyncio.Semaphore(0)

    async def wait(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        two_requests.release()
        await may_respond.wait()
        await response()(request, writer)

    async with receiver(wait) as server, deadline():
        client = make_client(limits=dataclasses.replace(PATIENT, connections=2))
        asked = [asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/")) for _ in range(4)]
        await two_requests.acquire()
        await two_requests.acquire()
        may_respond.set()
        assert [found.status_code for found in await asyncio.gather(*asked)] == [200] * 4
        assert server.connections == 2


async def test_waiting_for_a_connection_has_an_end(make_client: MakeClient) -> None:
    async def hang(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with receiver(hang) as server:
        client = make_client(limits=EgressLimits(connections=1, total_s=0.3))
        asked = (client.get(f"http://127.0.0.1:{server.port}/") for _ in range(3))
        found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, httpx.TimeoutException) for each in found)


async def test_a_server_that_breaks_off_is_an_error_of_httpx(make_client: MakeClient) -> None:
    async def break_off(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with receiver(break_off) as server:
        with pytest.raises(httpx.TransportError):
            await make_client().get(f"http://127.0.0.1:{server.port}/")
    with pytest.raises(httpx.ConnectError, match=rf"127\.0\.0\.1, port {server.port}, does not accept connections"):
        await make_client().get(f"http://127.0.0.1:{server.port}/")


async def test_an_unknown_name_is_an_error_of_httpx(make_client: MakeClient) -> None:
    with pytest.raises(httpx.ConnectError, match=r"app\.example\.com could not be resolved"):
        await make_client(resolve=NameServer({})).get(f"https://{NAME}/")


async def test_a_url_is_checked_when_it_is_stored() -> None:
    names = NameServer({"inside.example.com": [["10.0.0.1"]], NAME: [["93.184.215.14"]]})
    egress = Egress(AddressRules(), resolve=names)
    try:
        for url in (f"https://{NAME}/", "https://unknown.example.com/"):
            await egress.check_url(url)
        with pytest.raises(ChatError) as refused:
            await egress.check_url("https://inside.example.com/")
    finally:
        egress.close()
    message = "10.0.0.1 is a private address, and webhook_allow does not name it"
    assert (refused.value.code, refused.value.message) == ("invalid_request", f"url: {message}")
    assert refused.value.details == [{"path": "url", "message": message}]


async def test_the_system_resolves_names() -> None:
    egress = Egress(AddressRules())
    try:
        assert "loopback" in (await egress.refusal("https://localhost/") or "")
        async with receiver() as server:
            client = Egress(LOOPBACK).client(EgressLimits())
            try:
                assert (await client.get(f"http://localhost:{server.port}/")).status_code == 200
            finally:
                await client.aclose()
    finally:
        egress.close()
