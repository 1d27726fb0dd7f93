"""Engine.IO protocol, revision 4, as any client sees it on the wire of a server that echoes messages."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest

from tests.protocol.raw_client import (
    PING_INTERVAL_S,
    PollingSession,
    Server,
    WebSocketClient,
    error_code,
    open_packet,
)
from tests.waiting import deadline

MAX_PAYLOAD = 1_000_000


async def probe(engine: Server, session: PollingSession) -> WebSocketClient:
    """A WebSocket to the polling session whose probe the server has answered."""
    websocket = await engine.connect_websocket({"sid": session.engine_sid})
    await websocket.send("2probe")
    assert await websocket.receive_text() == "3probe"
    return websocket


async def upgraded(engine: Server) -> tuple[PollingSession, WebSocketClient]:
    session = await engine.open_polling()
    websocket = await probe(engine, session)
    await websocket.send("5")
    # The echo proves that the server has completed the upgrade.
    await websocket.send("4upgraded")
    assert await websocket.receive_text() == "4upgraded"
    return session, websocket


async def assert_echoes(session: PollingSession) -> None:
    await session.send("4still here")
    while (packet := await session.receive()) != "4still here":
        assert packet == "6", packet


# Handshake


async def test_a_client_that_handshakes_over_polling_receives_an_open_packet(
    pinging_engine: Server,
) -> None:
    answer = await pinging_engine.request("GET")
    assert answer.status_code == 200
    assert answer.headers["content-type"].lower() == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    handshake = open_packet(answer.text)
    assert list(handshake) == ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]
    assert isinstance(handshake.pop("sid"), str)
    assert handshake == {
        "upgrades": ["websocket"],
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1_000_000,
    }


async def test_a_client_that_handshakes_over_websocket_receives_an_open_packet(
    pinging_engine: Server,
) -> None:
    websocket = await pinging_engine.connect_websocket()
    handshake = open_packet(await websocket.receive_frame())
    assert list(handshake) == ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]
    assert isinstance(handshake.pop("sid"), str)
    assert handshake == {
        "upgrades": [],
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1_000_000,
    }


async def test_clients_receive_unguessable_session_ids(engine: Server) -> None:
    sessions = [await engine.open_polling() for _ in range(10)]
    session_ids = {session.engine_sid for session in sessions}
    assert len(session_ids) == 10
    assert all(len(session_id) >= 20 for session_id in session_ids)


async def test_a_client_may_add_parameters_that_the_server_does_not_know(engine: Server) -> None:
    answer = await engine.request("GET", {"t": "PXq1", "b64": "1", "token": "a b&c"})
    assert answer.status_code == 200
    assert open_packet(answer.text)["upgrades"] == ["websocket"]
    websocket = await engine.connect_websocket({"t": "PXq1", "token": "a b&c"})
    assert open_packet(await websocket.receive_frame())["upgrades"] == []


async def test_a_client_may_offer_compression_and_need_not_get_it(engine: Server) -> None:
    websocket = await engine.open_websocket()
    request = websocket.connection.request
    assert request is not None
    assert "permessage-deflate" in request.headers["sec-websocket-extensions"]
    await websocket.send("4" + "hello" * 1000)
    assert await websocket.receive() == "4" + "hello" * 1000


@pytest.mark.parametrize(
    ("method", "query", "code", "message"),
    [
        pytest.param("GET", {"EIO": None}, 5, "Unsupported protocol version", id="no version"),
        pytest.param("GET", {"EIO": "abc"}, 5, "Unsupported protocol version", id="a word as version"),
        pytest.param("GET", {"EIO": "3"}, 5, "Unsupported protocol version", id="version 3"),
        pytest.param("GET", {"EIO": "5"}, 5, "Unsupported protocol version", id="version 5"),
        pytest.param("GET", {"EIO": ""}, 5, "Unsupported protocol version", id="empty version"),
        pytest.param("GET", {"transport": None}, 0, "Transport unknown", id="no transport"),
        pytest.param("GET", {"transport": "abc"}, 0, "Transport unknown", id="unknown transport"),
        pytest.param("GET", {"transport": "Polling"}, 0, "Transport unknown", id="transport in capitals"),
        pytest.param("GET", {"transport": "webtransport"}, 0, "Transport unknown", id="webtransport"),
        pytest.param("GET", {"transport": "toString"}, 0, "Transport unknown", id="inherited transport"),
        pytest.param("GET", {"transport": "websocket"}, 3, "Bad request", id="websocket without upgrade"),
        pytest.param("POST", {}, 2, "Bad handshake method", id="POST"),
        pytest.param("PUT", {}, 2, "Bad handshake method", id="PUT"),
        pytest.param("DELETE", {}, 2, "Bad handshake method", id="DELETE"),
        pytest.param("PATCH", {}, 2, "Bad handshake method", id="PATCH"),
        pytest.param("GET", {"sid": "abc"}, 1, "Session ID unknown", id="unknown session"),
        pytest.param("POST", {"sid": "abc"}, 1, "Session ID unknown", id="POST to an unknown session"),
        pytest.param("GET", {"sid": "__proto__"}, 1, "Session ID unknown", id="__proto__ as session"),
        pytest.param("GET", {"sid": "constructor"}, 1, "Session ID unknown", id="constructor as session"),
        # The order of the checks.
        pytest.param("POST", {"EIO": "3"}, 2, "Bad handshake method", id="method before version"),
        pytest.param("POST", {"transport": "abc"}, 0, "Transport unknown", id="transport before method"),
        pytest.param(
            "GET",
            {"transport": "a", "sid": "a"},
            0,
            "Transport unknown",
            id="transport before session",
        ),
        pytest.param("GET", {"EIO": "3", "sid": "a"}, 1, "Session ID unknown", id="session before version"),
        pytest.param(
            "POST",
            {"transport": "websocket"},
            2,
            "Bad handshake method",
            id="method before upgrade",
        ),
    ],
)
async def test_the_server_refuses_a_request_with_its_code(
    engine: Server, method: str, query: dict[str, str | None], code: int, message: str
) -> None:
    answer = await engine.request(method, query)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.text == f'{{"code":{code},"message":"{message}"}}'


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"EIO": None}, id="no version"),
        pytest.param({"EIO": "abc"}, id="a word as version"),
        pytest.param({"EIO": "3"}, id="version 3"),
        pytest.param({"transport": None}, id="no transport"),
        pytest.param({"transport": "abc"}, id="unknown transport"),
        pytest.param({"transport": "polling"}, id="polling as transport"),
        pytest.param({"sid": "abc"}, id="unknown session"),
        pytest.param({"sid": "__proto__"}, id="__proto__ as session"),
    ],
)
async def test_the_server_refuses_a_websocket(engine: Server, query: dict[str, str | None]) -> None:
    assert await engine.refuses_websocket(query)


async def test_a_session_refuses_another_protocol_version_than_its_own(engine: Server) -> None:
    session = await engine.open_polling()
    answer = await engine.request("GET", {"EIO": "3", "sid": session.engine_sid})
    assert answer.text == '{"code":3,"message":"Bad request"}'
    await assert_echoes(session)


async def test_a_polling_session_refuses_a_websocket_request_without_upgrade(
    engine: Server,
) -> None:
    session = await engine.open_polling()
    answer = await engine.request("GET", {"transport": "websocket", "sid": session.engine_sid})
    assert answer.status_code == 400
    assert answer.text == '{"code":3,"message":"Bad request"}'
    await assert_echoes(session)


async def test_a_websocket_session_refuses_polling(engine: Server) -> None:
    websocket = await engine.connect_websocket()
    engine_sid = open_packet(await websocket.receive_frame())["sid"]
    for answer in (
        await engine.request("GET", {"sid": engine_sid}),
        await engine.request("POST", {"sid": engine_sid}, "4hello"),
    ):
        assert answer.status_code == 400
        assert answer.text == '{"code":3,"message":"Bad request"}'
    await websocket.send("4still here")
    assert await websocket.receive() == "4still here"


async def test_a_session_refuses_methods_that_are_neither_get_nor_post(engine: Server) -> None:
    session = await engine.open_polling()
    for method in ("PUT", "DELETE", "PATCH"):
        answer = await engine.request(method, {"sid": session.engine_sid})
        assert answer.status_code >= 400
    await assert_echoes(session)


# Messages


async def test_a_polling_client_sends_and_receives_text(engine: Server) -> None:
    session = await engine.open_polling()
    posted = await session.post("4hello")
    assert posted.status_code == 200
    assert posted.headers["content-type"].startswith("text/html")
    assert posted.text == "ok"
    polled = await session.poll()
    assert polled.status_code == 200
    assert polled.headers["content-type"].lower() == "text/plain; charset=utf-8"
    assert polled.headers["cache-control"] == "no-store"
    assert polled.text == "4hello"


async def test_a_pending_poll_receives_a_message_at_once(engine: Server) -> None:
    session = await engine.open_polling()
    poll = await session.start_poll()
    await session.send("4hello")
    assert (await poll.answer()).text == "4hello"


async def test_a_polling_client_sends_several_packets_in_one_payload(engine: Server) -> None:
    session = await engine.open_polling()
    assert (await session.post("4one\x1e4two\x1e4three")).text == "ok"
    assert (await session.poll()).text == "4one\x1e4two\x1e4three"


async def test_a_polling_client_receives_in_one_payload_what_waited_for_its_poll(
    engine: Server,
) -> None:
    session = await engine.open_polling()
    await session.send("4one")
    await session.send("bAQID")
    await session.send("4three")
    assert (await session.poll()).text == "4one\x1ebAQID\x1e4three"


async def test_a_polling_client_sends_and_receives_binary_as_base64(engine: Server) -> None:
    session = await engine.open_polling()
    assert (await session.post("bAQIDBA==")).text == "ok"
    assert (await session.poll()).text == "bAQIDBA=="


async def test_a_polling_client_mixes_text_and_binary_in_one_payload(engine: Server) -> None:
    session = await engine.open_polling()
    await session.send("4hello", "bAQIDBA==", "4w\u00f6rld \u20ac \U0001f600", "b+/8=")
    polled = await session.poll()
    assert polled.content.decode() == "4hello\x1ebAQIDBA==\x1e4w\u00f6rld \u20ac \U0001f600\x1eb+/8="


async def test_a_polling_client_may_send_any_content_type_of_text(engine: Server) -> None:
    session = await engine.open_polling()
    assert (await session.post("4hello", content_type="text/plain")).text == "ok"
    assert (await session.post("4world", content_type="application/xml")).text == "ok"
    assert (await session.poll()).text == "4hello\x1e4world"


async def test_a_websocket_client_sends_and_receives_text(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.send("4hello", "4w\u00f6rld \u20ac \U0001f600")
    assert await websocket.receive() == "4hello"
    assert await websocket.receive() == "4w\u00f6rld \u20ac \U0001f600"


async def test_a_websocket_client_sends_and_receives_binary_without_a_type(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.send(b"\x01\x02\x03\x04", b"4", bytes(range(256)))
    assert await websocket.receive() == b"\x01\x02\x03\x04"
    assert await websocket.receive() == b"4"
    assert await websocket.receive() == bytes(range(256))


async def test_a_websocket_client_may_send_base64(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.send("bAQIDBA==")
    assert await websocket.receive() == b"\x01\x02\x03\x04"


async def test_a_websocket_client_may_send_an_empty_message(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.send("4", "4after")
    assert await websocket.receive() == "4"
    assert await websocket.receive() == "4after"


async def test_a_websocket_client_keeps_record_separators_inside_a_message(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.send("4one\x1e4two")
    assert await websocket.receive() == "4one\x1e4two"


async def test_a_websocket_client_may_fragment_a_message(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.connection.send(["4he", "l", "lo"])
    await websocket.connection.send([b"\x01", b"", b"\x02"])
    assert await websocket.receive() == "4hello"
    assert await websocket.receive() == b"\x01\x02"


async def test_a_websocket_client_receives_a_pong_to_its_control_ping(engine: Server) -> None:
    websocket = await engine.open_websocket()
    pong = await websocket.connection.ping(b"\x00here")
    async with deadline():
        await pong


async def test_the_server_keeps_the_order_of_many_messages(engine: Server) -> None:
    frames: list[str | bytes] = [f"4{n}" if n % 3 else bytes([n]) for n in range(200)]
    websocket = await engine.open_websocket()
    await websocket.send(*frames)
    assert [await websocket.receive() for _ in frames] == frames

    packets = [f"4{n}" for n in range(200)]
    session = await engine.open_polling()
    await session.send(*packets[:150])
    await session.send(*packets[150:])
    assert [await session.receive() for _ in packets] == packets


async def test_the_server_keeps_the_messages_of_its_clients_apart(engine: Server) -> None:
    session = await engine.open_polling()
    other_session = await engine.open_polling()
    websocket = await engine.open_websocket()
    await session.send("4mine")
    await other_session.send("4yours")
    await websocket.send("4theirs")
    assert await other_session.receive() == "4yours"
    assert await session.receive() == "4mine"
    assert await websocket.receive() == "4theirs"


@pytest.mark.parametrize("size", [125, 126, 65_535, 65_536, MAX_PAYLOAD])
async def test_a_client_sends_messages_of_any_size_up_to_the_limit(engine: Server, size: int) -> None:
    # The limit counts the whole frame or body, with its packet type.
    packet = "4" + "x" * (size - 1)
    websocket = await engine.open_websocket()
    await websocket.send(packet, b"\x07" * size)
    assert await websocket.receive() == packet
    assert await websocket.receive() == b"\x07" * size
    session = await engine.open_polling()
    await session.send(packet)
    assert await session.receive() == packet


async def test_the_server_refuses_a_body_over_the_limit(engine: Server) -> None:
    session = await engine.open_polling()
    answer = await session.post("4" + "x" * MAX_PAYLOAD)
    assert answer.status_code == 413


async def test_the_server_counts_the_limit_of_a_body_in_bytes(engine: Server) -> None:
    session = await engine.open_polling()
    answer = await session.post("4" + "\u20ac" * (MAX_PAYLOAD // 3 + 1))
    assert answer.status_code == 413


async def test_the_server_closes_a_websocket_that_sends_a_frame_over_the_limit(
    engine: Server,
) -> None:
    websocket = await engine.open_websocket()
    await websocket.send("4" + "x" * MAX_PAYLOAD)
    await websocket.wait_closed()
    assert websocket.connection.close_code == 1009


# Heartbeat


async def test_a_websocket_client_that_answers_pings_stays_connected(pinging_engine: Server) -> None:
    websocket = await pinging_engine.open_websocket()
    for number in range(4):
        assert await websocket.receive_frame() == "2"
        await websocket.send("3", f"4{number}")
        assert await websocket.receive_frame() == f"4{number}", "the next ping waits for its interval"


async def test_a_polling_client_that_answers_pings_stays_connected(pinging_engine: Server) -> None:
    session = await pinging_engine.open_polling()
    for number in range(4):
        assert (await session.poll()).text == "2"
        await session.send("3", f"4{number}")
        assert (await session.poll()).text == f"4{number}", "the next ping waits for its interval"


async def test_the_server_closes_a_websocket_client_that_does_not_answer_a_ping(
    pinging_engine: Server,
) -> None:
    websocket = await pinging_engine.open_websocket()
    assert await websocket.wait_closed_in_silence() == ["2"]


async def test_the_server_closes_a_polling_client_that_does_not_answer_a_ping(
    pinging_engine: Server,
) -> None:
    session = await pinging_engine.open_polling()
    assert (await session.poll()).text == "2"
    assert (await session.poll()).text == "1"
    answer = await session.poll()
    assert answer.status_code == 400
    assert error_code(answer) == 1


async def test_the_server_forgets_a_polling_client_that_never_polls(pinging_engine: Server) -> None:
    session = await pinging_engine.open_polling()
    await pinging_engine.wait_session_gone(session.engine_sid, unlike="websocket")
    assert (await session.poll()).status_code == 400


async def test_the_server_ignores_a_pong_that_it_did_not_ask_for(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.send("3", "3", "4hello")
    assert await websocket.receive() == "4hello"


async def test_the_server_closes_a_websocket_client_that_pings(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.send("2")
    await websocket.wait_closed()


async def test_the_server_closes_a_polling_client_that_pings(engine: Server) -> None:
    session = await engine.open_polling()
    poll = await session.start_poll()
    await post_that_closes(session, "2")
    assert (await poll.answer()).text == "1"
    assert error_code(await session.poll()) == 1


# Close


async def test_a_polling_client_that_closes_releases_its_pending_poll(engine: Server) -> None:
    session = await engine.open_polling()
    poll = await session.start_poll()
    posted = await session.post("1")
    assert (posted.status_code, posted.text) == (200, "ok")
    answer = await poll.answer()
    assert (answer.status_code, answer.text) == (200, "6")
    for refused in (await session.poll(), await session.post("4hello")):
        assert refused.status_code == 400
        assert refused.text == '{"code":1,"message":"Session ID unknown"}'


async def test_a_polling_client_may_close_without_a_poll(engine: Server) -> None:
    session = await engine.open_polling()
    assert (await session.post("1")).text == "ok"
    assert error_code(await session.poll()) == 1


async def test_a_websocket_client_that_sends_a_close_packet_is_closed(engine: Server) -> None:
    websocket = await engine.open_websocket()
    await websocket.send("1")
    frames = await websocket.wait_closed_in_silence()
    assert set(frames) <= {"2"}


async def test_a_session_ends_with_its_websocket(engine: Server) -> None:
    websocket = await engine.connect_websocket()
    engine_sid = open_packet(await websocket.receive_frame())["sid"]
    await websocket.close()
    assert websocket.connection.close_code == 1000
    await engine.wait_session_gone(engine_sid, unlike="polling")


async def test_a_session_ends_when_its_websocket_is_cut(engine: Server) -> None:
    websocket = await engine.connect_websocket()
    engine_sid = open_packet(await websocket.receive_frame())["sid"]
    websocket.connection.transport.abort()
    await engine.wait_session_gone(engine_sid, unlike="polling")


# Overlapping and abandoned requests


async def test_a_second_poll_while_one_is_pending_closes_the_session(engine: Server) -> None:
    session = await engine.open_polling()
    first = await session.start_poll()
    second = await session.poll()
    assert second.status_code == 400
    released = await first.answer()
    assert (released.status_code, released.text) == (200, "1")
    third = await session.poll()
    assert third.status_code == 400
    assert third.text == '{"code":1,"message":"Session ID unknown"}'


async def unfinished_post(engine: Server, session: PollingSession) -> asyncio.StreamWriter:
    """Returns the connection of a POST request whose body the server is reading."""
    target = engine.target("polling", {"sid": session.engine_sid})
    reader, writer = await asyncio.open_connection(*engine.address)
    writer.write(
        f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
        "Content-Length: 6\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    async with deadline():
        # The server sends it when it begins to read the body.
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"4hel")
    return writer


@pytest.mark.usefixtures("at_its_own_node")
async def test_a_second_post_while_one_is_being_sent_closes_the_session(engine: Server) -> None:
    session = await engine.open_polling()
    writer = await unfinished_post(engine, session)
    try:
        assert (await session.post("4hello")).status_code == 400
        assert error_code(await session.poll()) == 1
    finally:
        writer.close()


async def test_a_client_that_abandons_a_poll_loses_its_session(engine: Server) -> None:
    session = await engine.open_polling()
    poll = await session.start_poll()
    await poll.cancel()
    await engine.wait_session_gone(session.engine_sid, unlike="websocket")
    assert error_code(await session.poll()) == 1


async def test_a_client_that_abandons_a_post_loses_its_session(engine: Server) -> None:
    session = await engine.open_polling()
    writer = await unfinished_post(engine, session)
    writer.close()
    await engine.wait_session_gone(session.engine_sid, unlike="websocket")


# Packets that break the protocol


async def post_that_closes(session: PollingSession, body: str) -> None:
    """Checks that the session closes. A server may respond to a broken body or close its connection."""
    with contextlib.suppress(httpx.TransportError):
        await session.post(body)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("abc", id="a letter as type"),
        pytest.param("7", id="type 7"),
        pytest.param("9hello", id="type 9"),
        pytest.param("", id="an empty frame"),
        pytest.param(" 4hello", id="a space before the type"),
        pytest.param("\u0664hello", id="an Arabic four"),
    ],
)
async def test_the_server_closes_a_client_that_sends_an_invalid_packet(engine: Server, frame: str) -> None:
    websocket = await engine.open_websocket()
    await websocket.send(frame)
    await websocket.wait_closed()

    session = await engine.open_polling()
    poll = await session.start_poll()
    await post_that_closes(session, frame)
    assert (await poll.answer()).text == "1"
    assert error_code(await session.poll()) == 1


async def test_the_server_closes_a_client_that_ends_a_payload_with_a_separator(
    engine: Server,
) -> None:
    session = await engine.open_polling()
    await post_that_closes(session, "4hello\x1e")
    assert error_code(await session.poll()) == 1


async def test_the_server_closes_a_client_that_posts_a_binary_body(engine: Server) -> None:
    session = await engine.open_polling()
    answer = await session.post("4hello", content_type="application/octet-stream")
    assert answer.status_code == 400
    assert error_code(await session.poll()) == 1


async def test_an_invalid_packet_closes_no_other_client(engine: Server) -> None:
    bystander = await engine.open_websocket()
    websocket = await engine.open_websocket()
    await websocket.send("abc")
    await websocket.wait_closed()
    await bystander.send("4hello")
    assert await bystander.receive() == "4hello"


@pytest.mark.parametrize("packet", ["0", "5", "6"])
async def test_the_server_ignores_packets_that_mean_nothing_from_a_client(engine: Server, packet: str) -> None:
    websocket = await engine.open_websocket()
    await websocket.send(packet, "4hello")
    assert await websocket.receive() == "4hello"
    session = await engine.open_polling()
    await session.send(packet, "4hello")
    assert await session.receive() == "4hello"


# Upgrade


async def test_a_polling_client_upgrades_to_websocket(engine: Server) -> None:
    session = await engine.open_polling()
    websocket = await engine.connect_websocket({"sid": session.engine_sid})
    await websocket.send("2probe")
    assert await websocket.receive_frame() == "3probe"
    await websocket.send("5")
    await websocket.send("4hello", b"\x01\x02")
    assert await websocket.receive() == "4hello"
    assert await websocket.receive() == b"\x01\x02"


async def test_a_probe_releases_the_pending_poll_with_a_noop(engine: Server) -> None:
    session = await engine.open_polling()
    await session.start_poll()
    websocket = await probe(engine, session)
    assert await session.receive() == "6"
    await websocket.send("5")
    await websocket.send("4hello")
    assert await websocket.receive() == "4hello"


async def test_a_probe_releases_every_poll_until_the_upgrade(engine: Server) -> None:
    session = await engine.open_polling()
    websocket = await probe(engine, session)
    assert await session.receive() == "6"
    assert await session.receive() == "6"
    await websocket.send("5")
    await websocket.send("4hello")
    assert await websocket.receive() == "4hello"


async def test_a_poll_that_is_pending_when_the_upgrade_completes_is_released(
    engine: Server,
) -> None:
    session = await engine.open_polling()
    poll = await session.start_poll()
    websocket = await probe(engine, session)
    await websocket.send("5")
    released = await poll.answer()
    assert released.status_code == 200
    assert released.text in {"1", "6"}
    await websocket.send("4hello")
    assert await websocket.receive() == "4hello"


async def test_a_client_polls_and_posts_while_it_probes(engine: Server) -> None:
    session = await engine.open_polling()
    websocket = await probe(engine, session)
    await session.send("4hello")
    while (packet := await session.receive()) == "6":
        pass
    assert packet == "4hello"
    await websocket.send("5")
    await websocket.send("4world")
    assert await websocket.receive() == "4world"


async def test_messages_that_wait_for_a_poll_leave_through_the_websocket_first(
    engine: Server,
) -> None:
    session = await engine.open_polling()
    websocket = await probe(engine, session)
    await session.send("4one", "bAg==", "4three")
    await websocket.send("5", "4four")
    assert await websocket.receive() == "4one"
    assert await websocket.receive() == b"\x02"
    assert await websocket.receive() == "4three"
    assert await websocket.receive() == "4four"


async def test_messages_keep_their_order_through_an_upgrade(engine: Server) -> None:
    session = await engine.open_polling()
    packets = [f"4{n}" for n in range(60)]
    await session.send(*packets[:20])
    websocket = await engine.connect_websocket({"sid": session.engine_sid})
    await websocket.send("2probe")
    await session.send(*packets[20:40])
    received: list[str] = []
    while len(received) < 10:
        if (packet := await session.receive()) != "6":
            received.append(packet)
    received += session.received_already()
    assert await websocket.receive() == "3probe"
    await websocket.send("5", *packets[40:])
    while len(received) < len(packets):
        received.append(await websocket.receive_text())
    assert received == packets


async def test_an_upgraded_session_refuses_its_old_transport(engine: Server) -> None:
    session, websocket = await upgraded(engine)
    for answer in (await session.poll(), await session.post("4hello")):
        assert answer.status_code == 400
        assert answer.text == '{"code":3,"message":"Bad request"}'
    await websocket.send("4still here")
    assert await websocket.receive() == "4still here"


async def test_an_upgraded_session_is_pinged_over_its_websocket(pinging_engine: Server) -> None:
    _, websocket = await upgraded(pinging_engine)
    for _ in range(3):
        assert await websocket.receive_frame() == "2"
        await websocket.send("3")


async def test_an_upgraded_session_that_does_not_answer_a_ping_is_closed(pinging_engine: Server) -> None:
    _, websocket = await upgraded(pinging_engine)
    assert await websocket.wait_closed_in_silence() == ["2"]


async def test_an_upgraded_session_ends_with_its_websocket(engine: Server) -> None:
    session, websocket = await upgraded(engine)
    await websocket.close()
    await engine.wait_session_gone(session.engine_sid, unlike="polling")


async def test_a_second_websocket_of_an_upgraded_session_is_closed(engine: Server) -> None:
    session, websocket = await upgraded(engine)
    assert await engine.refuses_websocket({"sid": session.engine_sid})
    await websocket.send("4still here")
    assert await websocket.receive() == "4still here"


async def test_a_second_websocket_of_an_upgrading_session_is_closed(engine: Server) -> None:
    session = await engine.open_polling()
    websocket = await probe(engine, session)
    assert await engine.refuses_websocket({"sid": session.engine_sid})
    await websocket.send("5", "4still here")
    assert await websocket.receive() == "4still here"


@pytest.mark.parametrize("frame", ["2", "2probe?", "4hello", "3probe", "6", "abc", b"\x01"])
async def test_a_websocket_that_does_not_probe_is_closed_and_polling_continues(
    engine: Server, frame: str | bytes
) -> None:
    session = await engine.open_polling()
    websocket = await engine.connect_websocket({"sid": session.engine_sid})
    await websocket.send(frame)
    await websocket.wait_closed()
    await assert_echoes(session)


async def test_a_websocket_that_sends_a_message_before_the_upgrade_is_closed(
    engine: Server,
) -> None:
    session = await engine.open_polling()
    websocket = await probe(engine, session)
    await websocket.send("4hello")
    await websocket.wait_closed()
    await assert_echoes(session)


async def test_a_client_whose_probe_breaks_off_may_probe_again(engine: Server) -> None:
    session = await engine.open_polling()
    broken = await probe(engine, session)
    await broken.close()
    await assert_echoes(session)
    websocket = await probe(engine, session)
    await websocket.send("5", "4hello")
    assert await websocket.receive() == "4hello"


async def test_a_session_that_closes_while_it_probes_closes_the_websocket(engine: Server) -> None:
    session = await engine.open_polling()
    websocket = await probe(engine, session)
    await session.send("1")
    await websocket.wait_closed()
    assert error_code(await session.poll()) == 1


async def test_a_client_that_never_completes_its_upgrade_keeps_polling(engine: Server) -> None:
    session = await engine.open_polling()
    websocket = await probe(engine, session)
    closed = asyncio.create_task(websocket.wait_closed())
    while not closed.done():
        await assert_echoes(session)
        await asyncio.wait([closed], timeout=PING_INTERVAL_S / 2)
    await closed
    await assert_echoes(session)
