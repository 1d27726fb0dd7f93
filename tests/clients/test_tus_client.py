"""The official tus client against a running server: whole uploads, interrupted ones that resume, cancellations and
refusals.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import AsyncHttpClient
from tests.waiting import deadline, until

SIZE = 4_000_000
CUT_AFTER = 1_500_000

Report = dict[str, Any]


@pytest.fixture(scope="module")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("files")
    with running_chat(folder, {"TALKWIRE_MAX_FILE_SIZE": str(SIZE)}) as server:
        yield server
        assert server.logged_errors() == []


class TusClient:
    """A running tus_client.mjs and its reports."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.requests: list[Report] = []
        self.responses: list[Report] = []

    async def says(self, happened: str) -> Report:
        """Returns the next report that is not about a request or response; it must have this name."""
        assert self._process.stdout is not None
        async with deadline():
            while line := await self._process.stdout.readline():
                report: Report = json.loads(line)
                match report.pop("happened"):
                    case "request":
                        self.requests.append(report)
                    case "response":
                        self.responses.append(report)
                    case other:
                        assert other == happened, (report, self.responses)
                        return report
        raise AssertionError(f"the client ended before {happened}: {self.requests} {self.responses}")


@asynccontextmanager
async def uploading(
    node_client: list[str], endpoint: str, token: str, size: int = SIZE, **options: object
) -> AsyncIterator[TusClient]:
    script = Path(node_client[1]).with_name("tus_client.mjs")
    arguments = (str(script), endpoint, token, str(size), json.dumps(options))
    process = await asyncio.create_subprocess_exec(node_client[0], *arguments, stdout=PIPE)
    try:
        yield TusClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Proxy:
    """Forwards bytes to a server, which may be replaced later. After `cut_after` bytes in total, breaks the connection
    or stops forwarding.
    """

    def __init__(self, server: ServerProcess, cut_after: int, *, silently: bool) -> None:
        self.server = server
        self.passed = 0
        self.cut = asyncio.Event()
        self._cut_after = cut_after
        self._silently = silently
        self._connections: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Ends what still goes through."""
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._pass(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = urlsplit(self.server.url).port
        try:
            answers, questions = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        back = asyncio.create_task(self._pass_back(answers, writer))
        try:
            await self._pass_on(reader, questions, back)
        finally:
            for side in (questions, writer):
                side.transport.abort()
            await back

    async def _pass_on(
        self, reader: asyncio.StreamReader, questions: asyncio.StreamWriter, back: asyncio.Task[None]
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                questions.write(data)
                await questions.drain()
                self.passed += len(data)
                if self.passed >= self._cut_after and not self.cut.is_set():
                    self.cut.set()
                    if self._silently:
                        await asyncio.shield(back)  # until the server has stopped
                    return

    async def _pass_back(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await answers.read(65536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxied(server: ServerProcess, *, silently: bool = False) -> AsyncIterator[tuple[Proxy, str]]:
    proxy = Proxy(server, CUT_AFTER, silently=silently)
    listening = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield proxy, f"http://127.0.0.1:{port}/api/v1/files"
        await proxy.close()


def endpoint_of(server: ServerProcess) -> str:
    return f"{server.url}/api/v1/files"


async def check_download(server: ServerProcess, uploaded: Report) -> None:
    """What can be downloaded is what was uploaded."""
    headers = {"authorization": f"Bearer {server.token('alice')}"}
    file_id = uploaded["url"].rpartition("/")[2]
    async with AsyncHttpClient(base_url=server.url, headers=headers) as http:
        file = (await http.get(f"/api/v1/files/{file_id}")).json()
        assert (file["name"], file["contentType"]) == ("naïve report.bin", "application/x-report")
        bytes_ = (await http.get(file["url"])).content
    assert len(bytes_) == file["size"]
    assert hashlib.sha256(bytes_).hexdigest() == uploaded["sha256"]


@pytest.mark.parametrize(
    ("options", "methods"),
    [
        ({}, ["POST", "PATCH"]),
        ({"chunkSize": 1_500_000}, ["POST", "PATCH", "PATCH", "PATCH"]),
        ({"uploadDataDuringCreation": True}, ["POST"]),
        ({"uploadDataDuringCreation": True, "chunkSize": 3_000_000}, ["POST", "PATCH"]),
        ({"overridePatchMethod": True}, ["POST", "POST"]),
    ],
)
async def test_a_file_is_uploaded(
    chat_server: ServerProcess, node_client: list[str], options: dict[str, object], methods: list[str]
) -> None:
    token = chat_server.token("alice")
    async with uploading(node_client, endpoint_of(chat_server), token, SIZE, **options) as client:
        await check_download(chat_server, await client.says("uploaded"))
    assert [request["method"] for request in client.requests] == methods
    assert client.responses[-1]["offset"] == str(SIZE)


async def test_an_empty_file_is_uploaded(chat_server: ServerProcess, node_client: list[str]) -> None:
    async with uploading(node_client, endpoint_of(chat_server), chat_server.token("alice"), 0) as client:
        await check_download(chat_server, await client.says("uploaded"))
    assert [request["method"] for request in client.requests] == ["POST"]


async def test_an_upload_resumes_where_its_connection_broke(chat_server: ServerProcess, node_client: list[str]) -> None:
    async with (
        proxied(chat_server) as (proxy, endpoint),
        uploading(node_client, endpoint, chat_server.token("alice")) as client,
    ):
        uploaded = await client.says("uploaded")
        assert proxy.cut.is_set()
    await check_download(chat_server, uploaded)
    resumed = [int(request["offset"]) for request in client.requests if request["method"] == "PATCH"]
    assert resumed[0] == 0
    assert 0 < resumed[-1] < CUT_AFTER + 65536
    assert proxy.passed < SIZE + CUT_AFTER / 2


async def test_an_upload_continues_after_the_server_was_killed(tmp_path: Path, node_client: list[str]) -> None:
    with running_chat(tmp_path) as first:
        token = first.token("alice")
        async with (
            proxied(first, silently=True) as (proxy, endpoint),
            uploading(node_client, endpoint, token) as client,
        ):
            async with deadline():
                await proxy.cut.wait()
            on_its_way = tmp_path / "data" / "uploads"
            await until(lambda: any(path.stat().st_size > CUT_AFTER / 2 for path in on_its_way.iterdir()))
            first.process.kill()
            first.wait_ended()
            with running_chat(tmp_path) as second:
                proxy.server = second
                uploaded = await client.says("uploaded")
                await check_download(second, uploaded)
                assert second.logged_errors() == []
            resumed = [int(request["offset"]) for request in client.requests if request["method"] == "PATCH"]
            assert resumed[0] == 0
            assert CUT_AFTER / 2 < resumed[-1] < CUT_AFTER + 65536
            assert list(on_its_way.iterdir()) == []


async def test_an_upload_is_ended_by_its_client(chat_server: ServerProcess, node_client: list[str]) -> None:
    token = chat_server.token("alice")
    options = {"chunkSize": 500_000, "abortAfter": 1_000_000}
    async with uploading(node_client, endpoint_of(chat_server), token, SIZE, **options) as client:
        url = (await client.says("aborted"))["url"]
    assert client.responses[-1] == {"method": "DELETE", "status": 204, "offset": None}
    headers = {"authorization": f"Bearer {token}", "tus-resumable": "1.0.0"}
    async with AsyncHttpClient(headers=headers) as http:
        assert (await http.head(url)).status_code == 403


async def test_a_file_that_is_too_large_is_refused(chat_server: ServerProcess, node_client: list[str]) -> None:
    token = chat_server.token("alice")
    async with uploading(node_client, endpoint_of(chat_server), token, SIZE + 1) as client:
        failed = await client.says("failed")
    assert failed["status"] == 413
    assert json.loads(failed["body"])["error"]["code"] == "payload_too_large"


async def test_an_upload_that_does_not_exist_any_more_starts_again(
    chat_server: ServerProcess, node_client: list[str]
) -> None:
    endpoint = endpoint_of(chat_server)
    options = {"uploadUrl": f"{endpoint}/{'0' * 32}"}
    async with uploading(node_client, endpoint, chat_server.token("alice"), 1000, **options) as client:
        await check_download(chat_server, await client.says("uploaded"))
    assert [request["method"] for request in client.requests] == ["HEAD", "POST", "PATCH"]
