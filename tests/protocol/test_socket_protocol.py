"""Socket.IO protocol, revision 5, as any client sees it on the wire of a server that echoes events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import httpx
import pytest

from tests.protocol.raw_client import (
    SEPARATOR,
    PollingSession,
    Server,
    WebSocketClient,
    error_code,
    open_packet,
)


def socket_id(frame: str | bytes, prefix: str) -> str:
    """The `sid` of a CONNECT reply, which has no other key."""
    assert isinstance(frame, str)
    assert frame.startswith(prefix), frame
    reply = json.loads(frame.removeprefix(prefix))
    assert list(reply) == ["sid"]
    assert isinstance(reply["sid"], str)
    return reply["sid"]


async def connected(server: Server) -> WebSocketClient:
    """A WebSocket client that has joined the main namespace."""
    client = await server.open_websocket()
    await client.send("40")
    socket_id(await client.receive(), "40")
    assert await client.receive() == '42["auth",{}]'
    return client


async def connected_to_both(server: Server) -> WebSocketClient:
    client = await connected(server)
    await client.send("40/custom,")
    socket_id(await client.receive(), "40/custom,")
    assert await client.receive() == '42/custom,["auth",{}]'
    return client


async def connected_by_polling(server: Server) -> PollingSession:
    session = await server.open_polling()
    await session.send("40")
    socket_id(await session.receive(), "40")
    assert await session.receive() == '42["auth",{}]'
    return session


async def assert_echoes(client: WebSocketClient | PollingSession) -> None:
    await client.send('42["message","still here"]')
    assert await client.receive() == '42["message-back","still here"]'


# Engine.IO below


async def test_a_client_receives_the_open_packet_of_engine_io(pinging_server: Server) -> None:
    handshake = open_packet((await pinging_server.request("GET")).text)
    assert list(handshake) == ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]
    del handshake["sid"]
    assert handshake == {
        "upgrades": ["websocket"],
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1_000_000,
    }


async def test_a_page_of_another_origin_may_read_the_answers(server: Server) -> None:
    session = await server.open_polling()
    headers = {"origin": "https://elsewhere.example"}
    query = {"sid": session.engine_sid}
    handshake = await server.request("GET", headers=headers)
    posted = await server.request("POST", query, "40", headers=headers)
    polled = await server.request("GET", query, headers=headers)
    refused = await server.request("GET", {"sid": "unknown"}, headers=headers)
    for answer in (handshake, posted, polled, refused):
        assert answer.headers["access-control-allow-origin"] == "*"
    assert [answer.status_code for answer in (handshake, posted, polled, refused)] == [
        200,
        200,
        200,
        400,
    ]


async def test_a_page_of_another_origin_may_ask_what_it_may_send(server: Server) -> None:
    preflight = {
        "origin": "https://elsewhere.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    answer = await server.request("OPTIONS", headers=preflight)
    assert answer.status_code in {200, 204}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()


# CONNECT


async def test_a_client_connects_to_the_main_namespace(pinging_server: Server) -> None:
    client = await pinging_server.open_websocket()
    await client.send("40")
    assert len(socket_id(await client.receive_frame(), "40")) >= 20
    assert await client.receive_frame() == '42["auth",{}]'
    assert await client.receive_frame() == "2"


async def test_a_client_connects_to_the_main_namespace_with_auth(server: Server) -> None:
    client = await server.open_websocket()
    await client.send('40{"token":"123"}')
    socket_id(await client.receive(), "40")
    assert await client.receive() == '42["auth",{"token":"123"}]'


async def test_a_client_connects_to_a_custom_namespace(server: Server) -> None:
    client = await server.open_websocket()
    await client.send("40/custom,")
    socket_id(await client.receive(), "40/custom,")
    assert await client.receive() == '42/custom,["auth",{}]'


async def test_a_client_connects_to_a_custom_namespace_with_auth(server: Server) -> None:
    client = await server.open_websocket()
    await client.send('40/custom,{"token":"abc"}')
    socket_id(await client.receive(), "40/custom,")
    assert await client.receive() == '42/custom,["auth",{"token":"abc"}]'


async def test_a_client_may_leave_out_the_comma_behind_the_namespace(server: Server) -> None:
    client = await server.open_websocket()
    await client.send("40/custom")
    socket_id(await client.receive(), "40/custom,")
    assert await client.receive() == '42/custom,["auth",{}]'


async def test_a_client_may_name_the_main_namespace(server: Server) -> None:
    client = await server.open_websocket()
    await client.send('40/,{"token":"123"}')
    socket_id(await client.receive(), "40")
    assert await client.receive() == '42["auth",{"token":"123"}]'
    await client.send('42/,["message","hello"]')
    assert await client.receive() == '42["message-back","hello"]'


async def test_a_client_receives_its_auth_as_it_sent_it(server: Server) -> None:
    auth: dict[str, Any] = {
        "token": '\u20ac \U0001f600 \\ " / \n',
        "empty": {},
        "list": [1, -2.5, None, True, [], ""],
        "deep": {"a": {"b": {"c": [{"d": False}]}}},
        "__proto__": {"x": 1},
    }
    client = await server.open_websocket()
    await client.send("40" + json.dumps(auth))
    socket_id(await client.receive(), "40")
    event = await client.receive_text()
    assert event.startswith("42")
    assert json.loads(event[2:]) == ["auth", auth]


async def test_a_client_connects_over_polling(server: Server) -> None:
    session = await server.open_polling()
    assert (await session.post('40{"token":"123"}')).text == "ok"
    socket_id(await session.receive(), "40")
    assert await session.receive() == '42["auth",{"token":"123"}]'


async def test_a_client_connects_to_several_namespaces_in_one_payload(server: Server) -> None:
    session = await server.open_polling()
    await session.send("40", '40/custom,{"token":"abc"}')
    socket_id(await session.receive(), "40")
    assert await session.receive() == '42["auth",{}]'
    socket_id(await session.receive(), "40/custom,")
    assert await session.receive() == '42/custom,["auth",{"token":"abc"}]'


async def test_a_socket_id_gives_away_no_session_and_is_never_used_twice(server: Server) -> None:
    session = await server.open_polling()
    await session.send("40", "40/custom")
    received = [await session.receive() for _ in range(4)]
    main_id = socket_id(received[0], "40")
    custom_id = socket_id(received[2], "40/custom,")
    await session.send("41")
    await session.send("40")
    second_main_id = socket_id(await session.receive(), "40")
    assert len({session.engine_sid, main_id, custom_id, second_main_id}) == 4


@pytest.mark.parametrize(
    ("packet", "reply"),
    [
        pytest.param("40/random", '44/random,{"message":"Invalid namespace"}', id="no comma"),
        pytest.param("40/random,", '44/random,{"message":"Invalid namespace"}', id="no auth"),
        pytest.param('40/random,{"a":1}', '44/random,{"message":"Invalid namespace"}', id="auth"),
        pytest.param("40/custom/", '44/custom/,{"message":"Invalid namespace"}', id="trailing slash"),
        pytest.param("40/Custom,", '44/Custom,{"message":"Invalid namespace"}', id="other case"),
        pytest.param("40/custom?a=1,", '44/custom?a=1,{"message":"Invalid namespace"}', id="query"),
        pytest.param("40/__proto__,", '44/__proto__,{"message":"Invalid namespace"}', id="__proto__"),
    ],
)
async def test_a_client_that_connects_to_an_unknown_namespace_receives_an_error(
    server: Server, packet: str, reply: str
) -> None:
    client = await server.open_websocket()
    await client.send(packet)
    assert await client.receive() == reply
    # The connection may still be used.
    await client.send("40")
    socket_id(await client.receive(), "40")
    assert await client.receive() == '42["auth",{}]'
    await client.send(packet)
    assert await client.receive() == reply


async def test_the_server_closes_a_client_that_joins_no_namespace(hasty_server: Server) -> None:
    client = await hasty_server.open_websocket()
    await client.wait_closed()


async def test_the_server_closes_a_polling_client_that_joins_no_namespace(hasty_server: Server) -> None:
    session = await hasty_server.open_polling()
    # The close finds the client between two polls or in one; in the latter case it is a packet.
    while error_code(answer := await session.poll()) != 1:
        packets = answer.text.split(SEPARATOR)
        assert set(packets) <= {"1", "2", "6"}
        if "2" in packets:
            with contextlib.suppress(httpx.TransportError):
                await session.post("3")


async def test_the_server_closes_a_client_that_only_tried_an_unknown_namespace(
    hasty_server: Server,
) -> None:
    client = await hasty_server.open_websocket()
    await client.send("40/random")
    assert await client.receive() == '44/random,{"message":"Invalid namespace"}'
    await client.wait_closed()


async def answer_pings_until_a_late_client_is_closed(server: Server, client: WebSocketClient) -> None:
    """Opens another connection, and returns when the server has closed it, since it joins no namespace. The client
    receives nothing but pings.
    """
    late = await server.open_websocket()
    closed = asyncio.create_task(late.wait_closed())
    while not closed.done():
        assert await client.receive_frame() == "2"
        await client.send("3")
    await closed


async def test_the_server_keeps_a_client_that_joined_in_time(pinging_server: Server) -> None:
    client = await connected(pinging_server)
    await answer_pings_until_a_late_client_is_closed(pinging_server, client)
    await assert_echoes(client)


async def test_clients_that_vanish_before_they_connect_delay_no_other_client(pinging_server: Server) -> None:
    bystander = await connected(pinging_server)
    # Both timeouts apply: that of the heartbeat, and that of joining a namespace.
    await pinging_server.open_polling()
    closing = await pinging_server.open_polling()
    await closing.send("1")
    websocket = await pinging_server.open_websocket()
    await websocket.close()
    await answer_pings_until_a_late_client_is_closed(pinging_server, bystander)
    await assert_echoes(bystander)


@pytest.mark.parametrize("packet", ["40", '40{"token":"123"}', "40/custom", "40/custom,"])
async def test_the_server_closes_a_client_that_connects_twice_to_a_namespace(server: Server, packet: str) -> None:
    client = await connected_to_both(server)
    await client.send(packet)
    await client.wait_closed()


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param('42["message","hello"]', id="event"),
        pytest.param('421["message-with-ack","hello"]', id="event with ack"),
        pytest.param("430[]", id="ack"),
        pytest.param("41", id="disconnect"),
        pytest.param('44{"message":"no"}', id="connect error"),
        pytest.param('42/random,["message","hello"]', id="event to an unknown namespace"),
    ],
)
async def test_the_server_closes_a_client_that_sends_before_it_connects(server: Server, packet: str) -> None:
    """At once: clients of this server may wait for longer than the test before they join a namespace."""
    client = await server.open_websocket()
    await client.send(packet)
    await client.wait_closed()


async def test_the_server_closes_a_client_that_sends_to_a_namespace_it_has_not_joined(
    server: Server,
) -> None:
    client = await connected(server)
    await client.send('42/custom,["message","hello"]')
    await client.wait_closed()


@pytest.mark.parametrize("packet", ['44{"message":"no"}', '44"no"', "44", '44/custom,{"message":"no"}'])
async def test_the_server_closes_a_client_that_sends_a_connect_error(server: Server, packet: str) -> None:
    client = await connected_to_both(server)
    await client.send(packet)
    await client.wait_closed()


# DISCONNECT


async def test_a_client_that_disconnects_receives_nothing_but_pings(pinging_server: Server) -> None:
    client = await connected(pinging_server)
    await client.send("41")
    for _ in range(2):
        assert await client.receive_frame() == "2"
        await client.send("3")


async def test_a_client_that_disconnects_may_connect_again(pinging_server: Server) -> None:
    client = await connected(pinging_server)
    await client.send("41")
    # The ping shows that the server has handled the packet before it.
    assert await client.receive_frame() == "2"
    await client.send("3", '40{"again":true}')
    socket_id(await client.receive(), "40")
    assert await client.receive() == '42["auth",{"again":true}]'
    await assert_echoes(client)


@pytest.mark.parametrize("packet", ["41/custom", "41/custom,"])
async def test_a_client_that_leaves_one_namespace_stays_in_the_other(server: Server, packet: str) -> None:
    client = await connected_to_both(server)
    await client.send(packet)
    await assert_echoes(client)
    await client.send("40/custom,")
    socket_id(await client.receive(), "40/custom,")
    assert await client.receive() == '42/custom,["auth",{}]'


async def test_a_client_that_leaves_the_main_namespace_stays_in_the_other(server: Server) -> None:
    client = await connected_to_both(server)
    await client.send("41")
    await client.send('42/custom,["message","hello"]')
    assert await client.receive() == '42/custom,["message-back","hello"]'


async def test_the_server_closes_a_client_that_sends_after_it_disconnected(pinging_server: Server) -> None:
    client = await connected(pinging_server)
    await client.send("41")
    # The ping shows that the server has handled the packet before it.
    assert await client.receive_frame() == "2"
    await client.send("3", '42["message","hello"]')
    await client.wait_closed()


async def test_a_polling_client_disconnects_and_connects_again(server: Server) -> None:
    session = await connected_by_polling(server)
    await session.send("41")
    await session.send("40")
    socket_id(await session.receive(), "40")
    assert await session.receive() == '42["auth",{}]'
    await assert_echoes(session)


# EVENT and BINARY_EVENT


async def test_a_client_sends_and_receives_an_event(server: Server) -> None:
    client = await connected(server)
    await client.send('42["message",1,"2",{"3":[true]}]')
    assert await client.receive() == '42["message-back",1,"2",{"3":[true]}]'


async def test_a_client_sends_and_receives_an_event_without_arguments(server: Server) -> None:
    client = await connected(server)
    await client.send('42["message"]')
    assert await client.receive() == '42["message-back"]'


async def test_a_client_sends_and_receives_every_kind_of_json(server: Server) -> None:
    arguments: list[Any] = [
        None,
        True,
        0,
        -1,
        2.5,
        1e30,
        "",
        '\u20ac \U0001f600 \x7f \\ "',
        [],
        {},
        {"": [{"a": None}]},
    ]
    client = await connected(server)
    await client.send("42" + json.dumps(["message", *arguments], ensure_ascii=False))
    event = await client.receive_text()
    assert event.startswith("42")
    assert json.loads(event[2:]) == ["message-back", *arguments]


async def test_a_client_may_put_space_around_json(server: Server) -> None:
    client = await connected(server)
    await client.send('42[ "message" , 1\t]\n')
    assert await client.receive() == '42["message-back",1]'


async def test_a_client_sends_and_receives_an_event_of_a_custom_namespace(server: Server) -> None:
    client = await connected_to_both(server)
    await client.send('42/custom,["message",1,"2",{"3":[true]}]')
    assert await client.receive() == '42/custom,["message-back",1,"2",{"3":[true]}]'


async def test_a_client_sends_and_receives_an_event_over_polling(server: Server) -> None:
    session = await connected_by_polling(server)
    await session.send('42["message",1,"2",{"3":[true]}]')
    assert await session.receive() == '42["message-back",1,"2",{"3":[true]}]'


async def test_a_client_sends_and_receives_one_attachment(server: Server) -> None:
    client = await connected(server)
    await client.send('451-["message",{"_placeholder":true,"num":0}]', b"\x01\x02\x03")
    assert await client.receive() == '451-["message-back",{"_placeholder":true,"num":0}]'
    assert await client.receive() == b"\x01\x02\x03"


async def test_a_client_sends_and_receives_several_attachments(server: Server) -> None:
    client = await connected(server)
    await client.send(
        '452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        b"\x01\x02\x03",
        b"\x04\x05\x06",
    )
    assert await client.receive() == '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert await client.receive() == b"\x01\x02\x03"
    assert await client.receive() == b"\x04\x05\x06"


async def test_a_client_sends_and_receives_nested_and_empty_attachments(server: Server) -> None:
    client = await connected(server)
    await client.send(
        '452-["message",{"files":[{"data":{"_placeholder":true,"num":0}},1]},[[{"_placeholder":true,"num":1}]]]',
        b"",
        b"\xff",
    )
    assert (
        await client.receive() == '452-["message-back",{"files":[{"data":{"_placeholder":true,"num":0}},1]},'
        '[[{"_placeholder":true,"num":1}]]]'
    )
    assert await client.receive() == b""
    assert await client.receive() == b"\xff"


async def test_a_client_may_number_attachments_in_any_order(server: Server) -> None:
    client = await connected(server)
    await client.send(
        '452-["message",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]',
        b"zero",
        b"one",
    )
    assert await client.receive() == '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert await client.receive() == b"one"
    assert await client.receive() == b"zero"


async def test_a_client_sends_ten_attachments(server: Server) -> None:
    placeholders = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10))
    attachments = [bytes([n]) for n in range(10)]
    client = await connected(server)
    await client.send(f'4510-["message",{placeholders}]', *attachments)
    assert await client.receive() == f'4510-["message-back",{placeholders}]'
    assert [await client.receive() for _ in attachments] == attachments


async def test_a_client_sends_and_receives_attachments_of_a_custom_namespace(
    server: Server,
) -> None:
    client = await connected_to_both(server)
    await client.send('451-/custom,["message",{"_placeholder":true,"num":0}]', b"\x01")
    assert await client.receive() == '451-/custom,["message-back",{"_placeholder":true,"num":0}]'
    assert await client.receive() == b"\x01"


async def test_a_client_sends_and_receives_attachments_over_polling(server: Server) -> None:
    session = await connected_by_polling(server)
    await session.send('451-["message",{"_placeholder":true,"num":0}]', "bAQID")
    assert await session.receive() == '451-["message-back",{"_placeholder":true,"num":0}]'
    assert await session.receive() == "bAQID"


async def test_a_client_may_post_an_attachment_after_its_event(server: Server) -> None:
    session = await connected_by_polling(server)
    await session.send('451-["message",{"_placeholder":true,"num":0}]')
    await session.send("bAQID")
    assert await session.receive() == '451-["message-back",{"_placeholder":true,"num":0}]'
    assert await session.receive() == "bAQID"


async def test_the_server_ignores_an_event_without_a_handler(server: Server) -> None:
    client = await connected(server)
    await client.send('42["unknown",1]', '427["unknown",1]', "42[7]", '42["__proto__"]', '42["constructor"]')
    await assert_echoes(client)


async def test_the_server_keeps_the_order_of_many_events(server: Server) -> None:
    client = await connected_to_both(server)
    for n in range(100):
        await client.send(f'42["message",{n}]', f'42/custom,["message",{n}]')
    received = [await client.receive() for _ in range(200)]
    assert [frame for frame in received if frame in {f'42["message-back",{n}]' for n in range(100)}] == [
        f'42["message-back",{n}]' for n in range(100)
    ]
    assert [frame for frame in received if isinstance(frame, str) and "/custom" in frame] == [
        f'42/custom,["message-back",{n}]' for n in range(100)
    ]


async def test_the_server_keeps_attachments_behind_their_event(server: Server) -> None:
    client = await connected(server)
    for n in range(20):
        await client.send('451-["message",{"_placeholder":true,"num":0}]', bytes([n]), f'42["message",{n}]')
    for n in range(20):
        assert await client.receive() == '451-["message-back",{"_placeholder":true,"num":0}]'
        assert await client.receive() == bytes([n])
        assert await client.receive() == f'42["message-back",{n}]'


async def test_the_server_echoes_only_to_the_client_that_sent(server: Server) -> None:
    sender = await connected(server)
    other = await connected(server)
    await sender.send('42["message","from sender"]')
    assert await sender.receive() == '42["message-back","from sender"]'
    await other.send('42["message","from other"]')
    assert await other.receive() == '42["message-back","from other"]'


# ACK and BINARY_ACK


async def test_a_client_receives_an_ack(server: Server) -> None:
    client = await connected(server)
    await client.send('42456["message-with-ack",1,"2",{"3":[false]}]')
    assert await client.receive() == '43456[1,"2",{"3":[false]}]'


async def test_a_client_receives_an_ack_without_arguments(server: Server) -> None:
    client = await connected(server)
    await client.send('420["message-with-ack"]')
    assert await client.receive() == "430[]"


async def test_a_client_receives_an_ack_of_a_custom_namespace(server: Server) -> None:
    client = await connected_to_both(server)
    await client.send('42/custom,12["message-with-ack","hello"]')
    assert await client.receive() == '43/custom,12["hello"]'


async def test_a_client_receives_a_binary_ack(server: Server) -> None:
    client = await connected(server)
    await client.send(
        '452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        b"\x01\x02\x03",
        b"\x04\x05\x06",
    )
    assert await client.receive() == '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert await client.receive() == b"\x01\x02\x03"
    assert await client.receive() == b"\x04\x05\x06"


async def test_a_client_receives_a_binary_ack_of_a_custom_namespace(server: Server) -> None:
    client = await connected_to_both(server)
    await client.send('451-/custom,7["message-with-ack",{"a":{"_placeholder":true,"num":0}}]', b"\x01")
    assert await client.receive() == '461-/custom,7[{"a":{"_placeholder":true,"num":0}}]'
    assert await client.receive() == b"\x01"


async def test_a_client_receives_acks_over_polling(server: Server) -> None:
    session = await connected_by_polling(server)
    await session.send(
        '421["message-with-ack","text"]',
        '451-2["message-with-ack",{"_placeholder":true,"num":0}]',
        "bAQID",
    )
    assert await session.receive() == '431["text"]'
    assert await session.receive() == '461-2[{"_placeholder":true,"num":0}]'
    assert await session.receive() == "bAQID"


async def test_a_client_receives_each_ack_under_its_own_id(server: Server) -> None:
    client = await connected(server)
    for ack_id in (3, 1, 2, 3):
        await client.send(f'42{ack_id}["message-with-ack","{ack_id}"]')
    received = [await client.receive() for _ in range(4)]
    assert received == ['433["3"]', '431["1"]', '432["2"]', '433["3"]']


async def test_the_server_ignores_an_ack_that_it_did_not_ask_for(server: Server) -> None:
    client = await connected(server)
    await client.send("43999[]", "430", "43[1]", '461-5[{"_placeholder":true,"num":0}]', b"\x01")
    await assert_echoes(client)


# Upgrade and close


async def test_a_client_stays_connected_through_an_upgrade(server: Server) -> None:
    session = await connected_by_polling(server)
    await session.send('42["message","before"]')
    websocket = await server.connect_websocket({"sid": session.engine_sid})
    await websocket.send("2probe")
    assert await websocket.receive() == "3probe"
    while (packet := await session.receive()) == "6":
        pass
    assert packet == '42["message-back","before"]'
    await websocket.send("5")
    await websocket.send('42["message","after"]')
    assert await websocket.receive() == '42["message-back","after"]'
    await websocket.send('451-3["message-with-ack",{"_placeholder":true,"num":0}]', b"\x01")
    assert await websocket.receive() == '461-3[{"_placeholder":true,"num":0}]'
    assert await websocket.receive() == b"\x01"


async def test_a_client_that_closes_its_polling_session_is_gone(server: Server) -> None:
    session = await connected_by_polling(server)
    poll = await session.start_poll()
    await session.send("1")
    assert (await poll.answer()).text == "6"
    assert error_code(await session.poll()) == 1


async def test_a_polling_client_that_breaks_the_protocol_is_closed(server: Server) -> None:
    session = await connected_by_polling(server)
    poll = await session.start_poll()
    await session.post("42{}")
    assert (await poll.answer()).text == "1"
    assert error_code(await session.poll()) == 1


async def test_a_client_that_does_not_answer_pings_is_closed(pinging_server: Server) -> None:
    client = await connected(pinging_server)
    assert await client.wait_closed_in_silence() == ["2"]
