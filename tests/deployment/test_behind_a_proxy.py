"""What must work behind every proxy, with the configurations of docs/deployment as they are."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from tests.chat.chat_server import ServerProcess, running_chat
from tests.deployment.conftest import StartProxy
from tests.deployment.proxies import ALIAS, HOST, Proxy
from tests.deployment.visitors import HANDSHAKE, bearer, group_of, script, socket, visitor
from tests.http_client import AsyncHttpClient
from tests.waiting import deadline, until_asked

NodeScript = Callable[[str], list[str]]

UPLOAD_SIZE = 20_000_000
ONE_SESSION_AN_ADDRESS = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "connects=0.001/1"}


@pytest.mark.parametrize("transports", ["polling,websocket", "websocket", "polling"])
async def test_the_official_client_talks_over_each_transport(
    chat_server: ServerProcess, proxy: Proxy, node_script: NodeScript, transports: str
) -> None:
    conversation = await group_of(chat_server, "alice", "bob")
    arguments = (proxy.url, transports, chat_server.token("alice"), conversation)
    async with (
        visitor(proxy, token=chat_server.token("bob")) as bob,
        script(proxy, node_script("chat_client.mjs"), *arguments) as alice,
    ):
        assert (await alice.says("connected"))["welcome"]["userId"] == "alice"
        for content in ("hello", "bye"):
            sent = await bob.post("/api/v1/messages", json={"conversationId": conversation, "content": content})
            assert sent.status_code == 201, sent.text
            assert (await alice.says("received"))["content"] == content
            if content == "hello":
                assert await alice.says("sent") == {"in_order": True, "retried": True}
                assert await alice.says("refused") == {"code": "forbidden"}
        leaving = await alice.says("leaving")
        assert leaving["transport"] == transports.rsplit(",", maxsplit=1)[-1]
        assert leaving["upgrades"] == transports.count(",")


async def test_a_large_file_is_uploaded_in_one_request_and_downloaded(
    chat_server: ServerProcess, proxy: Proxy, node_script: NodeScript
) -> None:
    token = chat_server.token("alice")
    arguments = (f"{proxy.url}/api/v1/files", token, str(UPLOAD_SIZE))
    async with script(proxy, node_script("tus_client.mjs"), *arguments) as client:
        uploaded = await client.says("uploaded")
    async with visitor(proxy, token=token) as alice:
        path = httpx.URL(uploaded["url"]).path
        file = (await alice.get(path)).json()
        downloaded = await alice.get(file["url"])
    assert file["size"] == UPLOAD_SIZE
    assert hashlib.sha256(downloaded.content).hexdigest() == uploaded["sha256"]


async def test_received_bytes_of_a_broken_upload_are_kept(chat_server: ServerProcess, proxy: Proxy) -> None:
    token = chat_server.token("alice")
    async with visitor(proxy, token=token) as alice:
        alice.headers["tus-resumable"] = "1.0.0"
        created = await alice.post("/api/v1/files", headers={"upload-length": str(UPLOAD_SIZE)})
        path = httpx.URL(created.headers["location"]).path
        await _send_half(proxy, path, token)

        async def has_most() -> bool:
            """The proxy may hold the last part."""
            return int((await alice.head(path)).headers["upload-offset"]) > UPLOAD_SIZE // 4

        await until_asked(has_most)


async def _send_half(proxy: Proxy, path: str, token: str) -> None:
    """Sends a PATCH whose connection breaks after half of its announced length has been sent."""
    head = [
        f"PATCH {path} HTTP/1.1",
        f"host: {HOST}:{proxy.port}",
        f"authorization: Bearer {token}",
        "tus-resumable: 1.0.0",
        "upload-offset: 0",
        "content-type: application/offset+octet-stream",
        f"content-length: {UPLOAD_SIZE}",
    ]
    _, writer = await asyncio.open_connection(
        "127.0.0.1", proxy.port, ssl=proxy.tls, server_hostname=HOST, ssl_shutdown_timeout=1
    )
    writer.write("\r\n".join([*head, "", ""]).encode())
    writer.write(bytes(UPLOAD_SIZE // 2))
    async with deadline():
        await writer.drain()
    writer.close()
    # The proxy need not answer the end of TLS; asyncio then raises a TimeoutError and closes the socket.
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@pytest.fixture(scope="module")
def strict_proxy(start_proxy: StartProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """In front of a server that trusts it, and lets each address open one session."""
    folder = tmp_path_factory.mktemp("strict")
    environment = {"TALKWIRE_TRUSTED_PROXIES": "127.0.0.1", **ONE_SESSION_AN_ADDRESS}
    with running_chat(folder, environment) as server, start_proxy(folder, server.url, None) as proxy:
        yield proxy


async def test_client_addresses_are_distinguished_over_polling(strict_proxy: Proxy) -> None:
    addresses = ("127.0.0.2", "127.0.0.2", "127.0.0.3")
    assert [await _polling(strict_proxy, address) for address in addresses] == [200, 429, 200]


async def test_client_addresses_are_distinguished_over_websockets(strict_proxy: Proxy) -> None:
    addresses = ("127.0.0.4", "127.0.0.4", "127.0.0.5")
    assert [await _websocket(strict_proxy, address) for address in addresses] == [101, 429, 101]


async def test_a_client_cannot_make_up_an_address(strict_proxy: Proxy) -> None:
    made_up = [{"x-forwarded-for": f"192.0.2.{number}"} for number in (1, 2)]
    assert [await _polling(strict_proxy, "127.0.0.6", headers) for headers in made_up] == [200, 429]
    assert [await _websocket(strict_proxy, "127.0.0.7", headers) for headers in made_up] == [101, 429]


async def test_behind_a_proxy_that_is_not_trusted_all_have_its_address(start_proxy: StartProxy, tmp_path: Path) -> None:
    with running_chat(tmp_path, ONE_SESSION_AN_ADDRESS) as server, start_proxy(tmp_path, server.url, None) as proxy:
        assert [await _polling(proxy, address) for address in ("127.0.0.2", "127.0.0.3")] == [200, 429]


async def test_a_device_shows_the_address_that_it_has_signed_in_from(chat_server: ServerProcess, proxy: Proxy) -> None:
    async with visitor(proxy, "127.0.0.7") as dora:
        account = {"email": f"dora-{proxy.port}@example.com", "password": "long enough", "name": "Dora"}
        token = (await dora.post("/api/v1/auth/register", json=account)).json()["token"]
        (device,) = (await dora.get("/api/v1/users/me/sessions", headers=bearer(token))).json()["items"]
    assert device["address"] == "127.0.0.7"


async def _polling(proxy: Proxy, address: str, headers: dict[str, str] | None = None) -> int:
    """The status of a polling handshake."""
    async with visitor(proxy, address) as client:
        return (await client.get(f"{HANDSHAKE}polling", headers=headers)).status_code


async def _websocket(proxy: Proxy, address: str, headers: dict[str, str] | None = None) -> int:
    """The status of a WebSocket's handshake."""
    try:
        async with socket(proxy, address, headers) as connection:
            return connection.response.status_code if connection.response is not None else 0
    except InvalidStatus as refusal:
        return refusal.response.status_code


