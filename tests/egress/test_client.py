"""The HTTP client for URLs that users name: it reaches only checked addresses, within limits of time and size."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import gzip
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.egress import AddressRules, BodyReading, Egress, EgressClient, EgressError, EgressLimits, EgressThread
from talkwire.egress.bounded_connection import OVERHEAD_MAX_BYTES
from talkwire.egress.client import cause_of
from talkwire.egress.egress import system_tls
from tests.certificates import self_signed
from tests.egress.conftest import NAME, Certificates, NameServer
from tests.egress.receiver import ReceivedRequest, Respond, receiver, response
from tests.waiting import DEADLINE_S, deadline, pause, until

LOOPBACK = AddressRules.of([], loopback=True)
PATIENT = EgressLimits(connect_s=DEADLINE_S, total_s=DEADLINE_S, idle_s=DEADLINE_S)

MakeClient = Callable[..., EgressClient]


@pytest.fixture
async def make_client() -> AsyncIterator[MakeClient]:
    """Returns a function `(rules, limits, **options)` that makes a client which is closed after the test."""
    async with AsyncExitStack() as closing:

        def make(rules: AddressRules = LOOPBACK, limits: EgressLimits | None = None, **options: object) -> EgressClient:
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
        found = await client.request("POST", url, content=b"hello")
        assert (found.status, found.body) == (200, b"{}")
        assert names.lookups == [NAME]
        await client.request("POST", url)
        assert (names.lookups, server.connections) == ([NAME], 1)
    (request, _) = server.requests
    assert (request.line, request.body) == ("POST /hook?a=b HTTP/1.1", b"hello")
    assert request.headers["host"] == f"{NAME}:{server.port}"
    assert request.headers["user-agent"].startswith("Talkwire/")


async def test_a_certificate_of_another_name_is_refused(make_client: MakeClient, certificates: Certificates) -> None:
    async with receiver(tls=certificates.server) as server:
        client = make_client(resolve=NameServer({"other.example.com": [["127.0.0.1"]]}), tls=certificates.client)
        with pytest.raises(EgressError, match="certificate"):
            await client.request("GET", f"https://other.example.com:{server.port}/")
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
            with pytest.raises(EgressError, match=r"rebind\.example\.com: 127\.0\.0\.1 is a loopback address"):
                await client.request("GET", url)
        finally:
            egress.close()
    assert server.connections == 0


async def test_one_refused_address_among_many_refuses_the_name(make_client: MakeClient) -> None:
    names = NameServer({NAME: [["127.0.0.1", "::ffff:169.254.169.254"]]})
    async with receiver() as server:
        client = make_client(resolve=names)
        with pytest.raises(EgressError, match="metadata"):
            await client.request("GET", f"http://{NAME}:{server.port}/")
    assert server.connections == 0


async def test_http_reaches_named_networks_only(make_client: MakeClient) -> None:
    names = NameServer({NAME: [["93.184.215.14"]]})
    client = make_client(resolve=names)
    with pytest.raises(EgressError, match="must begin with https://"):
        await client.request("GET", f"http://{NAME}/")
    with pytest.raises(EgressError, match=r"the URL 10\.0\.0\.1 is a private address"):
        await client.request("GET", "https://10.0.0.1/")


async def test_the_next_address_is_tried_when_one_does_not_respond(make_client: MakeClient) -> None:
    async with receiver() as server:
        client = make_client(resolve=NameServer({NAME: [["::1", "127.0.0.1"]]}))
        assert (await client.request("GET", f"http://{NAME}:{server.port}/")).status == 200


async def test_a_redirect_is_not_followed(make_client: MakeClient) -> None:
    async with receiver(response("302 Found", b"", "location: http://127.0.0.1:1/")) as server:
        found = await make_client().request("GET", f"http://127.0.0.1:{server.port}/")
    assert (found.status, len(server.requests)) == (302, 1)


async def test_proxies_and_cookies_are_not_used(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with receiver(response("200 OK", b"{}", "set-cookie: a=b")) as server:
        client = make_client()
        for _ in range(2):
            await client.request("GET", f"http://127.0.0.1:{server.port}/")
    assert all("cookie" not in request.headers for request in server.requests)


async def test_a_large_response_is_cut_off(make_client: MakeClient) -> None:
    async with receiver(response("200 OK", b"x" * 1001)) as server:
        client = make_client(limits=EgressLimits(response_max=1000))
        with pytest.raises(EgressError, match="more than 1000 bytes"):
            await client.request("GET", f"http://127.0.0.1:{server.port}/")


async def test_a_compressed_response_is_not_expanded(make_client: MakeClient) -> None:
    bomb = gzip.compress(b"x" * 1_000_000)
    async with receiver(response("200 OK", bomb, "content-encoding: gzip")) as server:
        found = await make_client().request("GET", f"http://127.0.0.1:{server.port}/")
    assert found.body == bomb


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
        with pytest.raises(EgressError, match=r"no response within 0\.5 s"):
            async with deadline():
                await client.request("GET", f"http://127.0.0.1:{server.port}/")


async def test_connections_are_limited_and_others_wait_for_one(make_client: MakeClient) -> None:
    may_respond = asyncio.Event()
    two_requests = asyncio.Semaphore(0)

    async def wait(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        two_requests.release()
        await may_respond.wait()
        await response()(request, writer)

    async with receiver(wait) as server, deadline():
        client = make_client(limits=dataclasses.replace(PATIENT, connections=2))
        asked = [asyncio.create_task(client.request("GET", f"http://127.0.0.1:{server.port}/")) for _ in range(4)]
        await two_requests.acquire()
        await two_requests.acquire()
        may_respond.set()
        assert [found.status for found in await asyncio.gather(*asked)] == [200] * 4
        assert server.connections == 2


async def test_waiting_for_a_connection_has_an_end(make_client: MakeClient) -> None:
    async def hang(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with receiver(hang) as server:
        client = make_client(limits=EgressLimits(connections=1, total_s=0.3))
        asked = (client.request("GET", f"http://127.0.0.1:{server.port}/") for _ in range(3))
        found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, EgressError) and each.reason == "timeout" for each in found)


async def test_a_server_that_breaks_off_is_a_failed_connection(make_client: MakeClient) -> None:
    async def break_off(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def in_the_body(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{")
        await writer.drain()
        await break_off(request, writer)

    for respond in (break_off, in_the_body):
        async with receiver(respond) as server:
            with pytest.raises(EgressError, match="closed before the response was complete"):
                await make_client().request("GET", f"http://127.0.0.1:{server.port}/")
        with pytest.raises(EgressError, match="cannot connect: Connection refused"):
            await make_client().request("GET", f"http://127.0.0.1:{server.port}/")


async def test_a_failed_tls_handshake_names_its_cause(make_client: MakeClient, certificates: Certificates) -> None:
    """Not OpenSSL's numbers: the one of every failure but a certificate's is that of "Operation not permitted"."""
    other = NameServer({name: [["127.0.0.1"]] for name in (NAME, "other.example.com")})

    async def failure(client: EgressClient, host: str, tls: ssl.SSLContext | None) -> str:
        async with _greeting(tls) as port:
            with pytest.raises(EgressError) as failed:
                await client.request("GET", f"https://{host}:{port}/")
        return str(failed.value)

    trusting = make_client(resolve=other, tls=certificates.client)
    verify = "cannot connect: certificate verify failed"
    stranger = await failure(make_client(resolve=other), NAME, certificates.server)
    assert re.fullmatch(f"{verify}: self.signed certificate", stranger)
    named = await failure(trusting, "other.example.com", certificates.server)
    assert named == f"{verify}: Hostname mismatch, certificate is not valid for 'other.example.com'"
    # OpenSSL's words for a server that does not use TLS differ from version to version.
    assert re.fullmatch(r"cannot connect: the TLS handshake failed: [a-z ]{8,}", await failure(trusting, NAME, None))


def test_authorities_of_the_environment_are_trusted_besides_the_usual_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, _ = self_signed(tmp_path, "private.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    system_tls.cache_clear()
    try:
        trusted = system_tls().get_ca_certs()
    finally:
        system_tls.cache_clear()
    assert [each for each in trusted if "private.example.com" in str(each["subject"])]
    assert len(trusted) > 100


@contextlib.asynccontextmanager
async def _greeting(tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Yields the port of a server that sends a line of text at once and closes the connection."""

    def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.EHOSTUNREACH, "Connect call failed ('192.0.2.1', 443)"), "No route to host"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (OSError("app.example.com is not known"), "app.example.com is not known"),
        # asyncio's own, for a server that closes the connection in the handshake
        (ConnectionResetError(), "the server closed the connection"),
    ],
)
def test_no_failed_connection_is_without_a_cause(error: OSError, text: str) -> None:
    assert cause_of(error) == text


