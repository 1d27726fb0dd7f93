"""WebSockets, frame by frame: RFC 6455 as far as a server owes it."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

import pytest
from websockets.protocol import Protocol

from talkwire.realtime.engine.connection import UNSENT_MAX, Connection
from talkwire.realtime.scheduling.lane import Lane
from talkwire.realtime.socketio.socket_server import Namespace
from talkwire.realtime.transport.websocket import FRAGMENTS_MAX, WebSocketProtocol
from talkwire.wire import EngineOptions, Session, SocketSession
from talkwire.wire.socket_session import FIRST_PACKET_MAX
from tests.processor_time import limit_s
from tests.realtime.collecting import without_collector
from tests.realtime.conftest import MAX_PAYLOAD, Connect, RecordingServer
from tests.realtime.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame, masked_text
from tests.realtime.test_polling import probe, signed_in
from tests.realtime.wires import ACCEPT, OPEN, UPGRADE, Wire, served, until_a_turn
from tests.waiting import deadline, until


async def echoes(wire: Wire) -> bool:
    await wire.say('421["echo","still here"]')
    return await wire.text() == '431["still here"]'


# --- the upgrade request --------------------------------------------------------------------------------------------


async def test_a_websocket_is_opened(connect: Connect) -> None:
    wire = await connect()
    status, headers, _ = await wire.request(OPEN, UPGRADE)
    assert status == 101
    assert headers["sec-websocket-accept"] == ACCEPT
    assert headers["upgrade"].lower() == "websocket"
    assert "sec-websocket-extensions" not in headers
    assert (await wire.text()).startswith('0{"sid":"')


async def test_the_path_may_do_without_its_last_slash(connect: Connect) -> None:
    wire = await connect()
    await wire.open("/socket.io?EIO=4&transport=websocket")


@pytest.mark.parametrize("path", ["/", "/ws", "/socket.io/x", "/socket.iox", "/engine.io/"])
async def test_a_websocket_elsewhere_is_not_found(connect: Connect, path: str) -> None:
    wire = await connect()
    status, _, _ = await wire.request(f"{path}?EIO=4&transport=websocket", UPGRADE)
    assert status == 404
    await wire.ended()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://[", "x"])
async def test_a_page_of_a_wrong_origin_is_forbidden(connect: Connect, origin: str) -> None:
    wire = await connect()
    status, headers, body = await wire.request(OPEN, {**UPGRADE, "Origin": origin})
    assert (status, headers["content-type"]) == (403, "application/json")
    assert body == b'{"code":4,"message":"Forbidden"}'
    await wire.ended()


@pytest.mark.parametrize("origin", ["http://127.0.0.1", "http://localhost:5173", "HTTP://LOCALHOST:3000"])
async def test_a_page_of_this_machine_may_connect(connect: Connect, origin: str) -> None:
    wire = await connect()
    assert (await wire.request(OPEN, {**UPGRADE, "Origin": origin}))[0] == 101


@pytest.mark.parametrize(
    "changes",
    [
        {"Sec-WebSocket-Key": None},
        {"Sec-WebSocket-Key": ""},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ"},
        {"Sec-WebSocket-Key": "MTIzNDU2Nzg5MDEyMzQ1Njc="},
        {"Sec-WebSocket-Protocol": ""},
        {"Sec-WebSocket-Protocol": "a b"},
    ],
)
async def test_an_upgrade_request_that_breaks_the_rules_is_a_bad_request(
    connect: Connect, changes: dict[str, str | None]
) -> None:
    wire = await connect()
    headers = {name: value for name, value in {**UPGRADE, **changes}.items() if value is not None}
    status, answered, _ = await wire.request(OPEN, headers)
    assert (status, answered["content-type"]) == (400, "text/plain")
    await wire.ended()


@pytest.mark.parametrize("version", ["8", "130", None])
async def test_another_version_of_the_protocol_is_refused_with_the_one_that_is_spoken(
    connect: Connect, version: str | None
) -> None:
    wire = await connect()
    headers = {name: value for name, value in {**UPGRADE, "Sec-WebSocket-Version": version}.items() if value}
    status, answered, _ = await wire.request(OPEN, headers)
    assert (status, answered["sec-websocket-version"], answered["upgrade"]) == (426, "13", "websocket")
    await wire.ended()


@pytest.mark.parametrize("offered", ["chat", "chat, superchat", "chat,superchat"])
async def test_the_first_subprotocol_is_selected(connect: Connect, offered: str) -> None:
    wire = await connect()
    status, answered, _ = await wire.request(OPEN, {**UPGRADE, "Sec-WebSocket-Protocol": offered})
    assert (status, answered["sec-websocket-protocol"]) == (101, "chat")
    assert (await wire.text()).startswith("0{")


async def test_without_an_offer_there_is_no_subprotocol(connect: Connect) -> None:
    wire = await connect()
    _, answered, _ = await wire.request(OPEN, UPGRADE)
    assert "sec-websocket-protocol" not in answered


async def test_a_websocket_is_opened_by_get_only(connect: Connect) -> None:
    wire = await connect()
    status, _, _ = await wire.request(OPEN, UPGRADE, "DELETE")
    assert status == 400
    await wire.ended()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("EIO=4&transport=tcp", 0),
        ("EIO=4", 0),
        ("EIO=4&transport=websocket&sid=nobody", 1),
        ("EIO=4&transport=polling", 3),
        ("EIO=3&transport=websocket", 5),
        ("transport=websocket", 5),
        ("EIO=4&transport=websocket&transport=websocket", 0),
        ("EIO=4&EIO=4&transport=websocket", 5),
        ("EIO=4&transport=websocket&sid=a&sid=b", 1),
    ],
)
async def test_a_query_that_breaks_the_rules_is_answered_as_node_does(connect: Connect, query: str, code: int) -> None:
    wire = await connect()
    status, _, body = await wire.request(f"/socket.io/?{query}", UPGRADE)
    assert status == 400
    assert body.startswith(f'{{"code":{code},'.encode())


# --- frames ---------------------------------------------------------------------------------------------------------


async def test_a_message_in_fragments_is_put_together(connect: Connect) -> None:
    wire = await (await (await connect()).open()).sign_in()
    text = '420["echo","é"]'.encode()
    await wire.send(frame(TEXT, text[:12], fin=False), frame(CONTINUATION, b"", fin=False))
    # Control frames may arrive between fragments.
    await wire.send(frame(PING, b"x"), frame(CONTINUATION, text[12:13], fin=False), frame(CONTINUATION, text[13:]))
    assert await wire.frame() == (PONG, b"x")
    assert await wire.text() == '430["é"]'


async def test_binary_in_fragments_is_put_together(connect: Connect) -> None:
    wire = await (await (await connect()).open()).sign_in()
    await wire.send(masked_text('451-0["echo",{"_placeholder":true,"num":0}]'))
    await wire.send(frame(BINARY, b"\x01", fin=False), frame(CONTINUATION, b"\x02"))
    assert await wire.text() == '461-0[{"_placeholder":true,"num":0}]'
    assert await wire.frame() == (BINARY, b"\x01\x02")


async def test_many_frames_in_one_packet_are_all_read(connect: Connect) -> None:
    wire = await (await (await connect()).open()).sign_in()
    await wire.send(*(masked_text(f'42{number}["echo",{number}]') for number in range(100)))
    assert [await wire.text() for _ in range(100)] == [f"43{number}[{number}]" for number in range(100)]


async def test_a_frame_that_comes_byte_by_byte_is_read(connect: Connect) -> None:
    wire = await (await (await connect()).open()).sign_in()
    for byte in masked_text('421["echo",1]'):
        await wire.send(bytes([byte]))
    assert await wire.text() == "431[1]"


@pytest.mark.parametrize("data", [b"", b"hello", b"x" * 125])
async def test_a_ping_is_answered_with_its_data(connect: Connect, data: bytes) -> None:
    wire = await (await connect()).open()
    await wire.send(frame(PING, data))
    assert await wire.frame() == (PONG, data)
    await wire.send(frame(PONG, b"unasked"))
    await wire.sign_in()
    assert await echoes(wire)


async def test_a_close_is_answered_with_its_code(connect: Connect, engine: RecordingServer) -> None:
    wire = await (await connect()).open()
    await wire.send(frame(CLOSE, (1000).to_bytes(2, "big")))
    assert await wire.close_code() == 1000
    await wire.ended()
    assert engine.connections == []


async def test_a_client_that_just_goes_away_is_forgotten(connect: Connect, engine: RecordingServer) -> None:
    wire = await (await connect()).open()
    assert len(engine.connections) == 1
    await wire.close()
    await until(lambda: not engine.connections)
    assert engine.metrics.connections == 0


@pytest.mark.parametrize("fragmented", [False, True])
async def test_a_message_that_is_too_big_is_refused_with_1009(connect: Connect, fragmented: bool) -> None:  # noqa: FBT001
    wire = await (await connect()).open()
    if fragmented:
        half = frame(CONTINUATION, b"x" * (MAX_PAYLOAD // 2))
        await wire.send(frame(TEXT, b"4" + b"x" * (MAX_PAYLOAD // 2), fin=False), half)
    else:
        await wire.send(frame(TEXT, b"4" * (MAX_PAYLOAD + 1)))
    assert await wire.close_code() == 1009
    await wire.close()


async def test_a_message_of_the_full_size_is_taken(connect: Connect) -> None:
    wire = await (await (await connect()).open()).sign_in()
    text = "x" * (MAX_PAYLOAD - len('421["echo",""]'))
    await wire.say(f'421["echo","{text}"]')
    assert await wire.text() == f'431["{text}"]'


@pytest.mark.parametrize("text", [b'42["\xff"]', b"4\xc3", b"\xed\xa0\x80"])
async def test_text_that_is_no_utf8_is_refused_with_1007(
    connect: Connect, engine: RecordingServer, text: bytes
) -> None:
    wire = await (await (await connect()).open()).sign_in()
    await wire.send(frame(TEXT, text))
    assert await wire.close_code() == 1007
    assert engine.connections == []
    await wire.send(frame(CLOSE, (1007).to_bytes(2, "big")))
    await wire.ended()


BROKEN = {
    "not masked": frame(TEXT, b"40", masked=False),
    "reserved bit": b"\xc1\x80\x00\x00\x00\x00",
    "reserved opcode": b"\x83\x80\x00\x00\x00\x00",
    "nothing to continue": frame(CONTINUATION, b"x"),
    "text within text": frame(TEXT, b"4", fin=False) + frame(TEXT, b"4"),
    "ping in fragments": b"\x09\x80\x00\x00\x00\x00",
    "long ping": b"\x89\xfe\x00\x7e" + bytes(4 + 126),
}


@pytest.mark.parametrize("frames", BROKEN.values(), ids=BROKEN.keys())
async def test_a_frame_that_breaks_the_rules_is_refused_with_1002(
    connect: Connect, engine: RecordingServer, frames: bytes
) -> None:
    wire = await (await connect()).open()
    await wire.send(frames)
    assert await wire.close_code() == 1002
    assert engine.connections == []
    await wire.close()


async def test_a_packet_that_breaks_engine_io_closes_the_websocket(connect: Connect, engine: RecordingServer) -> None:
    wire = await (await connect()).open()
    await wire.say("2")
    assert await wire.close_code() == 1000
    assert engine.connections == []


async def test_input_after_the_close_is_ignored(connect: Connect, engine: RecordingServer) -> None:
    wire = await (await connect()).open()
    await wire.send(frame(TEXT, b"\xff"), masked_text("40"), masked_text('421["echo"]'))
    assert await wire.close_code() == 1007
    await wire.send(frame(CLOSE, (1007).to_bytes(2, "big")))
    await wire.ended()
    assert engine.errors == []


async def test_fragments_of_nothing_take_no_memory(connect: Connect, engine: RecordingServer) -> None:
    wire = await (await (await connect()).open()).sign_in()
    await wire.send(frame(TEXT, b"421", fin=False))
    await wire.send(frame(CONTINUATION, b"", fin=False) * (FRAGMENTS_MAX - 2))
    await wire.send(frame(CONTINUATION, b'["echo",1]'))
    assert await wire.text() == "431[1]"


async def test_a_client_that_pings_without_reading_is_cut_off(connect: Connect, engine: RecordingServer) -> None:
    wire = await (await connect()).open()
    pings = frame(PING, b"x" * 125) * 1000
    wire.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a stream has no other way

    async def ping_on() -> None:
        async with deadline():
            for _ in range(100 * UNSENT_MAX // len(pings)):
                await wire.send(pings)

    # A kernel buffers some megabytes; a server that answered for ever would take them all.
    with pytest.raises(ConnectionError):
        await ping_on()
    assert engine.connections == []


# --- too much at once -----------------------------------------------------------------------------------------------


async def test_more_fragments_than_the_node_server_takes_close_the_connection(
    connect: Connect, engine: RecordingServer
) -> None:
    wire = await (await (await connect()).open()).sign_in()
    await wire.send(frame(TEXT, b"421", fin=False))
    await wire.send(frame(CONTINUATION, b"", fin=False) * FRAGMENTS_MAX)
    assert await wire.close_code() == 1008
    assert engine.connections == []
    assert engine.metrics.closed == {"transport error": 1}


async def test_frames_that_come_at_once_are_handled_in_order_and_in_slices(
    connect: Connect, root: Namespace, engine: RecordingServer
) -> None:
    """100,000 tiny frames in front of an event, and another client's event at the same time."""
    wires = [await (await (await connect()).open()).sign_in() for _ in range(2)]
    seen: list[object] = []
    root.on("note")(lambda socket, value: seen.append(value))
    many = frame(PONG, b"") * 10_000
    pieces = [many + masked_text(f'42["note",{number}]') for number in range(10)]
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begun = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - begun)

    watching = asyncio.create_task(watch())
    await wires[0].send(*pieces)
    assert await echoes(wires[1])
    assert len(seen) < 10, "the other client did not wait for all of it"
    await wires[0].say('421["echo","last"]')
    assert await wires[0].text() == '431["last"]'
    watching.cancel()
    assert seen == list(range(10))
    assert longest < limit_s(0.05)
    assert not engine.work.busy


