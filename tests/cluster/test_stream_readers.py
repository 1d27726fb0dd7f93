"""Many nodes in one process, with a database and a Valkey: which of them receive what an author writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import httpx
import pytest

from talkwire.core.cluster import peers
from talkwire.core.domain.events import StreamAdvanced, UnstoredEvent
from talkwire.core.engine.chat import Chat
from talkwire.core.ports.bus import Receivers
from talkwire.testing import TemporaryServer, temporary_server
from tests.databases import Database
from tests.http_client import AsyncHttpClient
from tests.valkey_server import valkey_server
from tests.waiting import deadline, until_asked

SECRET = "a secret of the tests that is long enough"


@pytest.fixture
def changes_sent(monkeypatch: pytest.MonkeyPatch) -> list[Receivers]:
    """Three nodes are many. Returns to whom nodes have sent changes of streams."""
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 2)
    sent: list[Receivers] = []
    publish_to = Chat.publish_to

    def publish(chat: Chat, events: Sequence[UnstoredEvent], to: Receivers) -> None:
        sent.extend(to for event in events if isinstance(event, StreamAdvanced))
        publish_to(chat, events, to)

    monkeypatch.setattr(Chat, "publish_to", publish)
    return sent


@pytest.fixture
async def nodes(postgresql_database: Database, changes_sent: list[Receivers]) -> AsyncIterator[list[TemporaryServer]]:
    url = postgresql_database.url.render_as_string(hide_password=False)
    with valkey_server() as valkey:
        start = partial(temporary_server, database=url, redis=valkey.url, jwt_secret=SECRET, drain_s=0.0)
        async with AsyncExitStack() as servers:
            started = [await servers.enter_async_context(start()) for _ in range(3)]
            yield [replace(server, secret=SECRET) for server in started]


class Author:
    """A back end that writes a message through one node, in the name of alice."""

    def __init__(self, server: TemporaryServer, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http
        self.message_id = ""
        self.text = ""

    async def request(self, path: str, body: object) -> httpx.Response:
        headers = self._server.headers("backend", role="service")
        response = await self._http.post(f"{self._server.url}/api/v1/{path}", headers=headers, json=body)
        assert response.status_code < 300, response.text
        return response

    async def open(self) -> None:
        talk = {"kind": "group", "id": "talk", "name": "Talk", "memberIds": ["alice", "bob"]}
        await self.request("conversations", talk)
        message = {"conversationId": "talk", "clientMessageId": "answer"}
        opened = await self.request("messages/stream", {**message, "senderId": "alice"})
        self.message_id = opened.json()["message"]["id"]

    async def append(self, text: str) -> None:
        self.text += text
        body = {"attempt": 1, "part": 0, "text": text}
        await self.request(f"messages/{self.message_id}/append", body)


async def test_what_is_written_goes_to_the_nodes_with_readers(
    nodes: list[TemporaryServer], changes_sent: list[Receivers]
) -> None:
    first, second, third = nodes
    async with AsyncHttpClient() as http, second.client("bob") as bob, deadline():
        author = Author(first, http)
        await author.open()

        async def is_addressed() -> bool:
            await author.append("word ")
            return bool(changes_sent) and changes_sent[-1] is not None

        await until_asked(is_addressed)
        addressed = changes_sent[-1]
        assert addressed is not None
        assert len(addressed) == 1, "the node of bob"
        shown = ""
        while shown != author.text:  # Suspends: waits for the next change.
            delta = await bob.wait_for("message:delta")
            shown = delta["text"] if delta.get("replace") else shown + delta["text"]
        path = f"{third.url}/api/v1/messages/{author.message_id}/stream"
        await author.append("more")
        async with http.stream("GET", path, headers=third.headers("alice")) as response:
            read = ""
            async for line in response.aiter_lines():
                read += line.removeprefix("data: ") if line.startswith("data: ") else ""
                if read == author.text:
                    break
