"""A session and what carries it: ends, deadlines, crowds."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from talkwire.realtime.engine.connection import REFUSALS_FREE, UNSENT_MAX
from talkwire.realtime.scheduling.lane import UNFINISHED_EVENTS_MAX
from talkwire.realtime.socketio.socket_server import Namespace, SocketServer
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.wire import EngineOptions
from tests.realtime.conftest import Connect, RecordingServer
from tests.realtime.frames import CLOSE, frame
from tests.realtime.test_polling import HOST, signed_in
from tests.realtime.wires import UPGRADE, Wire, served, until_a_turn
from tests.waiting import SteppedClock, deadline, until


async def test_a_client_that_answers_no_ping_is_closed_and_one_that_does_is_not(
    engine: RecordingServer, root: Namespace, connect: Connect, clock: SteppedClock
) -> None:
    reasons: list[str] = []
    root.on_disconnect(lambda socket, reason: reasons.append(reason))
    silent, lively = [await (await (await connect()).open()).sign_in() for _ in range(2)]
    for _ in range(6):
        clock.advance(engine.options.ping_interval_s + 1)
        assert await lively.text() == "2"
        await lively.say("3", '421["echo"]')
        assert await lively.text() == "431[]"
    assert await silent.text() == "2"
    assert await silent.close_code() == 1000
    assert reasons == ["ping timeout"]
    assert len(engine.connections) == 1


async def test_a_client_that_joins_nothing_is_closed() -> None:
    engine = SocketServer(EngineOptions(connect_timeout_s=0.1))
    engine.namespace("/")
    async with served(engine) as port:
        wire = await (await Wire.to(port)).open()
        assert await wire.close_code() == 1000
        assert engine.connections == []
        await wire.close()


async def test_a_stopping_server_answers_running_commands_before_it_closes(
    engine: RecordingServer, root: Namespace, connect: Connect
) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    @root.on("slow")
    async def slow(socket: Socket) -> str:
        begun.set()
        await gate.wait()
        return "done"

    busy, idle = [await (await (await connect()).open()).sign_in() for _ in range(2)]
    await busy.say('421["slow"]', '422["slow"]')
    async with deadline():
        await begun.wait()
    engine.shut_down()
    engine.shut_down()
    assert await idle.close_code() == 1001
    # Reading is paused, or a busy client could continue for ever.
    await busy.say('423["slow"]')
    gate.set()
    assert [await busy.text(), await busy.text()] == ['431["done"]', '432["done"]']
    assert await busy.close_code() == 1001
    await busy.send(frame(CLOSE, (1001).to_bytes(2, "big")))
    await busy.ended()
    assert engine.connections == []
    refused = await connect()
    status, _, _ = await refused.request("/socket.io/?EIO=4&transport=polling", HOST)
    assert status == 403


async def test_reading_resumes_when_a_full_lane_has_room(
    root: Namespace, connect: Connect, engine: RecordingServer
) -> None:
    gate = asyncio.Event()
    seen: list[int] = []

    @root.on("slow")
    async def slow(socket: Socket, number: int) -> None:
        await gate.wait()
        seen.append(number)

    wire = await (await (await connect()).open()).sign_in()
    connection = engine.connections[0]
    sent = 0
    # However long nothing finishes, a full lane stops reading.
    async with deadline():
        while not connection.lane.is_full:
            await wire.say(f'42["slow",{sent}]')
            sent += 1
            await asyncio.sleep(0)
    transport = connection.websocket._transport  # type: ignore[union-attr]
    assert not transport.is_reading()
    assert sent >= UNFINISHED_EVENTS_MAX
    gate.set()
    await wire.say('421["echo"]')
    assert await wire.text() == "431[]"
    assert seen == list(range(sent))


async def test_a_client_that_is_refused_on_and_on_is_read_slowly_and_loses_no_answer(
    root: Namespace, connect: Connect, engine: RecordingServer
) -> None:
    refused = 0

    @root.on("too often")
    def too_often(socket: Socket) -> None:
        nonlocal refused
        refused += 1
        socket.connection.slow_down()

    wire = await (await (await connect()).open()).sign_in()
    at_once = REFUSALS_FREE // 2
    await wire.say(*['42["too often"]'] * at_once, '421["echo"]')
    assert await wire.text() == "431[]"
    assert not engine.connections[0].lane.slowed, "an ordinary overrun is answered at once"
    await wire.say(*['42["too often"]'] * 3 * REFUSALS_FREE, '422["echo"]')
    await until_a_turn(lambda: engine.connections[0].lane.slowed)
    assert refused < at_once + 3 * REFUSALS_FREE
    assert await wire.text() == "432[]"
    assert refused == at_once + 3 * REFUSALS_FREE


async def test_a_polling_client_that_is_refused_on_and_on_waits_for_its_answer(
    root: Namespace, connect: Connect, engine: RecordingServer
) -> None:
    root.on("too often")(lambda socket: socket.connection.slow_down())
    poller = await signed_in(await connect())
    lane = engine.connections[0].lane
    answer = asyncio.ensure_future(poller.post("\x1e".join(['42["too often"]'] * 2 * REFUSALS_FREE)))
    await until_a_turn(lambda: lane.slowed)
    assert await answer == (200, b"ok")
    assert not lane.slowed


async def test_half_a_packet_has_the_ping_timeout_to_be_completed() -> None:
    engine = RecordingServer(EngineOptions(ping_interval_s=25, ping_timeout_s=0.1))
    engine.namespace("/")
    async with served(engine) as port:
        wire = await (await (await Wire.to(port)).open()).sign_in()
        await wire.say('451-["x"]')
        assert await wire.close_code() == 1000
        assert engine.metrics.closed == {"ping timeout": 1}
        await wire.close()


@pytest.mark.parametrize(
    ("send", "reason", "logged"),
    [
        ("x", "parse error", "x…"),
        ('42["name","secret"', "parse error", "2[…"),
        ("40/a?token=secret,{", "parse error", "0/a…"),
        ("2", "transport error", "2…"),
        ("1", "transport close", "1…"),
    ],
)
async def test_an_end_is_counted_and_logged_by_its_reason(
    connect: Connect, engine: RecordingServer, send: str, reason: str, logged: str
) -> None:
    wire = await (await (await connect()).open()).sign_in()
    with structlog.testing.capture_logs() as lines:
        await wire.say(send)
        await until(lambda: not engine.connections)
    assert engine.metrics.closed == {reason: 1}
    assert {"event": "session_closed", "reason": reason, "log_level": "debug"} in lines
    assert [line["first"] for line in lines if "first" in line] == [logged]
    assert "secret" not in str(lines)
    text = generate_latest(_registry(engine)).decode()
    assert f'talkwire_closed_total{{reason="{reason}"}} 1.0' in text


async def test_a_refused_handshake_is_counted_by_its_error(connect: Connect, engine: RecordingServer) -> None:
    with structlog.testing.capture_logs() as lines:
        for target in ("/socket.io/?EIO=3&transport=polling", "/socket.io/?EIO=4&transport=carrier-pigeon-post"):
            assert (await (await connect()).request(target, HOST))[0] == 400
        assert (await (await connect()).request("/socket.io/?EIO=3&transport=websocket", UPGRADE))[0] == 400
    assert engine.metrics.refused_handshakes == {5: 2, 0: 1}
    assert (
        'talkwire_refused_handshakes_total{reason="unsupported_protocol_version"} 2.0'
        in generate_latest(_registry(engine)).decode()
    )
    refused = [line for line in lines if line["event"] == "handshake_refused"]
    asked = [(line["code"], line["EIO"], line["transport"]) for line in refused]
    assert asked == [(5, "3", "polling"), (0, "4", "carrier-pigeon-p"), (5, "3", "websocket")]
    version, transport = "Unsupported protocol version", "Transport unknown"
    assert [line["reason"] for line in refused] == [version, transport, version]


def _registry(engine: RecordingServer) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(engine.metrics)
    return registry


async def test_a_client_that_stops_polling_is_disconnected(
    engine: RecordingServer, root: Namespace, connect: Connect
) -> None:
    await signed_in(await connect())
    text = "x" * 50_000
    # A poll's response grows; output that is never fetched must not.
    for _ in range(UNSENT_MAX // len(text) * 10):
        root.emit("news", text)
        await asyncio.sleep(0)
        if not engine.connections:
            break
    assert engine.connections == []
    assert engine.metrics.slow_connections == 1


async def test_a_connection_that_has_ended_is_forgotten_everywhere(
    engine: RecordingServer, root: Namespace, connect: Connect
) -> None:
    wires = [await (await (await connect()).open()).sign_in() for _ in range(5)]
    assert (engine.metrics.connections, engine.metrics.sockets) == (5, 5)
    for wire in wires:
        await wire.close()
    await until(lambda: not engine.connections)
    assert (engine.metrics.connections, engine.metrics.sockets) == (0, 0)
    assert engine.hub.encoding_groups[0].rooms == {}
