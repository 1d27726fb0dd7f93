"""Fencing of REST on a node that other nodes may believe to be dead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from talkwire.api.http.fencing import FencedApp
from talkwire.core.domain.errors import ChatError

Message = dict[str, Any]


class Service:
    """A service that reads a body in two parts and then responds."""

    def __init__(self) -> None:
        self.fenced = False
        self.read: list[bytes] = []
        self.sent: list[Message] = []
        self.app = FencedApp(self._serve, lambda: self.fenced)

    async def ask(self, path: str = "/api/v1/messages") -> None:
        await self.app({"type": "http", "path": path}, self._receive, self._send)

    async def _serve(self, _: object, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        while (message := await receive())["type"] == "http.request":
            self.read.append(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 201})

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": b"part", "more_body": not self.read}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


async def test_a_node_with_a_valid_lease_serves() -> None:
    service = Service()
    await service.ask()
    assert (service.read, service.sent[0]["status"]) == ([b"part", b"part"], 201)


async def test_a_fenced_node_refuses_and_reads_nothing() -> None:
    service = Service()
    service.fenced = True
    await service.ask()
    assert (service.read, service.sent[0]["status"]) == ([], 503)
    assert json.loads(service.sent[1]["body"])["error"]["code"] == "unavailable"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_a_fenced_node_serves_health_and_metrics(path: str) -> None:
    service = Service()
    service.fenced = True
    await service.ask(path)
    assert service.sent[0]["status"] == 201


async def test_the_rest_of_a_body_is_not_read_after_fencing() -> None:
    service = Service()

    async def stopped() -> Message:
        service.fenced = bool(service.read)
        return {"type": "http.request", "body": b"part", "more_body": True}

    with pytest.raises(ChatError, match="lost its lease"):
        await service.app({"type": "http", "path": "/"}, stopped, service._send)
    assert service.read == [b"part"]
