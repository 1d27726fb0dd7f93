"""Custom events of an application: from any client to a handler, and the acknowledgement back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talkwire import ClientSocket, Refused, Settings, Talkwire
from talkwire.realtime.chat.custom_handlers import Handler
from tests.embedding.conftest import Serve
from tests.waiting import deadline

DIALECTS = {"messenger": "/", "talks": "/talks", "whatsapp": "/messages", "crm": "/chat", "gateway": "/gateway"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_handler_receives_events_of_every_dialect_and_namespace(
    chat: Talkwire, serve: Serve, dialect: str
) -> None:
    @chat.on("order:track")
    async def track(socket: ClientSocket, data: Any) -> dict[str, object]:  # noqa: ANN401 (JSON)
        await asyncio.sleep(0)
        socket.emit("order:tracked", {"by": socket.user_id})
        return {"order": data["id"], "dialect": socket.dialect, "in": socket.namespace, "socket": socket.id}

    server = await serve(chat)
    for namespace in dict.fromkeys((DIALECTS[dialect], "/")):
        async with server.client("alice", namespace=namespace, dialect=dialect) as alice:
            answer = await alice.call("order:track", {"id": 7})
            assert answer == {"order": 7, "dialect": dialect, "in": namespace, "socket": alice.id}
            assert await alice.wait_for("order:tracked") == {"by": "alice"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_refusal_has_the_format_of_the_dialect(chat: Talkwire, serve: Serve, dialect: str) -> None:
    @chat.on("order:track")
    def track(socket: ClientSocket, data: Any) -> None:  # noqa: ANN401 (JSON)
        raise Refused("not_found", f"{socket.name} has no order {data}.")

    server = await serve(chat)
    async with server.client("alice", namespace=DIALECTS[dialect]) as alice:
        answer = await alice.call("order:track", 7)
        assert answer["success"] is False
        assert (answer["error"]["code"], answer["error"]["message"]) == ("not_found", "alice has no order 7.")
        await alice.emit("order:track", 8)
        name = "exception" if dialect == "talks" else "error"
        assert (await alice.wait_for(name))["message"] == "alice has no order 8."


_ANSWERS: list[tuple[object, object]] = [
    (None, {"success": True}),
    ("a text", "a text"),
    (0, 0),
    ([1, None, {"a": True}], [1, None, {"a": True}]),
    ({"file": b"\x00\xff"}, {"file": b"\x00\xff"}),
]


@pytest.mark.parametrize(("answer", "acknowledged"), _ANSWERS)
async def test_a_handlers_result_is_the_acknowledgement(
    chat: Talkwire, serve: Serve, answer: object, acknowledged: object
) -> None:
    received: list[object] = []

    @chat.on("ask")
    def ask(_: ClientSocket, data: object) -> object:
        received.append(data)
        return answer

    server = await serve(chat)
    async with server.client("alice") as alice:
        assert await alice.call("ask") == acknowledged
        assert await alice.call("ask", b"\x01", "ignored") == acknowledged
    assert received == [None, b"\x01"]


def _raise(_: ClientSocket, __: object) -> None:
    raise RuntimeError("a bug")


async def _raise_later(_: ClientSocket, __: object) -> None:
    await asyncio.sleep(0)
    raise RuntimeError("a bug")


def _no_json(_: ClientSocket, __: object) -> object:
    return object()


@pytest.mark.parametrize("handler", [_raise, _raise_later, _no_json])
async def test_an_exception_in_a_handler_is_logged_and_acknowledged(
    chat: Talkwire, serve: Serve, caplog: pytest.LogCaptureFixture, handler: Handler
) -> None:
    chat.on("ask")(handler)
    server = await serve(chat)
    async with server.client("alice") as alice:
        assert (await alice.call("ask"))["error"]["code"] == "unavailable"
        await alice.emit("ask")
        if handler is not _no_json:  # an event without acknowledgement gets no response
            assert (await alice.wait_for("error"))["code"] == "unavailable"
        assert (await alice.call("ping"))["success"]
    assert "handler_failed" in caplog.text


async def test_one_connections_events_are_handled_one_after_the_other(chat: Talkwire, serve: Serve) -> None:
    first_goes_on = asyncio.Event()
    begun: list[int] = []

    @chat.on("step")
    async def step(_: ClientSocket, number: int) -> int:
        begun.append(number)
        if number == 1:
            await first_goes_on.wait()
        return number

    server = await serve(chat)
    async with server.client("alice") as alice, server.client("bob") as bob:
        first = asyncio.create_task(alice.call("step", 1))
        second = asyncio.create_task(alice.call("step", 2))
        sent = asyncio.create_task(alice.call("message:send", {"conversationId": "talk", "content": "3"}))
        assert await bob.call("step", 10) == 10
        assert sorted(begun) == [1, 10]
        first_goes_on.set()
        assert (await first, await second, (await sent)["success"]) == (1, 2, True)
    assert begun[-1] == 2


async def test_a_string_payload_is_followed_by_an_offset_for_recoverable_clients(chat: Talkwire, serve: Serve) -> None:
    @chat.on("ask")
    def ask(socket: ClientSocket, _: object) -> None:
        socket.emit("said", "a text")
        socket.emit("said", {"a": "text"})

    server = await serve(chat)
    for recovery, texts in ((True, 2), (False, 1)):
        async with server.client("alice", recovery=recovery) as alice:
            await alice.call("ask")
            arrivals = [args for name, args in alice.waiting if name == "said"]
        assert [len(args) for args in arrivals] == [texts, 1]
        assert arrivals[0][0] == "a text"


async def test_a_handler_of_a_disconnected_client_sends_nothing(chat: Talkwire, serve: Serve) -> None:
    gone = asyncio.Event()
    finished: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    @chat.on("ask")
    async def ask(socket: ClientSocket, _: object) -> str:
        await gone.wait()
        socket.emit("late", 1)
        finished.set_result(socket.connected)
        return "nobody hears this"

    server = await serve(chat)
    async with server.client("alice") as alice:
        await alice.emit("ask")
    # bob connects after alice's disconnect, which the server has processed by then
    async with server.client("bob") as bob:
        await bob.call("ping")
    gone.set()
    async with deadline():
        assert await finished is False


async def test_custom_events_count_as_signals_in_the_rate_limits(chat: Talkwire, serve: Serve) -> None:
    chat.on("ask")(lambda _, __: 1)
    server = await serve(chat, rate_limits=True, rates=("signals=0.001/1",))
    async with server.client("alice") as alice:
        assert await alice.call("ask") == 1
        assert (await alice.call("ask"))["error"]["code"] == "rate_limited"


async def test_an_event_without_a_handler_is_invalid(chat: Talkwire, serve: Serve) -> None:
    chat.on("ask")(lambda _, __: 1)
    server = await serve(chat)
    async with server.client("alice") as alice:
        assert (await alice.call("answer"))["error"]["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("message:send", "is an event of the dialect messenger"),
        ("sendMessage", "is an event of the dialect crm"),
        ("message", "is an event of the dialect"),
        ("disconnect", "is an event of Socket.IO itself"),
        ("connect", "is an event of Socket.IO itself"),
        ("", "must be a text that is not empty"),
        ("mine", "has a handler already"),
    ],
)
def test_a_name_that_is_taken_is_refused(chat: Talkwire, name: str, reason: str) -> None:
    chat.on("mine")(lambda _, __: None)
    with pytest.raises(ValueError, match=reason):
        chat.on(name)(lambda _, __: None)


def test_a_name_of_a_dialect_that_is_not_served_is_free() -> None:
    chat = Talkwire(Settings(dialects=("messenger",)))
    chat.on("sendMessage")(lambda _, __: None)


async def test_a_socket_is_not_sent_events_of_socket_io_itself(chat: Talkwire, serve: Serve) -> None:
    @chat.on("ask")
    def ask(socket: ClientSocket, _: object) -> str:
        with pytest.raises(ValueError, match=r"Socket\.IO itself"):
            socket.emit("connect", {})
        return "refused"

    server = await serve(chat)
    async with server.client("alice") as alice:
        assert await alice.call("ask") == "refused"
