"""Long polling over HTTP."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import time
from typing import Any

import pytest

from talkwire.realtime.engine.connection import Connection
from talkwire.realtime.scheduling.lane import UNFINISHED_EVENTS_MAX
from talkwire.realtime.socketio.socket_server import Namespace
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.realtime.transport.polling import FIRST_BODY_MAX
from talkwire.wire import EngineOptions, Session
from tests.processor_time import limit_s
from tests.realtime.collecting import without_collector
from tests.realtime.conftest import MAX_PAYLOAD, Connect, RecordingServer
from tests.realtime.wires import UPGRADE, Wire, served, until_a_turn
from tests.waiting import SteppedClock, deadline, turns, until

PATH = "/socket.io/?EIO=4&transport=polling"
HOST = {"Host": "127.0.0.1"}


class Poller:
    """One polling session; each request on a connection of its own choice."""

    def __init__(self, wire: Wire, engine_sid: str) -> None:
        self.wire = wire
        self.target = f"{PATH}&sid={engine_sid}"
        self.engine_sid = engine_sid

    async def poll(self) -> str:
        status, _, body = await self.wire.request(self.target, HOST)
        assert status == 200, body
        return body.decode()

    async def post(self, body: str, **headers: str) -> tuple[int, bytes]:
        status, _, answer = await self.wire.request(self.target, {**HOST, **headers}, "POST", body.encode())
        return status, answer


async def open_polling(wire: Wire, query: str = "") -> Poller:
    _, headers, body = await wire.request(PATH + query, HOST)
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert headers["cache-control"] == "no-store"
    return Poller(wire, json.loads(body[1:])["sid"])


async def signed_in(wire: Wire, query: str = "") -> Poller:
    poller = await open_polling(wire, query)
    assert await poller.post("40") == (200, b"ok")
    assert (await poller.poll()).startswith("40{")
    return poller


async def test_a_poll_waits_for_something_to_say(connect: Connect) -> None:
    poller = await signed_in(await connect())
    waiting = await connect()
    await waiting.begin(poller.target, HOST)
    assert await poller.post('421["echo",1]\x1e422["echo",2]') == (200, b"ok")
    assert (await waiting.answer())[2] == b"431[1]\x1e432[2]"


async def test_a_second_poll_closes_the_session(connect: Connect, engine: RecordingServer) -> None:
    poller = await signed_in(await connect())
    first = await connect()
    await first.begin(poller.target, HOST)
    await until(lambda: engine.connections[0].session.poll_pending)
    status, _, _ = await poller.wire.request(poller.target, HOST)
    assert status == 400
    assert (await first.answer())[2] == b"1"
    assert engine.connections == []


async def test_a_poll_that_was_given_up_closes_the_session(connect: Connect, engine: RecordingServer) -> None:
    poller = await signed_in(await connect())
    waiting = await connect()
    await waiting.begin(poller.target, HOST)
    await until(lambda: engine.connections[0].session.poll_pending)
    await waiting.close()
    await until(lambda: not engine.connections)
    assert (await poller.wire.request(poller.target, HOST))[0] == 400


async def test_a_body_that_is_too_large_is_refused(connect: Connect) -> None:
    poller = await signed_in(await connect())
    assert await poller.post("4" + "x" * MAX_PAYLOAD) == (413, b"")


async def test_a_binary_body_is_refused(connect: Connect, engine: RecordingServer) -> None:
    poller = await signed_in(await connect())
    status, _ = await poller.post("4", **{"Content-Type": "application/octet-stream"})
    assert status == 400
    assert engine.connections == []


@pytest.mark.parametrize("body", ["", "x", "4\x1e", "2", "\x1e", "b!!!"])
async def test_a_payload_that_breaks_the_rules_closes_the_session(
    connect: Connect, engine: RecordingServer, body: str
) -> None:
    poller = await signed_in(await connect())
    await poller.post(body)
    assert engine.connections == []


@pytest.mark.parametrize(("method", "status"), [("PUT", 400), ("DELETE", 400), ("HEAD", 400)])
async def test_other_methods_are_refused(connect: Connect, method: str, status: int) -> None:
    wire = await connect()
    await wire.begin(PATH, HOST, method)
    async with deadline():
        line = await wire.reader.readline()
    assert int(line.split()[1]) == status


async def test_a_large_response_is_compressed_for_clients_that_accept_it(connect: Connect) -> None:
    poller = await signed_in(await connect())
    text = "x" * 5000
    await poller.post(f'421["echo","{text}"]')
    _, headers, body = await poller.wire.request(poller.target, {**HOST, "Accept-Encoding": "gzip, br"})
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body).decode() == f'431["{text}"]'
    await poller.post('422["echo"]')
    _, headers, body = await poller.wire.request(poller.target, {**HOST, "Accept-Encoding": "gzip"})
    assert "content-encoding" not in headers
    assert body == b"432[]"


async def test_a_page_of_this_machine_may_read_the_answers(connect: Connect) -> None:
    page = {**HOST, "Origin": "http://localhost:5173"}
    wire = await connect()
    _, headers, _ = await wire.request(PATH, page)
    assert headers["access-control-allow-origin"] == "http://localhost:5173"
    assert headers["access-control-allow-credentials"] == "true"
    asked = {**page, "Access-Control-Request-Headers": "content-type"}
    status, headers, _ = await wire.request(PATH, asked, "OPTIONS")
    assert status == 204
    assert headers["access-control-allow-origin"] == "http://localhost:5173"
    assert headers["access-control-allow-headers"] == "content-type"


async def test_a_page_of_elsewhere_is_forbidden(connect: Connect) -> None:
    wire = await connect()
    page = {**HOST, "Origin": "https://evil.example"}
    status, headers, body = await wire.request(PATH, page)
    assert (status, body) == (403, b'{"code":4,"message":"Forbidden"}')
    assert "access-control-allow-origin" not in headers
    _, headers, _ = await wire.request(PATH, page, "OPTIONS")
    assert "access-control-allow-origin" not in headers


async def test_a_post_is_answered_when_there_is_room_and_a_second_one_meanwhile_is_a_breach(
    connect: Connect, root: Namespace, engine: RecordingServer
) -> None:
    gate = asyncio.Event()
    begun = asyncio.Event()

    @root.on("slow")
    async def slow(socket: Socket) -> None:
        begun.set()
        await gate.wait()

    poller = await signed_in(await connect())
    many = "\x1e".join('42["slow"]' for _ in range(UNFINISHED_EVENTS_MAX + 2))
    await poller.wire.begin(poller.target, HOST, "POST", many.encode())
    async with deadline():
        await begun.wait()
    # Nothing is read while the lane is full: the content of a second POST would pile up.
    status, _, _ = await (await connect()).request(poller.target, HOST, "POST", b'42["slow"]')
    assert status == 400
    assert engine.connections == []
    gate.set()
    assert (await poller.wire.answer())[0] == 200


async def test_a_post_is_answered_once_the_lane_has_room(connect: Connect, root: Namespace) -> None:
    gate = asyncio.Event()
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @root.on("slow")
    async def slow(socket: Socket) -> None:
        if not begun.done():
            begun.set_result(None)
        await gate.wait()

    poller = await signed_in(await connect())
    many = "\x1e".join('42["slow"]' for _ in range(UNFINISHED_EVENTS_MAX + 2))
    await poller.wire.begin(poller.target, HOST, "POST", many.encode())
    async with deadline():
        await begun
    gate.set()
    assert (await poller.wire.answer())[::2] == (200, b"ok")
    assert await poller.post('421["echo"]') == (200, b"ok")
    assert await poller.poll() == "431[]"


async def test_binary_as_the_android_client_writes_it_is_taken(connect: Connect) -> None:
    poller = await signed_in(await connect())
    placeholder = '{"_placeholder":true,"num":0}'
    assert await poller.post(f'451-1["echo",{placeholder}]\x1ebAQID\n') == (200, b"ok")
    assert await poller.poll() == f"461-1[{placeholder}]\x1ebAQID"


async def test_any_number_of_packets_fits_into_a_body_within_the_limit(root: Namespace) -> None:
    engine = RecordingServer()
    seen: list[int] = []
    engine.namespace("/").on("n")(lambda socket, number: seen.append(number))
    async with served(engine) as port:
        poller = await signed_in(await Wire.to(port))
        body = "\x1e".join(f'42["n",{number}]' for number in range(20_000))
        assert await poller.post(body) == (200, b"ok")
        assert seen == list(range(20_000))
        await poller.wire.close()


async def test_a_large_body_is_handled_in_steps_and_costs_as_much_as_it_has_packets() -> None:
    """CONNECTs to unknown namespaces, each answered: no turn of the loop takes long, and neither do the polls that
    fetch the answers.
    """

    async def cpu_s(packets: int) -> float:
        engine = RecordingServer()
        engine.namespace("/")
        async with served(engine) as port:
            poller = await signed_in(await Wire.to(port), "&t=P")
            body = "\x1e".join(f"40/{number}," for number in range(packets))
            begun = time.thread_time()
            assert await poller.post(body) == (200, b"ok")
            answered = 0
            while answered < packets:
                answered += len((await poller.poll()).split("\x1e"))
            taken = time.thread_time() - begun
            await poller.wire.close()
        return taken

    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begun = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - begun)

    few = min([await cpu_s(2000) for _ in range(2)])
    assert await cpu_s(16_000) < 2 * 8 * few
    watching = asyncio.create_task(watch())
    await cpu_s(16_000)
    watching.cancel()
    assert longest < limit_s(0.05)


async def test_before_a_namespace_is_joined_a_body_is_small() -> None:
    engine = RecordingServer()
    engine.namespace("/")
    async with served(engine) as port:
        poller = await open_polling(await Wire.to(port))
        assert (await poller.post("4" * (FIRST_BODY_MAX + 1)))[0] == 413
        assert await poller.post("40") == (200, b"ok")
        await poller.poll()
        assert await poller.post('42["x","' + "x" * 900_000 + '"]') == (200, b"ok")
        await poller.wire.close()


@pytest.mark.parametrize(
    ("t", "packets"),
    [
        ("Pa1b2C3", 30),  # the JavaScript and Java clients of 3.x and 4.x until 4.7
        ("Pa1b2C3.1", 30),
        ("8kq2r1xz", 30),  # JavaScript from 4.8
        ("1700000000.123", 16),  # python-engineio
        ("1700000000", 16),
        (None, 16),
    ],
)
async def test_a_poll_answers_as_many_packets_as_the_client_is_known_to_take(
    connect: Connect, root: Namespace, t: str | None, packets: int
) -> None:
    poller = await signed_in(await connect(), "" if t is None else f"&t={t}")
    for number in range(30):
        root.emit("n", number)
    assert len((await poller.poll()).split("\x1e")) == packets


async def test_a_poll_and_a_close_that_come_in_the_same_turn_are_handled_in_this_order(
    connect: Connect, engine: RecordingServer
) -> None:
    for _ in range(20):
        poller = await signed_in(await connect())
        waiting = await connect()
        poll = f"GET {poller.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        post = f"POST {poller.target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n1".encode()
        waiting.writer.write(poll)
        poller.wire.writer.write(post)
        assert (await waiting.answer())[::2] == (200, b"6")
        assert (await poller.wire.answer())[::2] == (200, b"ok")


async def test_a_client_that_pipelines_two_polls_and_goes_leaves_no_error(
    connect: Connect, engine: RecordingServer, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    poller = await signed_in(await connect())
    poll = f"GET {poller.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    poller.wire.writer.write(poll + poll)
    await until_a_turn(lambda: engine.connections[0].session.poll_pending)
    poller.wire.writer.transport.abort()
    clock.advance(engine.options.ping_interval_s + 1)
    await turns(10)
    clock.advance(engine.options.ping_timeout_s + 1)
    await until_a_turn(lambda: not engine.connections)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_after_the_ping_timeout_finds_no_session(method: str) -> None:
    engine = RecordingServer(EngineOptions(ping_interval_s=25, ping_timeout_s=20))
    engine.namespace("/")
    async with served(engine) as port:
        poller = await signed_in(await Wire.to(port))
        engine.connections[0].handle_deadline(engine.now() + 25)
        now = engine.now
        engine.now = lambda: now() + 45.01  # and the wheel knows nothing of it
        status, _, body = await poller.wire.request(poller.target, HOST, method, b"3" if method == "POST" else b"")
        assert (status, body) == (400, b'{"code":1,"message":"Session ID unknown"}')
        assert engine.metrics.closed == {"ping timeout": 1}
        await poller.wire.close()


async def test_an_ended_session_is_freed_without_the_garbage_collector() -> None:
    engine = RecordingServer()
    engine.namespace("/")
    async with served(engine) as port:
        with without_collector():
            poller = await signed_in(await Wire.to(port))
            placeholder = '{"_placeholder":true,"num":0}'
            await poller.post(f'452-["x",{placeholder}]\x1eb{"QUJD" * 100_000}')
            await poller.post("1")
            await until(lambda: not [each for each in gc.get_objects() if issubclass(type(each), Connection | Session)])
            await poller.wire.close()


# --- upgrades -------------------------------------------------------------------------------------------------------


async def probe(wire: Wire, poller: Poller) -> None:
    target = f"/socket.io/?EIO=4&transport=websocket&sid={poller.engine_sid}"
    assert (await wire.request(target, UPGRADE))[0] == 101
    await wire.say("2probe")
    assert await wire.text() == "3probe"


async def test_a_session_moves_to_a_websocket_and_loses_nothing(connect: Connect, root: Namespace) -> None:
    poller = await signed_in(await connect())
    websocket = await connect()
    await probe(websocket, poller)
    root.emit("on the way")
    await websocket.say("5")
    assert await websocket.text() == '42["on the way"]'
    await websocket.say('421["echo",1]')
    assert await websocket.text() == "431[1]"
    # The client stops polling.
    assert (await poller.wire.request(poller.target, HOST))[0] == 400


async def test_a_trial_that_times_out_leaves_the_session_polling(
    connect: Connect, engine: RecordingServer, clock: SteppedClock
) -> None:
    poller = await signed_in(await connect())
    websocket = await connect()
    await probe(websocket, poller)
    clock.advance(engine.options.upgrade_timeout_s + 1)
    assert await websocket.close_code() == 1000
    poller.wire = await connect()  # that time was too long for an idle connection
    # Output of the failed poll must not count as output of the next.
    again = await connect()
    await probe(again, poller)
    await websocket.say("5")
    assert await poller.post('421["echo",1]') == (200, b"ok")
    answer = await poller.poll()
    while answer == "6":
        answer = await poller.poll()
    assert answer == "431[1]"


async def test_a_second_websocket_for_a_session_is_closed(connect: Connect) -> None:
    poller = await signed_in(await connect())
    first, second = await connect(), await connect()
    await probe(first, poller)
    target = f"/socket.io/?EIO=4&transport=websocket&sid={poller.engine_sid}"
    assert (await second.request(target, UPGRADE))[0] == 101
    assert await second.close_code() == 1008
    await first.say("5")
    await first.say('421["echo",1]')
    assert await first.text() == "431[1]"


async def test_a_trial_that_breaks_off_leaves_the_session_polling(connect: Connect) -> None:
    poller = await signed_in(await connect())
    websocket = await connect()
    await probe(websocket, poller)
    await websocket.close()
    assert await poller.post('421["echo",1]') == (200, b"ok")
    answer: Any = await poller.poll()
    while answer == "6":
        answer = await poller.poll()
    assert answer == "431[1]"