async def test_an_unknown_name_is_a_failed_connection(make_client: MakeClient) -> None:
    with pytest.raises(EgressError, match=r"app\.example\.com could not be resolved"):
        await make_client(resolve=NameServer({})).request("GET", f"https://{NAME}/")


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
                assert (await client.request("GET", f"http://localhost:{server.port}/")).status == 200
            finally:
                await client.aclose()
    finally:
        egress.close()


# --- responses of very many pieces -----------------------------------------------------------------------------------

_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def _pieces(*parts: bytes) -> Callable[[ReceivedRequest, asyncio.StreamWriter], Awaitable[None]]:
    async def respond(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return respond


async def _flood(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100)
        await writer.drain()


@pytest.mark.parametrize(
    "respond",
    [
        _pieces(_HEAD, b"1\r\nx\r\n" * 65_000),
        _pieces(_HEAD, *[b"1\r\nx\r\n" * 100] * 650),
        _pieces(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000),
        _pieces(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 127 + b"c: " + b"d" * 8000 + b"\r\ne: " + b"f" * 8100),
        _flood,
    ],
    ids=["chunks", "chunks, little by little", "informational", "headers", "informational without end"],
)
async def test_a_response_of_very_many_pieces_is_broken_off(make_client: MakeClient, respond: Respond) -> None:
    async with receiver(respond) as server:
        with pytest.raises(EgressError, match=rf"more than {OVERHEAD_MAX_BYTES} bytes beside its body") as broken:
            await make_client().request("GET", f"http://127.0.0.1:{server.port}/", reading=BodyReading(1_000_000))
    assert broken.value.reason == "response"


async def test_a_large_body_in_reasonable_chunks_arrives(make_client: MakeClient) -> None:
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    async with receiver(_pieces(_HEAD, *[chunk] * 100, b"0\r\n\r\n")) as server:
        client = make_client()
        for _ in range(3):
            found = await client.request("GET", f"http://127.0.0.1:{server.port}/", reading=BodyReading(2_000_000))
            assert len(found.body) == 100 * 0x4000
        assert server.connections == 1


async def test_each_response_of_a_connection_has_its_own_limit(make_client: MakeClient) -> None:
    async with receiver(response("200 OK", b"{}", "x-long: " + "x" * 5000)) as server:
        client = make_client()
        for _ in range(5):
            await client.request("GET", f"http://127.0.0.1:{server.port}/")
        assert server.connections == 1


async def test_a_body_that_is_not_needed_is_dropped(make_client: MakeClient) -> None:
    """The connection is used again if the body is short, and closed if it is endless."""
    async with receiver(_pieces(_HEAD, b"5\r\nhello\r\n", b"0\r\n\r\n")) as server:
        client = make_client()
        for _ in range(2):
            found = await client.request("POST", f"http://127.0.0.1:{server.port}/", reading=BodyReading(0))
            assert (found.status, found.body) == (200, b"")
        assert server.connections == 1

    async def endless(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(_HEAD)
        while True:
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await writer.drain()

    async with receiver(endless) as server:
        found = await make_client().request("POST", f"http://127.0.0.1:{server.port}/", reading=BodyReading(0))
        assert (found.status, found.body) == (200, b"")


async def test_a_long_body_is_cut_off_where_that_is_wanted(make_client: MakeClient) -> None:
    async with receiver(response("200 OK", b"0123456789" * 1000)) as server:
        found = await make_client().request(
            "GET", f"http://127.0.0.1:{server.port}/", reading=BodyReading(15, cut=True)
        )
    assert found.body == b"012345678901234"


# --- the thread ------------------------------------------------------------------------------------------------------


@pytest.fixture
def thread() -> Iterator[EgressThread]:
    thread = EgressThread()
    yield thread
    thread.close()


async def test_requests_run_on_the_thread(thread: EgressThread) -> None:
    async with receiver() as server:
        names: set[str] = set()

        async def resolve(host: str, port: int) -> Sequence[str]:
            names.add(threading.current_thread().name)
            return ["127.0.0.1"]

        egress = Egress(LOOPBACK, thread, resolve=resolve)
        client = egress.client(PATIENT)
        assert (await client.request("GET", f"http://{NAME}:{server.port}/")).status == 200
        assert names == {"talkwire-egress"}
        await client.aclose()
        egress.close()


async def test_a_request_that_is_cancelled_ends_on_the_thread_too(thread: EgressThread) -> None:
    gone = asyncio.Event()

    async def trickle(_: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await pause(0.01)
        finally:
            gone.set()

    async with receiver(trickle) as server, deadline():
        egress = Egress(LOOPBACK, thread)
        client = egress.client(PATIENT)
        asked = asyncio.create_task(client.request("GET", f"http://127.0.0.1:{server.port}/"))
        await until(lambda: bool(server.requests))
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await gone.wait()
        await client.aclose()
        egress.close()


async def test_a_thread_that_has_ended_is_started_again(thread: EgressThread) -> None:
    async with receiver() as server:
        egress = Egress(LOOPBACK, thread)
        client = egress.client(PATIENT)
        for _ in range(2):
            assert (await client.request("GET", f"http://127.0.0.1:{server.port}/")).status == 200
            await client.aclose()
            thread.close()
        egress.close()
