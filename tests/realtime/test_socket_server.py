"""The small Socket.IO server: handlers, acknowledgements both ways, rooms, refusals, binary."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.socketio.socket_server import Namespace
from talkwire.realtime.socketio.socketio_socket import CONNECTS_FREE, ConnectRefused, Socket
from talkwire.wire import message_frame
from tests.realtime.conftest import Connect, RecordingServer
from tests.realtime.frames import BINARY, frame
from tests.waiting import DEADLINE_S, deadline


async def settled(future: asyncio.Future[Any]) -> Any:  # noqa: ANN401
    async with deadline():
        return await future


async def test_a_plain_handler_is_called_and_its_result_is_the_acknowledgement(
    root: Namespace, connect: Connect
) -> None:
    @root.on("one")
    def one(socket: Socket, value: int) -> int:
        return value + 1

    @root.on("many")
    def many(socket: Socket) -> tuple[int, str]:
        return 1, "two"

    @root.on("nothing")
    def nothing(socket: Socket) -> None:
        return

    wire = await (await (await connect()).open()).sign_in()
    await wire.say('421["one",1]', '422["many"]', '423["nothing"]', '42["one",5]', '424["one",2]')
    assert [await wire.text() for _ in range(4)] == ["431[2]", '432[1,"two"]', "433[null]", "434[3]"]


async def test_a_coroutine_handler_holds_up_what_comes_behind(root: Namespace, connect: Connect) -> None:
    gate = asyncio.Event()

    @root.on("slow")
    async def slow(socket: Socket) -> str:
        await gate.wait()
        return "slow"

    @root.on("quick")
    def quick(socket: Socket) -> str:
        gate.set()
        return "quick"

    first = await (await (await connect()).open()).sign_in()
    second = await (await (await connect()).open()).sign_in()
    await first.say('421["slow"]', '422["echo",2]')
    await second.say('421["quick"]')
    assert await second.text() == '431["quick"]'
    assert [await first.text(), await first.text()] == ['431["slow"]', "432[2]"]


async def test_a_number_is_an_event_too(root: Namespace, connect: Connect) -> None:
    @root.on(7)
    def seven(socket: Socket, value: str) -> str:
        return value

    wire = await (await (await connect()).open()).sign_in()
    await wire.say('421[7,"x"]')
    assert await wire.text() == '431["x"]'


async def test_the_server_calls_a_client(root: Namespace, connect: Connect) -> None:
    called: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    @root.on_connect
    async def greet(socket: Socket, auth: dict[str, Any]) -> None:
        asyncio.ensure_future(socket.call("question", 1, timeout_s=DEADLINE_S)).add_done_callback(
            lambda task: called.set_result(task.result())
        )

    wire = await (await (await connect()).open()).sign_in()
    assert await wire.text() == '420["question",1]'
    # An ack that no call waits for is ignored, and so is a second ack.
    await wire.say('437["nobody asked"]', '430["answer",2]', '430["again"]', '421["echo"]')
    assert await settled(called) == ["answer", 2]
    assert await wire.text() == "431[]"


async def test_a_client_that_does_not_answer_times_out(root: Namespace, connect: Connect) -> None:
    sockets: list[Socket] = []
    root.on_connect(lambda socket, auth: sockets.append(socket))
    wire = await (await (await connect()).open()).sign_in()
    with pytest.raises(TimeoutError):
        await sockets[0].call("question", timeout_s=0.01)
    assert await wire.text() == '420["question"]'
    await wire.say('430["too late"]', '421["echo",1]')
    assert await wire.text() == "431[1]"


async def test_a_call_to_a_client_that_disconnects_fails(root: Namespace, connect: Connect) -> None:
    sockets: list[Socket] = []
    root.on_connect(lambda socket, auth: sockets.append(socket))
    wire = await (await (await connect()).open()).sign_in()
    call = asyncio.ensure_future(sockets[0].call("question", timeout_s=DEADLINE_S))
    assert await wire.text() == '420["question"]'
    await wire.close()
    with pytest.raises(ConnectionError):
        await settled(call)
    with pytest.raises(ConnectionError):
        await sockets[0].call("question", timeout_s=DEADLINE_S)


async def test_a_disconnected_socket_is_sent_nothing_more(
    root: Namespace, connect: Connect, engine: RecordingServer
) -> None:
    sockets: list[Socket] = []
    reasons: list[str] = []
    root.on_connect(lambda socket, auth: sockets.append(socket))
    root.on_disconnect(lambda socket, reason: reasons.append(reason))
    wire = await (await (await connect()).open()).sign_in()
    sockets[0].disconnect()
    sockets[0].emit("lost")
    root.emit("lost")
    root.join(sockets[0], "room")
    root.emit("lost", room="room")
    assert await wire.text() == "41"
    assert reasons == ["server namespace disconnect"]
    # The client may reconnect, as another socket.
    await wire.sign_in()
    root.emit("hello")
    assert await wire.text() == '42["hello"]'
    assert engine.metrics.sockets == 1


async def test_rooms_reach_who_is_in_them(root: Namespace, connect: Connect) -> None:
    @root.on("join")
    def join(socket: Socket, room: str) -> None:
        root.join(socket, room)

    @root.on("leave")
    def leave(socket: Socket, room: str) -> None:
        root.leave(socket, room)

    @root.on("tell")
    def tell(socket: Socket, room: str | None) -> None:
        root.emit("told", room, room=room, skip=[socket])

    wires = [await (await (await connect()).open()).sign_in() for _ in range(3)]
    await wires[0].say('421["join","a"]')
    await wires[1].say('421["join","a"]')
    for wire in wires[:2]:
        assert await wire.text() == "431[null]"
    await wires[0].say('421["tell","a"]')
    assert await wires[1].text() == '42["told","a"]'
    await wires[1].say('421["leave","a"]', '422["tell","a"]')
    assert [await wires[1].text(), await wires[1].text()] == ["431[null]", "432[null]"]
    assert [await wires[0].text(), await wires[0].text()] == ["431[null]", '42["told","a"]']
    await wires[0].say('421["tell",null]')
    for wire in wires[1:]:
        assert await wire.text() == '42["told",null]'


async def test_a_middleware_lets_in_or_refuses_with_data(root: Namespace, connect: Connect) -> None:
    @root.use
    async def check(handshake: Handshake, auth: dict[str, Any]) -> None:
        assert handshake.address == "127.0.0.1"
        assert handshake.query["EIO"] == "4"
        if auth.get("token") != "good":
            raise ConnectRefused("not you", {"code": 7})

    wire = await (await connect()).open()
    await wire.say("40")
    assert await wire.text() == '44{"message":"not you","data":{"code":7}}'
    await wire.say('40{"token":"good"}')
    assert (await wire.text()).startswith("40{")


async def test_a_middleware_that_fails_refuses_and_is_reported(
    root: Namespace, connect: Connect, engine: RecordingServer
) -> None:
    @root.use
    async def check(handshake: Handshake, auth: dict[str, Any]) -> None:
        raise RuntimeError("a bug")

    wire = await (await connect()).open()
    await wire.say("40")
    assert await wire.text() == '44{"message":"An internal error occurred.","data":{"code":"unavailable"}}'
    assert [str(error) for error in engine.errors] == ["a bug"]
    # The session stays open.
    await wire.say("40/nowhere")
    assert json.loads((await wire.text()).removeprefix("44/nowhere,")) == {"message": "Invalid namespace"}


async def test_a_handler_that_fails_is_reported_and_harms_no_other_client(
    root: Namespace, connect: Connect, engine: RecordingServer
) -> None:
    @root.on("plain")
    def plain(socket: Socket) -> None:
        raise RuntimeError("plain")

    @root.on("coroutine")
    async def coroutine(socket: Socket) -> None:
        raise RuntimeError("coroutine")

    @root.on("unencodable")
    def unencodable(socket: Socket) -> object:
        return object()

    @root.on_disconnect
    def disconnected(socket: Socket, reason: str) -> None:
        raise RuntimeError(reason)

    wire = await (await (await connect()).open()).sign_in()
    await wire.say('421["plain"]', '422["coroutine"]', '423["unencodable"]', '42["plain",1,2]', '424["echo",1]')
    assert await wire.text() == "434[1]"
    assert [str(error) for error in engine.errors[:2]] == ["plain", "coroutine"]
    assert len(engine.errors) == 4
    await wire.say("41", "40")
    assert (await wire.text()).startswith("40{")
    assert str(engine.errors[-1]) == "client namespace disconnect"
    assert engine.metrics.sockets == 1


async def test_binary_goes_both_ways(root: Namespace, connect: Connect) -> None:
    @root.on("reverse")
    def reverse(socket: Socket, data: bytes) -> dict[str, bytes]:
        socket.emit("got", data)
        root.emit("all", [data])
        return {"data": data[::-1]}

    wire = await (await (await connect()).open()).sign_in()
    await wire.say('451-5["reverse",{"_placeholder":true,"num":0}]')
    await wire.send(frame(BINARY, b"\x01\x02"))
    assert await wire.text() == '451-["got",{"_placeholder":true,"num":0}]'
    assert await wire.frame() == (BINARY, b"\x01\x02")
    assert await wire.text() == '451-["all",[{"_placeholder":true,"num":0}]]'
    assert await wire.frame() == (BINARY, b"\x01\x02")
    assert await wire.text() == '461-5[{"data":{"_placeholder":true,"num":0}}]'
    assert await wire.frame() == (BINARY, b"\x02\x01")


async def test_namespaces_are_apart(engine: RecordingServer, root: Namespace, connect: Connect) -> None:
    other = engine.namespace("/other")
    reasons: list[str] = []
    other.on_disconnect(lambda socket, reason: reasons.append(reason))
    wire = await (await (await connect()).open()).sign_in()
    await wire.say("40/other,")
    assert (await wire.text()).startswith("40/other,{")
    other.emit("there")
    root.emit("here")
    assert sorted([await wire.text(), await wire.text()]) == ['42/other,["there"]', '42["here"]']
    await wire.say("41/other,", '421["echo"]')
    assert await wire.text() == "431[]"
    assert reasons == ["client namespace disconnect"]


async def test_a_handler_that_joins_for_a_client_that_has_gone_leaves_nothing_behind(
    engine: RecordingServer, root: Namespace, connect: Connect
) -> None:
    gate, gone, joined = asyncio.Event(), asyncio.Event(), asyncio.Event()
    root.on_disconnect(lambda socket, reason: gone.set())

    @root.on_connect
    async def enter(socket: Socket, auth: dict[str, Any]) -> None:
        await gate.wait()
        root.join(socket, "room")
        joined.set()

    wire = await (await (await connect()).open()).sign_in()
    await wire.close()
    async with deadline():
        await gone.wait()
        gate.set()
        await joined.wait()
    assert engine.hub.sockets_in("room") == []
    assert engine.hub.encoding_groups[0].rooms == {}


async def test_output_for_one_client_does_not_overtake_earlier_broadcasts(
    engine: RecordingServer, root: Namespace, connect: Connect
) -> None:
    @root.on("say")
    def say(socket: Socket, how: str) -> str:
        engine.hub.broadcast("", lambda _: message_frame('2["all"]'))
        match how:
            case "event":
                socket.emit("one")
            case "ping":
                now = engine.now()
                socket.connection.session.hasten_ping(now)
                socket.connection.handle_deadline(now)
            case "disconnect":
                socket.disconnect()
        return how

    wire = await (await (await connect()).open()).sign_in()
    await wire.say('421["say","event"]', '422["say","nothing"]', '423["say","ping"]')
    received = [await wire.text() for _ in range(7)]
    assert received == [
        *('42["all"]', '42["one"]', '431["event"]'),
        *('42["all"]', '432["nothing"]'),
        *('42["all"]', "2"),
    ]
    assert await wire.text() == '433["ping"]'
    await wire.say("3", '42["say","disconnect"]')
    assert [await wire.text(), await wire.text()] == ['42["all"]', "41"]


async def test_repeated_connects_on_one_connection_are_limited_like_connections(
    engine: RecordingServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses: list[str] = []

    def wait_s(address: str) -> float:
        addresses.append(address)
        return 0.0 if len(addresses) == 1 else 1.5

    wire = await (await connect()).open()
    monkeypatch.setattr(engine, "_connect_wait_s", wait_s)
    for _ in range(CONNECTS_FREE + 1):
        await wire.say("40")
        assert (await wire.text()).startswith("40{")
        await wire.say("41")
    assert addresses == ["127.0.0.1"]
    await wire.say("40")
    refused = await wire.text()
    assert refused.startswith("44{")
    assert json.loads(refused[2:])["data"] == {"code": "rate_limited", "details": {"retryAfterMs": 1500}}
