"""Uploads and files over nodes that have folders of their own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.chat.chat_client import open_client
from tests.chat.chat_server import ServerProcess
from tests.clients.test_tus_client import uploading
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.databases import Database, PostgresServer
from tests.files.pictures import jpeg
from tests.http_client import AsyncHttpClient
from tests.waiting import DEADLINE_S, until, until_asked

SIZE = 3_000_000
CHUNK = 400_000
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = bytes(range(251)) * 40_000

Report = dict[str, Any]


@pytest.fixture(scope="module")
def cluster(postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes of which none is killed."""
    name = postgresql.create_migrated()
    database = Database("postgresql", postgresql.url_of(name))
    with ExitStack() as ending:
        ending.callback(postgresql.drop, name)
        cluster = Cluster(tmp_path_factory.mktemp("files"), database, None, ending)
        cluster.add_node()
        cluster.add_node()
        yield cluster
        for node in cluster.nodes:
            assert node.logged_errors() == []


def bearer(node: ServerProcess, user: str = "alice") -> dict[str, str]:
    return {"Authorization": f"Bearer {node.token(user)}"}


@asynccontextmanager
async def at(node: ServerProcess, user: str = "alice") -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncHttpClient(base_url=node.url, headers=bearer(node, user), timeout=DEADLINE_S) as client:
        yield client


async def begin(client: httpx.AsyncClient, length: int, first: bytes = b"") -> str:
    """An upload's path."""
    name = base64.b64encode(b"report.bin").decode()
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": f"filename {name}"}
    if first:
        headers["Content-Type"] = "application/offset+octet-stream"
    answer = await client.post("/api/v1/files", headers=headers, content=first)
    assert answer.status_code == 201, answer.text
    return urlsplit(answer.headers["location"]).path


async def send(client: httpx.AsyncClient, path: str, offset: int, data: Any) -> httpx.Response:  # noqa: ANN401
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return await client.patch(path, headers=headers, content=data)


async def offset_of(client: httpx.AsyncClient, path: str) -> int:
    answer = await client.head(path, headers=TUS)
    assert answer.status_code == 200, answer.headers
    return int(answer.headers["upload-offset"])


async def upload(client: httpx.AsyncClient, data: bytes, name: str = "report.bin") -> Report:
    sent = await client.post("/api/v1/files", files={"file": (name, data)})
    assert sent.status_code == 201, sent.text
    found: Report = sent.json()
    return found


async def metric(client: httpx.AsyncClient, name: str) -> float:
    text = (await client.get("/metrics")).text
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[1])


def progress_of(node: ServerProcess, path: str) -> int | None:
    """How many bytes of an upload are on a node's disk; None before the first request with bytes."""
    file = node.data / "uploads" / f"{path.rsplit('/', maxsplit=1)[-1]}.bytes"
    return file.stat().st_size if file.exists() else None


async def has_offset(client: httpx.AsyncClient, path: str, offset: int) -> bool:
    return await offset_of(client, path) == offset


def descriptors_of(node: ServerProcess) -> int:
    return len(list(Path(f"/proc/{node.process.pid}/fd").iterdir()))


def resident_bytes(node: ServerProcess) -> int:
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def partials_of(node: ServerProcess) -> list[str]:
    return [path.name for path in (node.data / "uploads").iterdir()]


@asynccontextmanager
async def round_robin(nodes: list[ServerProcess]) -> AsyncIterator[str]:
    """The address of a load balancer that gives each request to the next node."""
    turn = itertools.cycle(nodes)

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with contextlib.closing(to_client), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await client.readuntil(b"\r\n\r\n")
            place = urlsplit(next(turn).url)
            node, to_node = await asyncio.open_connection(place.hostname, place.port)
            line, *fields = head.split(b"\r\n")
            kept = [field for field in fields if not field.lower().startswith(b"connection:")]
            with contextlib.closing(to_node):
                to_node.write(b"\r\n".join([line, b"Connection: close", *kept]))
                sending = asyncio.create_task(pump(client, to_node))
                await pump(node, to_client)
                sending.cancel()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


# --- uploads --------------------------------------------------------------------------------------------------------


async def test_the_official_client_uploads_over_a_load_balancer_without_affinity(
    cluster: Cluster, node_client: list[str]
) -> None:
    token = cluster.nodes[0].token("alice")
    options = {"chunkSize": CHUNK, "retryDelays": None}
    async with (
        round_robin(cluster.nodes) as url,
        uploading(node_client, f"{url}/api/v1/files", token, SIZE, **options) as client,
    ):
        uploaded = await client.says("uploaded")
    assert [response["status"] for response in client.responses] == [201, *[204] * math.ceil(SIZE / CHUNK)]
    path = urlsplit(uploaded["url"]).path
    for node in cluster.nodes:
        async with at(node) as http:
            file = (await http.get(path)).json()
            found = await http.get(file["url"])
            assert hashlib.sha256(found.content).hexdigest() == uploaded["sha256"]
    assert [partials_of(node) for node in cluster.nodes] == [[], []]


