"""Requests for sessions of other nodes, byte for byte, over nodes without a database."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Opcode

from talkwire.core.domain.nodes.peer import Peer
from talkwire.realtime.forwarding.peer_auth import HEADER, ForwardedHead, PeerAuth
from talkwire.realtime.socketio.socket_server import Namespace
from tests.realtime.conftest import MAX_PAYLOAD, RecordingServer
from tests.realtime.frames import BINARY, frame, masked_text
from tests.realtime.linked import SECRET, LinkedNode, linked, node_id
from tests.realtime.wires import OPEN, UPGRADE, Wire, served
from tests.waiting import deadline, until

PATH = "/socket.io/?EIO=4&transport=polling"
HOST = {"Host": "127.0.0.1"}
UNKNOWN = b'{"code":1,"message":"Session ID unknown"}'

Connect = Callable[[LinkedNode], Awaitable[Wire]]


@pytest.fixture
async def nodes(engine: RecordingServer, root: Namespace) -> AsyncIterator[tuple[LinkedNode, LinkedNode]]:
    """The one that has the sessions, and another."""
    async with linked([engine, RecordingServer()]) as (owner, other):
        yield owner, other


@pytest.fixture
def owner(nodes: tuple[LinkedNode, LinkedNode]) -> LinkedNode:
    return nodes[0]


@pytest.fixture
def other(nodes: tuple[LinkedNode, LinkedNode]) -> LinkedNode:
    return nodes[1]


@pytest.fixture
async def connect(nodes: tuple[LinkedNode, LinkedNode]) -> AsyncIterator[Connect]:
    wires: list[Wire] = []

    async def connect(node: LinkedNode) -> Wire:
        wires.append(await Wire.to(node.port))
        return wires[-1]

    yield connect
    for wire in wires:
        await wire.close()


async def opened(wire: Wire) -> str:
    """The target of a new session that polls."""
    _, _, body = await wire.request(PATH, HOST)
    return f"{PATH}&sid={json.loads(body[1:])['sid']}"


def upgrading(target: str) -> str:
    return target.replace("polling", "websocket")


async def post(wire: Wire, target: str, body: str) -> tuple[int, bytes]:
    status, _, answer = await wire.request(target, HOST, "POST", body.encode())
    return status, answer


async def signed_in(owner: Wire, other: Wire) -> str:
    """Returns the target of a session in the root namespace; all its requests after the handshake arrive at the other
    node.
    """
    target = await opened(owner)
    assert await post(other, target, "40") == (200, b"ok")
    assert (await other.request(target, HOST))[2].startswith(b"40{")
    return target


async def upgraded(wire: Wire, target: str) -> Wire:
    """The same connection as a WebSocket that carries the session."""
    status, _, _ = await wire.request(upgrading(target), UPGRADE)
    assert status == 101
    await wire.say("2probe")
    assert await wire.text() == "3probe"
    await wire.say("5")
    return wire


async def tunneled(connect: Connect, owner: LinkedNode, other: LinkedNode) -> Wire:
    """A WebSocket to the other node that carries a session."""
    wire = await upgraded(await connect(other), await signed_in(await connect(owner), await connect(other)))
    await until(lambda: not owner.engine.connections[-1].polling)
    return wire


# --- polls ----------------------------------------------------------------------------------------------------------


async def test_polls_reach_their_session_through_another_node(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    here, there = await connect(owner), await connect(other)
    target = await signed_in(here, there)
    for number, wire in enumerate((there, here, there)):
        assert await post(wire, target, f'42{number}["echo"]') == (200, b"ok")
        assert (await wire.request(target, HOST))[2] == f"43{number}[]".encode()
    assert other.engine.metrics.forwarded_polls == 6


async def test_a_request_without_a_host_is_passed_on(connect: Connect, owner: LinkedNode, other: LinkedNode) -> None:
    """HTTP/1.0 does not require the header, and the request to the owner is HTTP/1.1."""
    here, there = await connect(owner), await connect(other)
    target = await opened(here)
    there.writer.write(f"POST {target} HTTP/1.0\r\nContent-Length: 2\r\n\r\n40".encode())
    assert (await there.answer())[0] == 200
    assert (await here.request(target, HOST))[2].startswith(b"40{")


async def test_a_passed_poll_waits_for_something_to_say(connect: Connect, owner: LinkedNode, other: LinkedNode) -> None:
    target = await signed_in(await connect(owner), await connect(other))
    waiting = await connect(other)
    await waiting.begin(target, HOST)
    await until(lambda: owner.engine.connections[0].session.poll_pending)
    assert await post(await connect(owner), target, '421["echo",1]') == (200, b"ok")
    assert (await waiting.answer())[2] == b"431[1]"


async def test_a_passed_poll_that_was_given_up_ends_its_session(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    target = await signed_in(await connect(owner), await connect(other))
    waiting = await connect(other)
    await waiting.begin(target, HOST)
    await until(lambda: owner.engine.connections[0].session.poll_pending)
    await waiting.close()
    await until(lambda: not owner.engine.connections)


async def test_the_connections_of_the_link_are_used_again(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    there = await connect(other)
    target = await signed_in(await connect(owner), there)
    [[kept]] = other.forwarder._pool._idle.values()
    for number in range(5):
        await post(there, target, f'42{number}["echo"]')
        await there.request(target, HOST)
    assert other.forwarder._pool._idle == {owner.peer.address: [kept]}


async def test_a_body_over_the_limit_is_not_forwarded(connect: Connect, owner: LinkedNode, other: LinkedNode) -> None:
    there = await connect(other)
    target = await signed_in(await connect(owner), there)
    other.engine.options = owner.engine.options
    assert (await post(there, target, "4" + "x" * MAX_PAYLOAD))[0] == 413
    text = "ä" * (MAX_PAYLOAD // 2 - 20)
    assert await post(there, target, f'421["echo","{text}"]') == (200, b"ok")
    assert json.loads((await there.request(target, HOST))[2][3:]) == [text]


async def test_an_answer_is_handed_back_with_its_headers_each_once(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    page = {**HOST, "Origin": "http://localhost:5173", "Accept-Encoding": "gzip"}
    there = await connect(other)
    target = await signed_in(await connect(owner), there)
    await post(there, target, f'421["echo","{"x" * 2000}"]')
    await there.begin(target, page)
    head = await there.reader.readuntil(b"\r\n\r\n")
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line]
    assert len(names) == len(set(names)), head
    assert b"access-control-allow-origin: http://localhost:5173" in head
    assert b"content-encoding: gzip" in head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert gzip.decompress(await there.reader.readexactly(length)) == b'431["' + b"x" * 2000 + b'"]'


async def test_the_owner_judges_the_origin_of_the_page_by_what_the_client_asked_for(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    there = await connect(other)
    target = await signed_in(await connect(owner), there)
    evil = {**HOST, "Origin": "https://evil.example"}
    assert (await there.request(target, evil))[::2] == (403, b'{"code":4,"message":"Forbidden"}')
    own = {"Host": "chat.example.com", "Origin": "https://chat.example.com"}
    assert (await there.request(target, own, "POST", b'421["echo"]'))[0] == 200


async def test_other_methods_are_answered_where_they_come(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    target = await opened(await connect(owner))
    there = await connect(other)
    assert (await there.request(target, HOST, "OPTIONS"))[0] == 204
    assert (await there.request(target, HOST, "PUT"))[0] == 400
    assert other.engine.metrics.forwarded_polls == 0


async def forwarded_by_hand(wire: Wire, target: str, owner: LinkedNode) -> bytes:
    """Returns the response to a poll as another node requests it. The confirmation is not sent yet."""
    await wire.begin(target, {**HOST, **seal(target, owner), "Content-Length": "1"})
    status, _, body = await wire.answer()
    assert status == 200
    return body


async def test_an_answer_that_is_lost_on_its_way_ends_the_session(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    here = await connect(owner)
    target = await signed_in(here, await connect(other))
    await post(here, target, '421["echo",1]')
    async with at_the_link(owner) as lost:
        assert await forwarded_by_hand(lost, target, owner) == b"431[1]"
        # A proxy that has lost the connection to that node asks again, and its client knows nothing of that.
        await here.begin(target, HOST)
        await until(lambda: not owner.engine.connections[0].session.poll_pending)
    assert (await here.answer())[0] == 400
    assert owner.engine.connections == []


async def test_a_confirmed_answer_leaves_the_session_and_the_link_as_they_were(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    here = await connect(owner)
    target = await signed_in(here, await connect(other))
    async with at_the_link(owner) as wire:
        for number in range(3):
            await post(here, target, f'42{number}["echo"]')
            assert await forwarded_by_hand(wire, target, owner) == f"43{number}[]".encode()
            await here.begin(target, HOST)
            wire.writer.write(b"1")
            await until(lambda: owner.engine.connections[0].session.poll_pending)
            await post(await connect(owner), target, '429["echo"]')
            assert (await here.answer())[2] == b"439[]"


# --- nobody has the session -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine_sid", ["x", "x" * 20, "x" * 20 + node_id(9), "x" * 20 + node_id(1)])
async def test_an_unknown_session_is_unknown_everywhere(connect: Connect, other: LinkedNode, engine_sid: str) -> None:
    there = await connect(other)
    assert (await there.request(f"{PATH}&sid={engine_sid}", HOST))[::2] == (400, UNKNOWN)
    assert await post(there, f"{PATH}&sid={engine_sid}", "40") == (400, UNKNOWN)
    status, headers, body = await there.request(upgrading(f"{PATH}&sid={engine_sid}"), UPGRADE)
    assert (status, headers["content-type"], body) == (400, "application/json", UNKNOWN)
    await there.ended()


async def test_a_node_that_does_not_accept_has_no_sessions(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    target = await opened(await connect(owner))
    other.peers.set_peers([Peer(owner.node_id, "127.0.0.1:1")])
    there = await connect(other)
    assert (await there.request(target, HOST))[::2] == (400, UNKNOWN)
    assert (await there.request(upgrading(target), UPGRADE))[::2] == (400, UNKNOWN)
    assert other.engine.metrics.broken_links == 2


async def test_a_node_that_has_come_to_anothers_address_has_not_its_sessions(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    await opened(await connect(owner))
    other.peers.set_peers([Peer(node_id(7), owner.peer.address)])
    there = await connect(other)
    target = f"{PATH}&sid={'x' * 20}{node_id(7)}"
    assert (await there.request(target, HOST))[::2] == (400, UNKNOWN)
    assert (await there.request(upgrading(target), UPGRADE))[::2] == (400, UNKNOWN)


async def test_running_requests_to_a_node_without_a_lease_end(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    polling = await connect(other)
    target = await signed_in(await connect(owner), polling)
    await polling.begin(target, HOST)
    await until(lambda: owner.engine.connections[0].session.poll_pending)
    wire = await tunneled(connect, owner, other)
    other.peers.set_peers([])
    assert (await polling.answer())[::2] == (400, UNKNOWN)
    await wire.ended()


async def test_a_poll_whose_node_is_lost_meanwhile_is_answered(connect: Connect, other: LinkedNode) -> None:
    ours = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        ours.set()
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        other.peers.set_peers([Peer(node_id(7), f"127.0.0.1:{port}")])
        there = await connect(other)
        assert (await there.request(f"{PATH}&sid={'x' * 20}{node_id(7)}", HOST))[::2] == (400, UNKNOWN)
    assert ours.is_set()


# --- WebSockets -----------------------------------------------------------------------------------------------------


async def test_a_session_is_upgraded_through_another_node(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    wire = await tunneled(connect, owner, other)
    await wire.say('421["echo","through"]')
    assert await wire.text() == '431["through"]'
    assert len(other.forwarder.tunnels) == 1
    assert other.engine.metrics.forwarded_websockets == 1


async def test_frames_that_come_with_the_head_of_the_upgrade_go_through(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    target = await signed_in(await connect(owner), await connect(other))
    wire = await connect(other)
    lines = [f"GET {upgrading(target)} HTTP/1.1", *(f"{name}: {value}" for name, value in UPGRADE.items()), "", ""]
    await wire.send("\r\n".join(lines).encode() + masked_text("2probe"))
    assert (await wire.answer())[0] == 101
    assert await wire.text() == "3probe"


async def test_binary_goes_through_as_it_is(connect: Connect, owner: LinkedNode, other: LinkedNode) -> None:
    wire = await tunneled(connect, owner, other)
    data = bytes(range(256)) * 30
    await wire.send(masked_text('451-7["echo",{"_placeholder":true,"num":0}]'), frame(BINARY, data))
    assert await wire.text() == '461-7[{"_placeholder":true,"num":0}]'
    assert await wire.frame() == (Opcode.BINARY, data)


async def test_frames_in_pieces_and_many_at_once_go_through(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    wire = await tunneled(connect, owner, other)
    sent = b"".join(masked_text(f'42{number}["echo",{number}]') for number in range(200))
    for start in range(0, len(sent), 7):
        wire.writer.write(sent[start : start + 7])
        if start % 700 == 0:
            await wire.writer.drain()
            await asyncio.sleep(0)
    assert [await wire.text() for _ in range(200)] == [f"43{number}[{number}]" for number in range(200)]


async def test_a_client_that_leaves_takes_its_session_along(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    wire = await tunneled(connect, owner, other)
    wire.writer.transport.abort()
    await until(lambda: not owner.engine.connections and not other.forwarder.tunnels)


async def test_the_last_words_of_a_client_arrive(
    connect: Connect, owner: LinkedNode, other: LinkedNode, root: Namespace
) -> None:
    received: list[object] = []
    root.on("farewell")(lambda _, text: received.append(text))
    wire = await tunneled(connect, owner, other)
    await wire.say('42["farewell","thanks"]')
    wire.writer.write_eof()
    await until(lambda: not owner.engine.connections)
    assert received == ["thanks"]
    await wire.ended()


async def test_a_sessions_end_is_forwarded_to_its_client(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    wire = await tunneled(connect, owner, other)
    owner.engine.connections[0].close_gracefully()
    assert await wire.close_code() == 1001
    await wire.close()
    await until(lambda: not other.forwarder.tunnels)


async def test_a_stopping_node_ends_forwarded_sessions(connect: Connect, owner: LinkedNode, other: LinkedNode) -> None:
    wire = await tunneled(connect, owner, other)
    polling = await connect(other)
    await polling.begin(await signed_in(await connect(owner), await connect(other)), HOST)
    await until(lambda: any(each.session.poll_pending for each in owner.engine.connections))
    other.engine.shut_down()
    await wire.ended()
    assert (await polling.answer())[::2] == (400, UNKNOWN)
    await until(lambda: not owner.engine.connections)


async def test_a_client_that_does_not_read_holds_its_owner_back_and_is_cut_off_there(
    connect: Connect, owner: LinkedNode, other: LinkedNode, root: Namespace
) -> None:
    wire = await tunneled(connect, owner, other)
    [tunnel] = other.forwarder.tunnels
    held = 0
    sent = 0
    for _ in range(100_000):
        if not owner.engine.connections:
            break
        root.emit("news", "x" * 60_000)
        sent += 60_000
        if tunnel.client.transport is not None:
            held = max(held, tunnel.client.transport.get_write_buffer_size())
        await asyncio.sleep(0)
    assert owner.engine.metrics.slow_connections == 1
    # Above a transport's high-water mark, one more read of the other side may be buffered.
    assert 0 < held < 512 * 1024 < sent
    wire.writer.transport.abort()


async def test_an_owner_that_does_not_read_holds_the_client_back(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    wire = await tunneled(connect, owner, other)
    carrying = owner.engine.connections[0].websocket
    assert carrying is not None
    carrying.set_reading(False)
    [tunnel] = other.forwarder.tunnels
    assert tunnel.client.transport is not None
    one = masked_text(f'42["echo","{"x" * 9000}"]')
    written = 0
    while tunnel.client.transport.is_reading():
        wire.writer.write(one)
        written += len(one)
        await asyncio.sleep(0)
    assert tunnel.owner is not None
    assert tunnel.owner.transport is not None
    assert tunnel.owner.transport.get_write_buffer_size() < 512 * 1024
    carrying.set_reading(True)
    await until(tunnel.client.transport.is_reading)


# --- the socket for other nodes -------------------------------------------------------------------------------------


@asynccontextmanager
async def at_the_link(node: LinkedNode) -> AsyncIterator[Wire]:
    wire = await Wire.to(node.internal_port)
    try:
        yield wire
    finally:
        await wire.close()


def seal(target: str, owner: LinkedNode, method: str = "GET", address: str = "192.0.2.1") -> dict[str, str]:
    link = PeerAuth(SECRET, node_id(2))
    return {HEADER: link.seal(ForwardedHead.of(method, target, address, {"host": "127.0.0.1"}), owner.node_id)}


async def test_unsealed_requests_are_refused(connect: Connect, owner: LinkedNode) -> None:
    target = await opened(await connect(owner))
    for headers in ({}, seal(target, owner, "POST"), {HEADER: "192.0.2.1 " + "0" * 64}):
        async with at_the_link(owner) as wire:
            assert (await wire.request(target, {**HOST, **headers}))[0] == 403
            assert (await wire.request(upgrading(target), {**UPGRADE, **headers}))[0] == 403
    async with at_the_link(owner) as wire:
        assert (await wire.request(OPEN, UPGRADE))[0] == 403
    assert len(owner.engine.connections) == 1


async def test_only_requests_of_nodes_are_served_on_the_internal_port(owner: LinkedNode) -> None:
    async with at_the_link(owner) as wire:
        for path in ("/", "/api/v1/users/me", "/readyz", "/docs"):
            assert (await wire.request(path, {**HOST, **seal(path, owner)}))[0] == 403
        for path in ("/healthz", "/metrics"):
            assert (await wire.request(path, HOST))[::2] == (200, b"ok")


async def test_a_seal_opens_what_it_was_made_for_and_no_other_session(connect: Connect, owner: LinkedNode) -> None:
    mine, yours = await opened(await connect(owner)), await opened(await connect(owner))
    async with at_the_link(owner) as wire:
        assert (await wire.request(mine, {**HOST, **seal(yours, owner, "POST")}, "POST", b"40"))[0] == 403
        assert (await wire.request(mine, {**HOST, **seal(mine, owner, "POST")}, "POST", b"40"))[0] == 200


async def test_a_forwarded_request_is_not_forwarded_again(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    target = await opened(await connect(owner))
    async with at_the_link(other) as wire:
        assert (await wire.request(target, {**HOST, **seal(target, other)}))[::2] == (400, UNKNOWN)
        assert (await wire.request(upgrading(target), {**UPGRADE, **seal(upgrading(target), other)}))[0] == 400
    assert other.engine.metrics.forwarded_polls == other.engine.metrics.forwarded_websockets == 0


async def test_a_seal_means_nothing_on_the_socket_for_clients(
    connect: Connect, owner: LinkedNode, other: LinkedNode
) -> None:
    here, there = await connect(owner), await connect(other)
    target = await opened(here)
    forged = {**HOST, HEADER: "192.0.2.1 0000"}
    assert (await here.request(target, forged, "POST", b"40"))[0] == 200
    assert (await there.request(target, {**forged, **seal(target, owner)}))[0] == 200
    status, _, _ = await there.request(upgrading(target), {**UPGRADE, **forged})
    assert status == 101


# --- a node that is alone -------------------------------------------------------------------------------------------


async def test_a_single_node_forwards_nothing(engine: RecordingServer, root: Namespace) -> None:
    async with served(engine) as port:
        wire = await Wire.to(port)
        _, _, body = await wire.request(PATH, HOST)
        assert len(json.loads(body[1:])["sid"]) == 20
        async with deadline():
            assert (await wire.request(f"{PATH}&sid={'x' * 20}{node_id(1)}", HOST))[::2] == (400, UNKNOWN)
        await wire.close()
