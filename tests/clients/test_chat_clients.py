"""The official client on Node and python-socketio in one conversation, over each transport."""

from __future__ import annotations

import asyncio
import gc
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import socketio

from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import AsyncHttpClient
from tests.waiting import DEADLINE_S, deadline

UVICORN_CHAT = Path(__file__).with_name("uvicorn_chat.py")
NO_TOKEN = "The token is opaque, not a JWT: only the application can verify it (callback `connect`)."
COUNT = 10
"""As many acks as chat_client.mjs sends: python-socketio refuses poll responses of more than 16 packets, from any
server.
"""

pytestmark = [
    # python-socketio does not read the response to its last POST, and may leave that connection to the garbage
    # collector.
    pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def nothing_left_to_collect() -> Iterator[None]:
    """What a client leaves behind is collected in its own test, where the warning is expected."""
    yield
    gc.collect()


@pytest.fixture(scope="module", params=["talkwire serve", "uvicorn"])
def chat_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The chat on its own server, and as an ASGI application of another one."""
    program = ("-m", "talkwire") if request.param == "talkwire serve" else (str(UVICORN_CHAT),)
    with running_chat(tmp_path_factory.mktemp("chat"), program=program) as server:
        yield server
        assert server.logged_errors() == []


class NodeClient:
    """chat_client.mjs, line by line."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def says(self, happened: str) -> dict[str, Any]:
        """The next thing that it reports, which must be this."""
        assert self.process.stdout is not None
        async with deadline():
            line = await self.process.stdout.readline()
        report: dict[str, Any] = json.loads(line)
        assert report.pop("happened") == happened, report
        return report


@asynccontextmanager
async def node_chatting(node_client: list[str], *arguments: str) -> AsyncIterator[NodeClient]:
    script = Path(node_client[1]).with_name("chat_client.mjs")
    process = await asyncio.create_subprocess_exec(node_client[0], str(script), *arguments, stdout=PIPE)
    try:
        yield NodeClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class PythonClient:
    """python-socketio's client; stores received events until they are requested."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self._received: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        for event in ("connected", "message:new", "typing:user"):
            queue = self._received[event] = asyncio.Queue()
            self.client.on(event, queue.put_nowait)

    async def hears(self, event: str) -> dict[str, Any]:
        async with deadline():
            return await self._received[event].get()

    async def send(self, conversation_id: str, content: str) -> dict[str, Any]:
        payload = {"conversationId": conversation_id, "content": content}
        answer = await self.client.call("message:send", payload, timeout=DEADLINE_S)
        assert answer["success"] is True
        message: dict[str, Any] = answer["message"]
        return message


@asynccontextmanager
async def python_chatting(server: ServerProcess, transports: list[str], user_id: str) -> AsyncIterator[PythonClient]:
    python = PythonClient()
    auth = {"token": server.token(user_id)}
    await python.client.connect(server.url, transports=transports, auth=auth, wait_timeout=DEADLINE_S)
    try:
        yield python
    finally:
        await python.client.disconnect()


async def conversation_of(server: ServerProcess, *user_ids: str) -> str:
    headers = {"authorization": f"Bearer {server.token('backend', role='service')}"}
    async with AsyncHttpClient(base_url=server.url) as http:
        body = {"kind": "group", "memberIds": user_ids}
        return str((await http.post("/api/v1/conversations", json=body, headers=headers)).json()["id"])


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
async def test_both_clients_talk_to_each_other(
    chat_server: ServerProcess, node_client: list[str], transports: str
) -> None:
    node_id, python_id = f"node-{transports.replace(',', '-')}", f"python-{transports.replace(',', '-')}"
    conversation = await conversation_of(chat_server, node_id, python_id)
    arguments = (chat_server.url, transports, chat_server.token(node_id), conversation)
    async with (
        python_chatting(chat_server, transports.split(","), python_id) as python,
        node_chatting(node_client, *arguments) as node,
    ):
        assert (await python.hears("connected"))["userId"] == python_id
        connected = await node.says("connected")
        assert connected["welcome"]["userId"] == node_id
        assert connected["welcome"]["socketId"] == connected["socketId"]

        hello = await python.send(conversation, "hello")
        assert await python.hears("message:new") == hello
        assert await node.says("received") == {"content": "hello", "seq": 1}
        received = [await python.hears("message:new") for _ in range(COUNT)]
        assert [message["content"] for message in received] == [f"answer {number}" for number in range(COUNT)]
        assert {message["senderId"] for message in received} == {node_id}
        assert await node.says("sent") == {"in_order": True, "retried": True}
        assert await node.says("refused") == {"code": "forbidden"}

        typing = await python.hears("typing:user")
        assert (typing["userId"], typing["isTyping"]) == (node_id, True)
        await python.client.emit("typing:start", {"conversationId": conversation})
        assert (await node.says("typing"))["typing"]["userId"] == python_id

        await python.send(conversation, "bye")
        # Sending ends typing.
        assert (await node.says("typing"))["typing"]["isTyping"] is False
        assert (await node.says("received"))["content"] == "bye"
        leaving = await node.says("leaving")
        assert leaving["transport"] == transports.rsplit(",", maxsplit=1)[-1]
        # Leaving, it stops typing.
        assert (await python.hears("typing:user"))["isTyping"] is False


@pytest.mark.parametrize("transports", ["websocket", "polling"])
async def test_the_official_client_receives_the_reason_of_a_refusal(
    chat_server: ServerProcess, node_client: list[str], transports: str
) -> None:
    async with node_chatting(node_client, chat_server.url, transports, "nonsense", "nowhere") as node:
        error = await node.says("connect_error")
        assert error == {"message": "Authentication failed", "data": {"code": "unauthenticated", "reason": NO_TOKEN}}


async def test_python_socketio_receives_the_reason_of_a_refusal(chat_server: ServerProcess) -> None:
    client = socketio.AsyncClient(reconnection=False)
    errors: list[object] = []
    client.on("connect_error", errors.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(chat_server.url, transports=["websocket"], auth={"token": "x"}, wait_timeout=DEADLINE_S)
    assert errors == [{"message": "Authentication failed", "data": {"code": "unauthenticated", "reason": NO_TOKEN}}]
    await client.disconnect()