async def test_an_upload_continues_and_is_checked_and_ended_at_another_node(cluster: Cluster) -> None:
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        path = await begin(here, 10, b"0123")
        assert await offset_of(there, path) == 4
        wrong = await send(there, path, 2, b"45")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (409, "conflict")
        assert wrong.headers["tus-resumable"] == "1.0.0"
        right = await send(there, path, 4, b"45")
        assert (right.status_code, right.headers["upload-offset"]) == (204, "6")
        assert "upload-expires" in right.headers
        too_much = await send(there, path, 6, b"6789 and more")
        assert too_much.status_code == 413
        checksum = {"Upload-Checksum": "sha1 " + base64.b64encode(hashlib.sha1(b"678").digest()).decode()}  # noqa: S324
        headers = {**TUS, "Upload-Offset": "6", "Content-Type": "application/offset+octet-stream", **checksum}
        assert (await there.patch(path, headers=headers, content=b"xyz")).status_code == 460
        overriding = {**headers, "X-HTTP-Method-Override": "PATCH"}
        assert (await there.post(path, headers=overriding, content=b"678")).headers["upload-offset"] == "9"
        assert (await there.delete(path)).status_code == 204
        assert (await here.head(path, headers=TUS)).status_code == 403


async def test_pages_of_other_origins_see_one_set_of_headers(cluster: Cluster) -> None:
    origin = {"Origin": "http://localhost:5173"}
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        path = await begin(here, 10)
        answers = [await client.head(path, headers=TUS | origin) for client in (here, there)]
    headers = [sorted(name for name, _ in answer.headers.multi_items()) for answer in answers]
    assert headers[0] == headers[1]


async def test_a_stranger_is_refused_where_they_ask(cluster: Cluster) -> None:
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1], "mallory") as there:
        path = await begin(here, 10, b"0123")
        before = await metric(there, "talkwire_forwarded_uploads_total")
        assert (await there.head(path, headers=TUS)).status_code == 403
        assert (await send(there, path, 4, b"45")).status_code == 403
        assert await metric(there, "talkwire_forwarded_uploads_total") == before


async def test_one_of_two_requests_at_two_nodes_writes(cluster: Cluster) -> None:
    data = BYTES[:SIZE]
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        path = await begin(here, SIZE)
        offset, statuses = 0, set[int]()
        while offset < SIZE:
            part = data[offset : offset + CHUNK]
            answers = await asyncio.gather(send(here, path, offset, part), send(there, path, offset, part))
            statuses |= {answer.status_code for answer in answers}
            offset = await offset_of(there, path)
        assert statuses <= {204, 409, 423}
        file = (await there.get(path)).json()
        assert (await here.get(file["url"])).content == data


