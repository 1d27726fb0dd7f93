"""Serving the bundles of the official client, such as `GET /socket.io/socket.io.js`. tests/page runs them in a
browser."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from talkwire.app import Embedding, Node
from talkwire.realtime.http.client_bundle import BUNDLE_FOLDER, NAMES
from tests.chat.chat_server import in_process, serving
from tests.http_client import AsyncHttpClient

EVIL = {"origin": "https://evil.example"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(in_process(tmp_path)) as server,
        AsyncHttpClient(base_url=server.url) as client,
    ):
        yield client


async def test_each_bundle_is_served_to_pages_of_any_origin(http: httpx.AsyncClient) -> None:
    for name in NAMES:
        answer = await http.get(f"/socket.io/{name}", headers=EVIL)
        assert answer.status_code == 200
        assert answer.content == (BUNDLE_FOLDER / name).read_bytes()
        kind = "application/json" if name.endswith(".map") else "text/javascript"
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=0"
        assert answer.headers["access-control-allow-origin"] == "*"
        head = await http.head(f"/socket.io/{name}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == answer.headers["content-length"]


async def test_a_bundle_that_is_known_is_not_sent_again(http: httpx.AsyncClient) -> None:
    etag = (await http.get("/socket.io/socket.io.js")).headers["etag"]
    for known in (etag, etag.removeprefix("W/"), f'"another", {etag}', "*"):
        answer = await http.get("/socket.io/socket.io.js", headers={"if-none-match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert (await http.get("/socket.io/socket.io.js", headers={"if-none-match": '"another"'})).status_code == 200


async def test_a_bundle_is_compressed_for_clients_that_accept_it(http: httpx.AsyncClient) -> None:
    plain = await http.get("/socket.io/socket.io.min.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    async with http.stream("GET", "/socket.io/socket.io.min.js", headers={"accept-encoding": "gzip, br"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "accept-encoding"
        raw = b"".join([chunk async for chunk in packed.aiter_raw()])
    assert gzip.decompress(raw) == plain.content


async def test_other_methods_and_names_are_refused(http: httpx.AsyncClient) -> None:
    refused = await http.post("/socket.io/socket.io.js")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    for name in ("LICENSE", "socket.io.js.gz", "socket.io.msgpack.min.js", "../index.html", ""):
        assert (await http.get(f"/socket.io/{name}")).status_code in {400, 404}


async def test_the_bundle_may_be_turned_off_and_stays_where_it_is_with_a_prefix(tmp_path: Path) -> None:
    node = in_process(tmp_path)
    off = Node(replace(node.settings, serve_client=False))
    async with serving(off) as server, AsyncHttpClient(base_url=server.url) as client:
        assert (await client.get("/socket.io/socket.io.js")).status_code == 404
    prefixed = Node(replace(node.settings, prefix="/chat"), (), Embedding())
    async with serving(prefixed) as server, AsyncHttpClient(base_url=server.url) as client:
        assert (await client.get("/socket.io/socket.io.js")).status_code == 200
