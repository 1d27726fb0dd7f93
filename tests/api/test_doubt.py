"""REST on a node that may have been taken for dead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from talkwire.api.http.fencing import FencedApp
from talkwire.core.domain.errors import ChatError

Message = dict[str, Any]


class Service:
    """Takes a body in two parts and answers, as far as it is let."""

    def __init__(self) -> None:
        self.in_doubt = False
        self.read: list[bytes] = []
        self.sent: list[Message] = []
        self.app = FencedApp(self._serve, lambda: self.in_doubt)

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


async def test_a_node_without_doubts_serves() -> None:
    service = Service()
    await service.ask()
    assert (service.read, service.sent[0]["status"]) == ([b"part", b"part"], 201)


async def test_one_in_doubt_refuses_and_reads_nothing() -> None:
    service = Service()
    service.in_doubt = True
    await service.ask()
    assert (service.read, service.sent[0]["status"]) == ([], 503)
    assert json.loads(service.sent[1]["body"])["error"]["code"] == "unavailable"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_it_answers_what_machines_ask_of_it(path: str) -> None:
    service = Service()
    service.in_doubt = True
    await service.ask(path)
    assert service.sent[0]["status"] == 201


async def test_what_comes_of_a_body_after_a_stop_is_not_read() -> None:
    service = Service()

    async def stopped() -> Message:
        service.in_doubt = bool(service.read)
        return {"type": "http.request", "body": b"part", "more_body": True}

    with pytest.raises(ChatError, match="lost its lease"):
        await service.app({"type": "http", "path": "/"}, stopped, service._send)
    assert service.read == [b"part"]
