"""The Redis client: how it connects, and that it reports failures instead of retrying."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from talkwire.bus.redis_client import redis_client
from tests.bus.networks import let_answers_take_long
from tests.certificates import self_signed
from tests.deployment.proxies import HOST
from tests.valkey_server import ValkeyServer, valkey_server


@pytest.fixture(autouse=True)
def _answers_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    let_answers_take_long(monkeypatch)


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


class Way:
    """A connection to a server. While `losing`, it loses the next reply and is closed."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.losing = False
        self._server_port = server_port

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        listener = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=tls)
        self.port = listener.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            listener.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        with suppress(OSError):
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer, answers=True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        while data := await reader.read(65536):
            if answers and self.losing:
                self.losing = False
                break
            writer.write(data)
        writer.close()


async def test_a_client_connects_on_first_use_and_reconnects_after_a_cut(valkey: ValkeyServer) -> None:
    client = redis_client(valkey.url)
    assert await client.ping()
    valkey.cut_clients("normal")
    with suppress(RedisConnectionError):
        await client.ping()  # it need not have noticed yet
    assert await client.ping()
    await client.aclose()


async def test_a_command_that_may_have_been_executed_is_not_retried(valkey: ValkeyServer) -> None:
    way = Way(valkey.port)
    async with way.open():
        client = redis_client(f"redis://127.0.0.1:{way.port}")
        assert await client.incr("counter") == 1
        way.losing = True
        with pytest.raises(RedisConnectionError):
            await client.incr("counter")
        assert await client.incr("counter") == 3
        await client.aclose()


async def test_over_tls_a_certificate_must_be_known(valkey: ValkeyServer, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, HOST)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    way = Way(valkey.port)
    async with way.open(tls):
        knowing = redis_client(f"rediss://{HOST}:{way.port}?ssl_ca_certs={certificate}")
        assert await knowing.ping()
        wondering = redis_client(f"rediss://{HOST}:{way.port}")
        with pytest.raises(RedisConnectionError, match="certificate verify failed"):
            await wondering.ping()
        await knowing.aclose()
        await wondering.aclose()


@pytest.mark.parametrize("url", ["redis://h?foo=1", "redis://h/0?db=x", "redis://h?socket_timeout=soon"])
def test_an_invalid_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"unknown parameter: 'foo'|Invalid value for"):
        redis_client(url)
