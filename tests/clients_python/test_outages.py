"""A client that waits for a server says so in the log."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from talkwire_client import Talkwire, outages
from tests.clients_python.conftest import client_of
from tests.clients_python.restarts import FragileServer
from tests.protocol.server_process import reserved_port
from tests.waiting import until

MAX_PAUSE_S = 0.05


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(outages, "WARN_AFTER_S", 0.1)
    caplog.set_level(logging.WARNING, logger="talkwire_client")


async def give_up_after_the_warning(url: str, caplog: pytest.LogCaptureFixture) -> str:
    async def sign_in() -> None:
        async with Talkwire(url, token="token", max_pause_s=MAX_PAUSE_S):
            raise AssertionError

    waiting = asyncio.create_task(sign_in())
    await until(lambda: bool(caplog.messages))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    (message,) = caplog.messages
    return message


async def test_a_closed_port_is_named_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    url = f"http://127.0.0.1:{reserved_port()}"
    message = await give_up_after_the_warning(url, caplog)
    assert message.startswith(f"{url} has not answered")
    assert "Connect call failed" in message


async def test_a_host_without_an_address_is_named(caplog: pytest.LogCaptureFixture) -> None:
    assert "talkwire.invalid" in await give_up_after_the_warning("http://talkwire.invalid", caplog)


async def test_a_proxy_of_the_environment_is_named_without_its_password(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@127.0.0.1:{reserved_port()}")
    message = await give_up_after_the_warning("http://chat.example.com", caplog)
    assert "HTTP_PROXY" in message
    assert "secret" not in message


async def test_a_server_that_accepts_and_is_silent_is_named(caplog: pytest.LogCaptureFixture) -> None:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert "It has not answered yet." in await give_up_after_the_warning(url, caplog)
        for writer in held:
            writer.close()


async def test_many_calls_report_one_outage_and_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = FragileServer(tmp_path)
    await server.start()
    try:
        assert server.process is not None
        async with client_of(server.process, server.process.token("ann")) as chat:
            await chat.me()
            caplog.clear()  # A slow start is an outage of its own.
            await server.kill()
            calls = [asyncio.create_task(chat.me()) for _ in range(5)]
            await until(lambda: bool(caplog.messages))
            await server.start()
            await asyncio.gather(*calls)
            assert [message.split()[1:3] for message in caplog.messages] == [["has", "not"], ["answers", "again"]]
    finally:
        await server.kill()


async def test_a_socket_that_is_refused_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """Such as behind a proxy that passes REST requests on, but no WebSockets."""

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status, body = (b"403 Forbidden", b"No") if b"/socket.io/" in head else (b"200 OK", b'{"cursor": "log-1"}')
        lines = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        writer.write(b"HTTP/1.1 " + status + b"\r\n" + lines + body)
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Talkwire(url, token="token", max_pause_s=MAX_PAUSE_S) as chat:
        reading = asyncio.create_task(anext(chat.events()))
        await until(lambda: bool(caplog.messages))
        reading.cancel()
    assert caplog.messages[0].startswith(f"the socket to {url} has not answered")
    assert "403" in caplog.messages[0]
