"""Token claims, as hooks and handlers of an application can read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from talkwire import Actor, ClientSocket, Settings, Talkwire
from talkwire.commands import SendMessage
from talkwire.testing import TemporaryServer
from talkwire.testing.client import connected
from tests.embedding.conftest import Serve, request

SEND = {"conversationId": "talk", "content": "Hello"}
CLAIMS = {"department": "sales", "permissions": ["read"], "type": 3, "tenant": {"id": 7}, "secret": "x"}
KEPT = {"department": "sales", "permissions": ["read"], "type": 3, "tenant": {"id": 7}}


@pytest.fixture
def chat() -> Talkwire:
    return Talkwire(Settings(keep_claims=("tenant",)))


def _token(server: TemporaryServer, **claims: object) -> str:
    return server.token("alice", claims=claims)


async def test_a_hook_reads_the_claims_of_a_socket_and_of_a_request(chat: Talkwire, serve: Serve) -> None:
    seen: list[Mapping[str, object]] = []

    @chat.before(SendMessage)
    def note(actor: Actor, _: SendMessage) -> None:
        seen.append(actor.claims)

    server = await serve(chat)
    token = _token(server, **CLAIMS)
    async with connected(server.url, {"token": token}) as alice:
        await alice.call("message:send", SEND)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await request(server, "POST", "/api/v1/messages", json=SEND, headers=headers)).status_code == 201
    assert seen == [KEPT, KEPT]
    with pytest.raises(TypeError):
        seen[0]["department"] = "board"  # type: ignore[index]


@pytest.mark.parametrize("namespace", ["/", "/talks", "/messages", "/chat", "/gateway"])
async def test_a_handler_reads_the_claims_of_the_newest_token(chat: Talkwire, serve: Serve, namespace: str) -> None:
    @chat.on("claims")
    def claims(socket: ClientSocket, _: Any) -> dict[str, object]:  # noqa: ANN401 (JSON)
        return dict(socket.claims)

    server = await serve(chat)
    async with connected(server.url, {"token": _token(server, **CLAIMS)}, namespace=namespace) as alice:
        assert await alice.call("claims") == KEPT
        if namespace == "/":
            await alice.call("auth:refresh", {"token": _token(server, role="nurse", tenant=8)})
            assert await alice.call("claims") == {"role": "nurse", "tenant": 8}


async def test_the_program_itself_has_no_claims(chat: Talkwire, serve: Serve) -> None:
    seen: list[Mapping[str, object]] = []

    @chat.before(SendMessage)
    def note(actor: Actor, _: SendMessage) -> None:
        seen.append(actor.claims)

    await serve(chat)
    await chat.send_message("talk", sender="alice", content="Hello")
    assert seen == [{}]