async def test_bytes_received_before_a_client_disconnected_are_kept(cluster: Cluster) -> None:
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        client = await open_client(cluster.nodes[1].websocket_url)
        await client.sign_in({"token": cluster.nodes[1].token("alice")})
        path = await begin(here, 100_000)
        place = urlsplit(cluster.nodes[1].url)
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        fields = {**bearer(cluster.nodes[1]), **TUS, "Upload-Offset": "0", "Content-Length": "100000"}
        fields |= {"Content-Type": "application/offset+octet-stream", "Host": place.netloc}
        lines = [f"PATCH {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + b"x" * 5000)
        await writer.drain()
        await client.next("upload:progress")  # the node of the upload has begun to receive
        writer.close()
        await client.close()
        await until_asked(lambda: has_offset(there, path, 5000))
        assert (await send(there, path, 5000, b"x" * 95_000)).status_code == 204
        assert (await here.get(path)).json()["size"] == 100_000


async def test_an_ended_upload_leaves_no_bytes_at_the_other_node(cluster: Cluster) -> None:
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        path = await begin(here, 10, b"0123")
        assert progress_of(cluster.nodes[0], path) == 4
        assert (await there.delete(path)).status_code == 204
        assert progress_of(cluster.nodes[0], path) is None


# --- finished files -------------------------------------------------------------------------------------------------


async def test_a_file_is_read_at_any_node_as_at_its_own(cluster: Cluster) -> None:
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        url = (await upload(here, BYTES[:SIZE]))["url"]
        asked: list[tuple[str, dict[str, str]]] = [
            ("GET", {}),
            ("HEAD", {}),
            ("GET", {"Range": "bytes=1000-250000"}),
            ("GET", {"Range": "bytes=-10"}),
            ("GET", {"Range": f"bytes={SIZE}-"}),
            ("GET", {"If-None-Match": "*"}),
            ("GET", {"Range": "bytes=0-9", "If-Range": '"another"'}),
        ]
        for method, headers in asked:
            own, other = [await client.request(method, url, headers=headers) for client in (here, there)]
            assert (own.status_code, own.content) == (other.status_code, other.content), (method, headers)
            unlike = {"date", "x-request-id"}
            assert {*own.headers.items()} ^ {*other.headers.items()} <= {
                item for item in (*own.headers.items(), *other.headers.items()) if item[0] in unlike
            }


async def test_a_thumbnail_is_read_at_any_node(cluster: Cluster) -> None:
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        file = await upload(here, jpeg(1000, 500), "cat.jpg")
        for url in (file["thumbnailUrl"], f"{file['thumbnailUrl']}?large=true"):
            own, other = [await client.get(url) for client in (here, there)]
            assert other.status_code == 200
            assert own.content == other.content
            assert own.headers["etag"] == other.headers["etag"]
            assert (await there.head(url)).headers["content-length"] == str(len(own.content))
            known = {"If-None-Match": own.headers["etag"]}
            assert (await there.get(url, headers=known)).status_code == 304


async def test_a_removed_file_goes_from_the_node_that_has_it(cluster: Cluster) -> None:
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        file = await upload(here, b"some bytes")
        folder = cluster.nodes[0].data / "files" / file["id"][:2] / file["id"]
        assert folder.is_dir()
        assert (await there.delete(f"/api/v1/files/{file['id']}")).status_code == 204
        assert not folder.exists()
        assert (await here.get(file["url"])).status_code == 403


async def test_a_slow_reader_holds_back_the_node_that_has_the_file(cluster: Cluster) -> None:
    """For a large file that its client does not read, neither node buffers much, and both release it at the end."""
    size = 60_000_000
    async with at(cluster.nodes[0]) as here, at(cluster.nodes[1]) as there:
        url = (await upload(here, b"x" * size))["url"]
        await there.get(url, headers={"Range": "bytes=0-1"})
        before = [descriptors_of(node) for node in cluster.nodes]
        memory = [resident_bytes(node) for node in cluster.nodes]
        place = urlsplit(cluster.nodes[1].url)
        connections = []
        for _ in range(5):
            reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1000)
            token = bearer(cluster.nodes[1])["Authorization"]
            writer.write(f"GET {url} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: {token}\r\n\r\n".encode())
            assert b" 200 " in await reader.readuntil(b"\r\n")
            connections.append(writer)
        await asyncio.sleep(1)
        assert all(resident_bytes(node) < known + 60_000_000 for node, known in zip(cluster.nodes, memory, strict=True))
        for writer in connections:
            writer.transport.abort()
        for node, known in zip(cluster.nodes, before, strict=True):
            await until(lambda node=node, known=known: descriptors_of(node) <= known + 1)  # type: ignore[misc]


# --- nodes that are gone --------------------------------------------------------------------------------------------


async def test_a_node_that_is_killed_takes_its_uploads_and_files_with_it(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, environment={"TALKWIRE_LEASE_S": "6"})
    holder, other = cluster.nodes
    async with at(holder) as here, at(other) as there:
        path = await begin(here, SIZE, b"0123")
        file = await upload(here, BYTES[:SIZE])
        assert (await there.get(file["url"])).content == BYTES[:SIZE]
        holder.process.kill()
        holder.process.wait()
        for answer in (await there.head(path, headers=TUS), await send(there, path, 4, b"4")):
            assert answer.status_code == 503
        refused = await send(there, path, 4, b"4")
        assert refused.json()["error"]["code"] == "unavailable"
        assert "node that holds this upload" in refused.json()["error"]["message"]
        download = await there.get(file["url"])
        assert (download.status_code, download.json()["error"]["code"]) == (503, "unavailable")
        assert "node that holds this file" in download.json()["error"]["message"]
        assert (await there.get(path.replace(path.rsplit("/")[-1], file["id"]))).status_code == 200
        assert (await there.delete(path)).status_code == 204
        fresh = await begin(there, 4, b"0123")
        assert (await there.get(fresh)).json()["size"] == 4
        # The same data folder, so the same uploads and files, at another address.
        back = cluster.restart(0)
        await until(lambda: progress_of(back, path) is None)

        async def is_back() -> bool:
            """Whether the other node has read from the leases where the folder is now."""
            return (await there.get(file["url"])).status_code == 200

        await until_asked(is_back)
        assert (await there.get(file["url"])).content == BYTES[:SIZE]
    assert other.logged_errors() == []
