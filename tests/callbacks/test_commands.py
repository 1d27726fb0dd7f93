"""Callbacks before commands: a back end in any language allows, changes or refuses them, on every way in."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from talkwire import Actor, Refused, Settings, Talkwire
from talkwire.commands import CreateConversation, SendMessage
from talkwire.testing import temporary_server
from tests.callbacks.conftest import SECRET, BackEnd, Serve
from tests.embedding.conftest import request
from tests.waiting import deadline

SEND = {"conversationId": "talk", "content": "damn"}


def _star(asked: dict[str, Any]) -> dict[str, Any]:
    command = asked["command"]
    return {"command": {**command, "content": command.get("content", "").replace("damn", "****")}}


async def test_a_back_end_is_asked_and_may_allow(back_end: BackEnd, serve: Serve) -> None:
    server = await serve("message:send", keep_claims=("team",))
    token = server.token("alice", role="admin", claims={"team": "red", "other": 1})
    rest = await request(
        server, "POST", "/api/v1/messages", json={**SEND, "clientMessageId": "m"}, headers=_bearer(token)
    )
    assert rest.json()["content"] == "damn"
    assert back_end.asked == [
        {
            "type": "message:send",
            "actor": {"userId": "alice", "role": "admin", "claims": {"role": "admin", "team": "red"}},
            "command": {"conversationId": "talk", "content": "damn", "clientMessageId": "m"},
        }
    ]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


_SENDS: list[tuple[str, str, dict[str, Any]]] = [
    ("/", "message:send", SEND),
    ("/talks", "message", {"conversationId": "talk", "content": "damn"}),
    ("/messages", "message:send", {"conversationId": "talk", "content": {"text": "damn"}}),
    ("/chat", "sendMessage", {"chatId": "talk", "content": "damn", "message": "damn"}),
    ("/gateway", "message", {"conversationId": "talk", "message": "damn"}),
]


async def test_a_back_end_changes_messages_of_every_dialect_and_route(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = _star
    server = await serve("message:send")
    async with server.client("bob") as bob:
        for namespace, event, payload in _SENDS:
            async with server.client("alice", namespace=namespace) as alice:
                await alice.emit(event, payload)
                assert (await bob.wait_for("message:new"))["content"] == "****"
    for path in ("/api/v1/messages", "/messages"):
        sent = await request(server, "POST", path, json=SEND, headers=server.headers("alice"))
        assert sent.json()["content"] == "****"
    assert (await server.chat.send_message("talk", sender="alice", content="damn")).content == "****"
    assert [asked["command"]["content"] for asked in back_end.asked] == ["damn"] * 8
    assert back_end.asked[-1]["actor"]["role"] == "service"
    assert len(set(back_end.ids)) == 8


async def test_a_refusal_reaches_sockets_rest_and_the_program(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = lambda _: {"error": {"code": "muted", "message": "Quiet, please."}}
    server = await serve("message:send")
    expected = {"code": "muted", "message": "Quiet, please."}
    async with server.client("alice") as alice:
        answer = await alice.call("message:send", SEND)
        assert answer == {"success": False, "error": expected}
    rest = await request(server, "POST", "/api/v1/messages", json=SEND, headers=server.headers("alice"))
    assert (rest.status_code, rest.json()["error"]) == (403, expected)
    with pytest.raises(Refused, match=r"Quiet, please\."):
        await server.chat.send_message("talk", sender="alice", content="damn")
    listed = await request(server, "GET", "/api/v1/conversations/talk/messages", headers=server.headers("alice"))
    assert listed.json()["items"] == []


_REFUSALS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"code": "spam", "message": "No."}, {"code": "forbidden", "message": "No."}),
    ({"code": "not_found"}, {"code": "not_found", "message": "The application has refused this."}),
    ({}, {"code": "forbidden", "message": "The application has refused this."}),
    ({"code": "blocked", "message": "x" * 2000, "more": 1}, {"code": "blocked", "message": "x" * 1000}),
]


async def test_clients_receive_codes_that_they_know(back_end: BackEnd, serve: Serve) -> None:
    server = await serve("message:send", callback_on_failure="allow")
    for error, expected in _REFUSALS:
        back_end.decide = partial(_refuse, error)
        rest = await request(server, "POST", "/api/v1/messages", json=SEND, headers=server.headers("alice"))
        assert rest.json()["error"] == expected


def _refuse(error: dict[str, Any], _: object) -> dict[str, Any]:
    return {"error": error}


async def _hang(_: object) -> object:
    return await asyncio.Event().wait()


_LARGE = b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n" + b'{"a":"' + b"x" * 4_999_992 + b'"}'
_SLOW_FAILURES: list[tuple[Any, str]] = [
    (_hang, "timeout"),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{", "timeout"),
]
# At most ten, since no more lines of one kind are logged in a second.
_FAILURES: list[tuple[Any, str]] = [
    (b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", "status"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", "status"),
    (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "status"),
    (_LARGE, "response"),
    (b"hello\r\n\r\n", "connection"),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n<>", "response"),
    ([], "response"),
    ({"comand": {}}, "response"),
    ({"command": {"conversationId": "talk"}, "error": {}}, "response"),
    ({"command": {"content": "only this"}}, "response"),
]


@pytest.mark.parametrize("on_failure", ["refuse", "allow"])
@pytest.mark.parametrize("failures", [_SLOW_FAILURES, _FAILURES])
async def test_a_callback_that_fails_follows_on_failure(
    back_end: BackEnd,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    on_failure: str,
    failures: list[tuple[Any, str]],
) -> None:
    timeout_s = 0.5 if failures is _SLOW_FAILURES else 20.0
    server = await serve("message:send", callback_on_failure=on_failure, callback_timeout_s=timeout_s)
    with caplog.at_level(logging.WARNING):
        for decision, _ in failures:
            back_end.decide = decision if callable(decision) else partial(_respond, decision)
            rest = await request(server, "POST", "/api/v1/messages", json=SEND, headers=server.headers("alice"))
            if on_failure == "allow":
                assert rest.json()["content"] == "damn"
            else:
                assert (rest.status_code, rest.json()["error"]["code"]) == (503, "unavailable")
    lines = [each.getMessage() for each in caplog.records if "callback_failed" in each.getMessage()]
    for line, (_, reason) in zip(lines, failures, strict=True):
        assert f"reason='{reason}'" in line
        assert "damn" not in line
        assert "hello" not in line
    metrics = await request(server, "GET", "/metrics")
    assert f'talkwire_callbacks_total{{command="message:send",outcome="failed"}} {len(failures)}.0' in metrics.text
    assert "callbacks_created" not in metrics.text
    assert f'talkwire_callback_duration_seconds_count{{command="message:send"}} {len(failures)}.0' in metrics.text


def _respond(decision: object, _: object) -> object:
    return decision


async def test_a_back_end_that_is_down_follows_on_failure(back_end: BackEnd, serve: Serve) -> None:
    refusing = await serve("message:send", callbacks=("message:send=http://127.0.0.1:1024/",))
    rest = await request(refusing, "POST", "/api/v1/messages", json=SEND, headers=refusing.headers("alice"))
    assert rest.json()["error"]["code"] == "unavailable"
    allowing = await serve(
        "message:send", callbacks=("message:send=http://127.0.0.1:1024/",), callback_on_failure="allow"
    )
    rest = await request(allowing, "POST", "/api/v1/messages", json=SEND, headers=allowing.headers("alice"))
    assert rest.json()["content"] == "damn"


async def test_one_that_hangs_blocks_no_other_conversation_and_no_other_connection(
    back_end: BackEnd, serve: Serve
) -> None:
    """Only the messages of the same connection wait, in their order."""
    may_respond = asyncio.Event()

    async def wait_for_talk(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["command"]["conversationId"] == "talk":
            await may_respond.wait()
        return {}

    back_end.decide = wait_for_talk
    server = await serve("message:send")
    async with (
        deadline(),
        server.client("alice") as alice,
        server.client("bob") as bob,
        server.client("alice") as tablet,
    ):
        await alice.emit("message:send", {**SEND, "content": "first"})
        await alice.emit("message:send", {"conversationId": "other", "content": "second"})
        await back_end.arrived.wait()
        other = {"conversationId": "other", "content": "meanwhile"}
        assert (await bob.call("message:send", other))["success"]
        assert (await tablet.call("message:send", other))["success"]
        assert (await alice.wait_for("message:new"))["content"] == "meanwhile"
        rest = await request(server, "POST", "/api/v1/messages", json=other, headers=server.headers("alice"))
        assert rest.status_code == 201
        assert (await bob.call("typing:start", {"conversationId": "talk"}))["success"]
        may_respond.set()
        contents = [(await bob.wait_for("message:new"))["content"] for _ in range(5)]
    assert contents == ["meanwhile", "meanwhile", "meanwhile", "first", "second"]


async def test_a_retry_is_not_asked_again_and_returns_the_same(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = lambda asked: {
        "command": {**asked["command"], "content": f"{asked['command']['content']} {len(back_end.asked)}"}
    }
    server = await serve("message:send")
    named = {**SEND, "clientMessageId": "m1"}
    async with server.client("alice") as alice:
        first = await alice.call("message:send", named)
        assert first["message"]["content"] == "damn 1"
        assert await alice.call("message:send", named) == first
        assert (await alice.call("message:send", {**named, "content": "x"}))["error"]["code"] == "conflict"
    rest = await request(server, "POST", "/api/v1/messages", json=named, headers=server.headers("alice"))
    assert rest.json() == first["message"]
    keyed = {**server.headers("alice"), "Idempotency-Key": "k1"}
    one = await request(server, "POST", "/api/v1/messages", json=SEND, headers=keyed)
    other = await request(server, "POST", "/api/v1/messages", json=SEND, headers=keyed)
    assert one.json() == other.json()
    assert len(back_end.asked) == 2


async def test_a_server_for_tests_asks_no_back_end_of_the_environment() -> None:
    settings = Settings(callbacks=("message:send=https://app.example.com/",), webhook_allow=("127.0.0.1",))
    async with temporary_server(Talkwire(settings)) as server:
        await server.chat.execute(CreateConversation("group", ("alice", "bob"), id="talk"))
        await server.chat.send_message("talk", sender="alice", content="x")
        asked = await request(server, "GET", "/metrics")
    assert "talkwire_callbacks" not in asked.text


async def test_a_programs_own_hooks_run_first(back_end: BackEnd, serve: Serve) -> None:
    chat = Talkwire(Settings())

    @chat.before("message:send")
    def shout(_: Actor, command: SendMessage) -> SendMessage:
        return replace(command, content=command.content.upper())

    server = await serve("message:send", chat=chat)
    await request(server, "POST", "/api/v1/messages", json=SEND, headers=server.headers("alice"))
    assert [asked["command"]["content"] for asked in back_end.asked] == ["DAMN"]


async def test_callbacks_end_with_their_server(back_end: BackEnd) -> None:
    chat = Talkwire(Settings())
    for _ in range(2):
        async with temporary_server(
            chat,
            callbacks=(f"message:send={back_end.url}",),
            callback_secret=SECRET,
            webhook_allow=("127.0.0.1",),
        ):
            await chat.execute(CreateConversation("group", ("alice", "bob"), id="talk"))
            await chat.send_message("talk", sender="alice", content="x")
    assert len(back_end.asked) == 2


_COMMANDS: dict[str, dict[str, Any]] = {
    "typing:start": {"conversationId": "talk"},
    "messages:list": {"conversationId": "talk"},
    "conversation:update": {"conversationId": "talk", "name": None},
    "presence:set": {"status": "away"},
    "sync": {},
}


async def test_any_command_can_be_named(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = lambda _: {"error": {"code": "forbidden", "message": "Not today."}}
    server = await serve(*_COMMANDS)
    async with server.client("alice") as alice:
        for event, payload in _COMMANDS.items():
            assert (await alice.call(event, payload))["error"] == {"code": "forbidden", "message": "Not today."}
        assert (await alice.call("typing:stop", {"conversationId": "talk"}))["success"]
    assert [(asked["type"], asked["command"]) for asked in back_end.asked] == list(_COMMANDS.items())


async def test_a_back_end_is_not_asked_about_what_it_imports(back_end: BackEnd, serve: Serve) -> None:
    server = await serve("message:send", "conversation:create")
    back_end.decide = _star
    old = {"createdAt": "2020-01-31T12:00:00Z", "senderId": "alice", "content": "damn"}
    service = _bearer(server.token("shop", role="service"))
    group = {"kind": "group", "id": "old", "memberIds": ["alice"], "createdAt": old["createdAt"]}
    await request(server, "POST", "/api/v1/conversations", json=group, headers=service)
    there = {"conversationId": "old", "senderId": "alice"}
    messages = [{**old, **there}, {**there, "content": "damn"}, {**there, "content": "bye"}]
    answer = await request(server, "POST", "/api/v1/messages/batch", json={"messages": messages}, headers=service)
    contents = [each["message"]["content"] for each in answer.json()["items"]]
    assert contents == ["damn", "****", "bye"]
    asked = [asked["command"] for asked in back_end.asked]
    assert [each.get("content", each.get("id")) for each in asked] == ["talk", "other", "damn", "bye"]


async def test_a_back_end_is_asked_before_a_stream_opens_and_before_it_ends(back_end: BackEnd, serve: Serve) -> None:
    back_end.decide = lambda asked: _star(asked) if asked["command"].get("content") else {}
    server = await serve("message:send", streams="everyone")
    async with server.client("alice") as alice, server.client("bob") as bob:
        answer = await alice.call("message:stream", {"conversationId": "talk", "clientMessageId": "s1"})
        written = {"messageId": answer["message"]["id"], "attempt": answer["attempt"]}
        await alice.call("message:append", {**written, "part": 0, "text": "damn", "at": 0})
        ended = await alice.call("message:finish", written)
        assert ended["message"]["content"] == "****"
        assert (await bob.wait_for("message:updated"))["content"] == "****"
        back_end.decide = lambda _: {"error": {"code": "forbidden", "message": "No, thank you."}}
        refused = await alice.call("message:stream", {"conversationId": "talk", "clientMessageId": "s2"})
        assert refused["error"] == {"code": "forbidden", "message": "No, thank you."}
    common = {"conversationId": "talk", "clientMessageId": "s1"}
    assert [asked["command"] for asked in back_end.asked[:2]] == [
        {**common, "stream": "opens"},
        {**common, "content": "damn", "stream": "ends"},
    ]