async def test_development_sign_in_refuses_requests_through_a_proxy(start_proxy: StartProxy, tmp_path: Path) -> None:
    environment = {"TALKWIRE_INSECURE_DEV_AUTH": "on", "TALKWIRE_TRUSTED_PROXIES": "127.0.0.1"}
    with running_chat(tmp_path, environment) as server, start_proxy(tmp_path, server.url, None) as proxy:
        me = "/api/v1/users/me?userId=alice"
        async with visitor(proxy) as outside, AsyncHttpClient(base_url=server.url) as inside:
            assert (await inside.get(me)).status_code == 200
            assert (await outside.get(me)).json()["error"]["code"] == "unauthenticated"
        async with socket(proxy) as connection:
            await connection.send('40{"userId":"alice"}')
            refusal = await _packet(connection)
        assert refusal.startswith(
            '44{"message":"Authentication failed","data":{"code":"unauthenticated","reason":"A token is needed'
        )


async def test_pages_of_the_same_site_may_connect_and_others_may_not(chat_server: ServerProcess, proxy: Proxy) -> None:
    async with visitor(proxy) as browser:
        site = f"{ALIAS}:{proxy.port}"
        same = await browser.get(f"{HANDSHAKE}polling", headers={"host": site, "origin": f"https://{site}"})
        other = await browser.get(f"{HANDSHAKE}polling", headers={"host": site, "origin": f"https://{ALIAS}"})
    assert (same.status_code, other.status_code) == (200, 403)


async def test_metrics_are_for_the_machine_itself(chat_server: ServerProcess, proxy: Proxy) -> None:
    async with visitor(proxy) as outside, AsyncHttpClient(base_url=chat_server.url) as inside:
        assert (await inside.get("/metrics")).status_code == 200
        assert (await outside.get("/metrics")).status_code == 404
        assert (await outside.get("/healthz")).status_code == 200


async def test_plain_http_leads_to_https(chat_server: ServerProcess, proxy: Proxy) -> None:
    async with AsyncHttpClient(base_url=f"http://127.0.0.1:{proxy.plain_port}") as client:
        answer = await client.get("/docs", headers={"host": HOST})
    assert answer.is_redirect
    assert answer.headers["location"].startswith(f"https://{HOST}")
    assert answer.headers["location"].endswith("/docs")


async def test_another_configuration_leaves_open_sockets_alone(chat_server: ServerProcess, proxy: Proxy) -> None:
    async with socket(proxy) as connection:
        await connection.send("40" + json.dumps({"token": chat_server.token("alice")}))
        assert (await _packet(connection)).startswith("40{")
        assert (await _packet(connection)).startswith('42["connected"')
        await asyncio.to_thread(proxy.reload)
        await connection.send('421["ping"]')
        assert (await _packet(connection)).startswith("431[")


async def _packet(connection: ClientConnection) -> str:
    """The next one that is no heartbeat."""
    async with deadline():
        while (packet := str(await connection.recv())) == "2":
            await connection.send("3")
        return packet