async def test_queued_input_of_an_aborted_websocket_is_dropped(connect: Connect, engine: RecordingServer) -> None:
    wire = await (await (await connect()).open()).sign_in()
    await wire.send(frame(PONG, b"") * 40_000)
    await until_a_turn(lambda: engine.work.busy)
    wire.writer.transport.abort()
    await until(lambda: not engine.connections)
    await until(lambda: not engine.work.busy)


async def test_an_error_in_a_slice_ends_the_connection(
    connect: Connect, engine: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = await (await (await connect()).open()).sign_in()

    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(Connection, "receive_websocket", fail)
    await wire.send(frame(PONG, b"") * 40_000 + masked_text("40"))
    await until(lambda: not engine.connections)


async def test_before_a_namespace_is_joined_a_message_is_small() -> None:
    engine = RecordingServer(EngineOptions())
    engine.namespace("/")
    async with served(engine) as port:
        large = masked_text("4" * (FIRST_PACKET_MAX + 2))
        wire = await (await Wire.to(port)).open()
        await wire.send(large)
        assert await wire.close_code() == 1009
        await wire.close()
        joined = await (await (await Wire.to(port)).open()).sign_in()
        await joined.say('42["' + "x" * 900_000 + '"]')
        await joined.send(frame(PING, b"still here"))
        assert await joined.frame() == (PONG, b"still here")
        await joined.close()


async def test_a_session_that_joined_while_it_polled_may_send_large_messages_after_its_upgrade() -> None:
    engine = RecordingServer(EngineOptions())
    engine.namespace("/").on("echo")(lambda socket, text: len(text))
    async with served(engine) as port:
        poller = await signed_in(await Wire.to(port))
        wire = await Wire.to(port)
        await probe(wire, poller)
        await wire.say("5", '421["echo","' + "x" * 900_000 + '"]')
        assert await wire.text() == "431[900000]"
        await wire.close()
        await poller.wire.close()


# --- what ended connections leave -----------------------------------------------------------------------------------


async def half_a_binary_packet(wire: Wire) -> None:
    await wire.sign_in()
    await wire.say('4510-["x"]')
    for _ in range(9):
        await wire.send(frame(BINARY, b"x" * 50_000))


async def half_a_message(wire: Wire) -> None:
    await wire.sign_in()
    await wire.send(frame(TEXT, b"x" * 300_000, fin=False))


async def half_a_frame(wire: Wire) -> None:
    await wire.sign_in()
    await wire.send(frame(TEXT, b"x" * 600_000)[:-100_000])


async def a_broken_frame(wire: Wire) -> None:
    await wire.send(b"\xff\xff\xff")
    assert await wire.close_code() == 1002


async def a_closing_handshake(wire: Wire) -> None:
    await wire.sign_in()
    await wire.send(frame(CLOSE, (1000).to_bytes(2, "big")))
    await wire.frame()


@pytest.mark.parametrize(
    "leave", [half_a_binary_packet, half_a_message, half_a_frame, a_broken_frame, a_closing_handshake]
)
async def test_an_ended_connection_is_freed_without_the_garbage_collector(
    leave: Callable[[Wire], Awaitable[None]],
) -> None:
    engine = RecordingServer(EngineOptions())
    engine.namespace("/")
    async with served(engine) as port:
        with without_collector():
            for _ in range(3):
                wire = await (await Wire.to(port)).open()
                await leave(wire)
                await until(lambda: not engine.work.busy)
                await wire.close()
                await until(lambda: not engine.connections and not alive())


def alive() -> list[object]:
    """Returns the connections in memory, including ended ones."""
    kinds = (Connection, WebSocketProtocol, Session, SocketSession, Lane, Protocol)
    return [each for each in gc.get_objects() if issubclass(type(each), kinds)]
