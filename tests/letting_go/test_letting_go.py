"""The server releases everything that clients start and do not finish: descriptors and tasks with the request or
connection, without its garbage collector; and memory in the long run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rigs.letting_go.aborts import KINDS, Abort, bearer
from rigs.letting_go.counted import CountedServer, counted_server
from tests.files.pictures import jpeg
from tests.files.s3 import BUCKET, s3_server, variables
from tests.http_client import AsyncHttpClient

FILE_BYTES = 8_000_000
AT_ONCE = 10
OF_EACH = 40
"""Of the 27 kinds together more than 1,000."""

FEWER = {"slow readers": 1}
"""These open ten clients each time, and take megabytes."""

MEMORY_MARGIN = 12_000_000
ROUNDS_MAX = 7
PING: dict[str, Any] = {"ping_interval_s": 2, "ping_timeout_s": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountedServer]:
    """One whose collector is off, and which has had one of each kind: some make threads and connections that stay."""
    with counted_server(tmp_path_factory.mktemp("counted"), collect=False, **PING) as server:
        asyncio.run(prepare(server, KINDS))
        yield server


@pytest.fixture
async def collecting(tmp_path: Path) -> AsyncIterator[CountedServer]:
    """One as operators run it."""
    with counted_server(tmp_path, collect=True, **PING) as server:
        await prepare(server)
        yield server


async def prepare(server: CountedServer, kinds: Iterable[str] = ()) -> None:
    """Creates a file to download and a conversation, and counts the live objects after some aborts of these kinds."""
    async with AsyncHttpClient(base_url=server.url, timeout=30) as http:
        backend = {"Authorization": f"Bearer {server.token('backend', role='service')}"}
        talk = {"kind": "group", "id": "talk", "memberIds": ["alice", "bob"]}
        for name in ("alice", "bob"):
            (await http.get("/api/v1/conversations", headers=bearer(server, name))).raise_for_status()
        (await http.post("/api/v1/conversations", json=talk, headers=backend)).raise_for_status()
        for name, data in (("url", b"x" * FILE_BYTES), ("thumbnailUrl", jpeg())):
            sent = await http.post("/api/v1/files", files={"file": ("a", data)}, headers=bearer(server))
            server.prepared[name] = sent.raise_for_status().json()[name]
    server.prepared["page"] = "/"
    for kind in kinds:
        await abort_many(server, KINDS[kind], FEWER.get(kind, AT_ONCE))
    server.at_rest = await server.come_to_rest()


async def abort_many(server: CountedServer, abort: Abort, count: int) -> None:
    for _ in range(0, count, AT_ONCE):
        await asyncio.gather(*(abort(server) for _ in range(min(count, AT_ONCE))))


@pytest.mark.parametrize("kind", KINDS)
async def test_interrupted_requests_are_released_without_the_collector(server: CountedServer, kind: str) -> None:
    before = await server.count()
    count = FEWER.get(kind, OF_EACH)
    await abort_many(server, KINDS[kind], count)
    await server.settled()
    assert await server.kept_since(before, count) == set()
    assert server.logged_errors() == []


async def test_interrupted_downloads_from_s3_are_released(tmp_path: Path) -> None:
    with (
        s3_server() as endpoint,
        counted_server(tmp_path, collect=False, environment=variables(endpoint), files=BUCKET) as server,
    ):
        kinds = "a download", "a download of a part"
        await prepare(server, kinds)
        for kind in kinds:
            await abort_many(server, KINDS[kind], OF_EACH)
        await server.settled(pooled=AT_ONCE)  # connections to S3 are used again


async def test_memory_returns(collecting: CountedServer) -> None:
    """The same load takes no more memory each time, once the allocator has enough."""
    resident: list[int] = []
    while len(resident) < ROUNDS_MAX:
        for kind, abort in KINDS.items():
            await abort_many(collecting, abort, FEWER.get(kind, OF_EACH))
        resident.append((await collecting.come_to_rest()).resident_bytes)
        if len(resident) >= 4 and resident[-1] < resident[-3] + MEMORY_MARGIN:
            return
    pytest.fail(f"the memory grows from round to round: {resident}")
