"""Rooms and flushing: one write per connection and turn, one encoding per group, acks before broadcasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from talkwire.realtime.engine.hub import (
    BROADCAST_LINGER_S,
    BROADCAST_SLICE,
    FEW_ROOMS,
    LARGE_ROOM,
    POLL_CHECK,
    EncodingGroup,
    Hub,
)
from tests.realtime.wires import until_a_turn
from tests.waiting import SteppedClock, deadline, turns, until


class Turns:
    """Counts the turns of the event loop."""

    def __init__(self) -> None:
        self.number = 0
        self._handle = asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self.number += 1
        self._handle = asyncio.get_running_loop().call_soon(self._next)

    def stop(self) -> None:
        self._handle.cancel()


class FakeConnection:
    """Records what is written, and in which turn of the loop."""

    def __init__(self, written: list[tuple[int, FakeConnection, bytes]], turns: Turns) -> None:
        self.out: list[bytes] = []
        self.polling = False
        self.slow = False
        self.flushes = 0
        self.on_write: Callable[[], None] | None = None
        self._written = written
        self._turns = turns

    def write(self, frames: bytes) -> None:
        if self.out or self.polling:
            self.out.append(frames)
            if not self.polling or len(self.out) % POLL_CHECK == 1:
                self.flush()
        else:
            self._note(frames)

    def flush(self) -> None:
        self.flushes += 1
        if self.out and not self.polling:
            frames = b"".join(self.out)
            self.out.clear()
            self._note(frames)

    def is_slow(self) -> bool:
        return self.slow

    def _note(self, frames: bytes) -> None:
        self._written.append((self._turns.number, self, frames))
        on_write, self.on_write = self.on_write, None
        if on_write is not None:
            on_write()


class FakeSocket:
    def __init__(self, group: EncodingGroup, connection: FakeConnection) -> None:
        self.encoding_group = group
        self.connection = connection
        self.rooms: tuple[str, ...] | set[str] = ()
        self.connected = True


class Stage:
    """A hub, its encoding groups, and sockets with connections of their own."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.encoding_group = self.hub.add_encoding_group(EncodingGroup("/", "plain"))
        self.turns = Turns()
        self.written: list[tuple[int, FakeConnection, bytes]] = []

    def connection(self) -> FakeConnection:
        return FakeConnection(self.written, self.turns)

    def socket(self, *rooms: str, encoding_group: EncodingGroup | None = None) -> FakeSocket:
        socket = FakeSocket(encoding_group or self.encoding_group, self.connection())
        for room in rooms:
            self.hub.join(room, socket)
        return socket

    async def quiet(self) -> None:
        """Returns when nothing has been written for a few turns."""
        async with deadline():
            seen = -1
            while seen != len(self.written):
                seen = len(self.written)
                for _ in range(4):
                    await asyncio.sleep(0)

    def texts_of(self, socket: FakeSocket) -> list[bytes]:
        return [text for _, connection, text in self.written if connection is socket.connection]


@pytest.fixture
async def stage() -> Stage:
    return Stage()


async def test_output_of_one_turn_is_written_at_once(stage: Stage) -> None:
    socket = stage.socket("room")
    for text in (b"a", b"b"):
        stage.hub.send(socket.connection, text)
    stage.hub.broadcast("room", lambda _: b"c")
    stage.hub.send(socket.connection, b"d")
    assert stage.written == []
    await stage.quiet()
    assert stage.texts_of(socket) == [b"abcd"]


async def test_an_event_is_encoded_once_for_each_group(stage: Stage) -> None:
    other = stage.hub.add_encoding_group(EncodingGroup("/", "other"))
    empty = stage.hub.add_encoding_group(EncodingGroup("/", "empty"))
    plain = [stage.socket("room") for _ in range(3)]
    fancy = [stage.socket("room", encoding_group=other) for _ in range(3)]
    encoded: list[EncodingGroup] = []

    def encode(group: EncodingGroup) -> bytes:
        encoded.append(group)
        return group.name.encode()

    stage.hub.broadcast("room", encode)
    await stage.quiet()
    assert encoded == [stage.encoding_group, other]
    assert empty not in encoded
    assert [stage.texts_of(socket) for socket in plain] == [[b"plain"]] * 3
    assert [stage.texts_of(socket) for socket in fancy] == [[b"other"]] * 3


async def test_recipients_share_the_frame(stage: Stage) -> None:
    sockets = [stage.socket("room") for _ in range(2)]
    stage.hub.broadcast("room", lambda _: b"frame" * 10)
    await stage.quiet()
    assert stage.texts_of(sockets[0])[0] is stage.texts_of(sockets[1])[0]


async def test_a_group_without_frames_for_an_event_is_skipped(stage: Stage) -> None:
    socket = stage.socket("room")
    stage.hub.broadcast("room", lambda _: b"")
    stage.hub.broadcast_ephemeral("room", lambda _: b"")
    await stage.quiet()
    assert socket.connection.flushes == 0


async def test_answers_are_written_before_broadcasts(stage: Stage) -> None:
    members = [stage.socket("room") for _ in range(3)]
    asker = stage.socket()
    stage.hub.broadcast("room", lambda _: b"event")
    stage.hub.send(asker.connection, b"answer")
    await stage.quiet()
    assert [text for _, _, text in stage.written] == [b"answer", b"event", b"event", b"event"]
    assert len(members) == 3


async def test_a_broadcast_to_a_large_room_is_written_in_slices(stage: Stage) -> None:
    for _ in range(2 * BROADCAST_SLICE + 1):
        stage.socket("room")
    stage.hub.broadcast("room", lambda _: b"event")
    await stage.quiet()
    turns = [turn for turn, _, _ in stage.written]
    assert len(turns) == 2 * BROADCAST_SLICE + 1
    assert len(set(turns)) == 3
    assert max(turns.count(turn) for turn in turns) == BROADCAST_SLICE


@pytest.mark.parametrize("ephemeral", [False, True])
async def test_an_answer_does_not_wait_for_the_slices(stage: Stage, ephemeral: bool) -> None:  # noqa: FBT001
    for _ in range(3 * BROADCAST_SLICE):
        stage.socket("room")
    asker = stage.socket()
    broadcast = stage.hub.broadcast_ephemeral if ephemeral else stage.hub.broadcast
    broadcast("room", lambda _: b"event")
    await asyncio.sleep(0)
    stage.hub.send(asker.connection, b"answer")
    await stage.quiet()
    place = [text for _, _, text in stage.written].index(b"answer")
    assert place <= BROADCAST_SLICE


async def test_an_answer_takes_a_waiting_broadcast_along_in_order(stage: Stage) -> None:
    for _ in range(2 * BROADCAST_SLICE):
        stage.socket("room")
    last = stage.socket("room")
    stage.hub.broadcast("room", lambda _: b"event")
    stage.hub.send(last.connection, b"answer")
    await stage.quiet()
    assert stage.texts_of(last) == [b"eventanswer"]


async def test_ephemeral_events_spare_slow_clients_and_those_that_are_named(stage: Stage) -> None:
    reader, slow, own = [stage.socket("room") for _ in range(3)]
    slow.connection.slow = True
    stage.hub.broadcast_ephemeral("room", lambda _: b"typing", {own})
    await stage.quiet()
    assert [stage.texts_of(socket) for socket in (reader, slow, own)] == [[b"typing"], [], []]


async def test_a_connection_that_fails_does_not_silence_the_others(stage: Stage) -> None:
    class Broken(FakeConnection):
        def flush(self) -> None:
            raise RuntimeError("a bug")

    broken = Broken(stage.written, stage.turns)
    first, last = stage.socket("room"), stage.socket("room")
    stage.hub.send(first.connection, b"a")
    stage.hub.send(broken, b"b")
    stage.hub.send(last.connection, b"c")
    await stage.quiet()
    stage.hub.send(last.connection, b"d")
    await stage.quiet()
    assert (stage.texts_of(first), stage.texts_of(last)) == ([b"a"], [b"c", b"d"])


async def test_the_backlog_of_an_absent_polling_client_is_checked_now_and_then(stage: Stage) -> None:
    socket = stage.socket("room")
    socket.connection.polling = True
    for _ in range(3 * POLL_CHECK):
        stage.hub.broadcast("room", lambda _: b"event")
        await asyncio.sleep(0)
    await stage.quiet()
    assert 3 <= socket.connection.flushes <= 4


async def test_a_socket_joins_and_leaves_once(stage: Stage) -> None:
    socket = stage.socket()
    assert stage.hub.join("room", socket) is True
    assert stage.hub.join("room", socket) is False
    assert stage.hub.sockets_in("room") == [socket]
    assert stage.hub.leave("room", socket) is True
    assert stage.hub.leave("room", socket) is False
    assert stage.hub.sockets_in("room") == []


async def test_empty_rooms_are_forgotten(stage: Stage) -> None:
    socket = stage.socket("a", "b")
    stage.hub.leave_all(socket)
    assert stage.encoding_group.rooms == {}
    assert not socket.rooms


async def test_a_socket_joins_and_leaves_many_rooms(stage: Stage) -> None:
    socket, expected = stage.socket(), set[str]()
    names = [f"room {number}" for number in range(3 * FEW_ROOMS)]
    for name in names:
        assert stage.hub.join(name, socket)
        expected.add(name)
        assert set(socket.rooms) == expected == stage.encoding_group.rooms.keys()
    for name in names:
        assert stage.hub.leave(name, socket)
        expected.discard(name)
        assert set(socket.rooms) == expected == stage.encoding_group.rooms.keys()


async def test_a_socket_that_has_gone_joins_no_room(stage: Stage) -> None:
    socket = stage.socket()
    socket.connected = False
    assert stage.hub.join("room", socket) is False
    assert stage.encoding_group.rooms == {}


async def test_a_broadcast_to_a_large_room_waits_for_one_that_is_on_its_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    SteppedClock(monkeypatch)
    members = [stage.socket("room") for _ in range(LARGE_ROOM)]
    stage.hub.expects_more = lambda: True
    stage.hub.broadcast("room", lambda _: b"a")
    await asyncio.sleep(0)
    assert stage.written == []
    stage.hub.expects_more = lambda: False
    stage.hub.broadcast("room", lambda _: b"b")
    await stage.quiet()
    assert [stage.texts_of(member) for member in members] == [[b"ab"]] * LARGE_ROOM


async def test_a_broadcast_waits_for_nothing_that_does_not_come(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SteppedClock(monkeypatch)
    members = [stage.socket("room") for _ in range(LARGE_ROOM)]
    stage.hub.expects_more = lambda: True
    stage.hub.broadcast("room", lambda _: b"a")
    clock.advance(0.9 * BROADCAST_LINGER_S)
    await turns(10)
    assert stage.written == []
    clock.advance(0.2 * BROADCAST_LINGER_S)
    await until_a_turn(lambda: len(stage.written) == LARGE_ROOM)
    assert [stage.texts_of(member) for member in members] == [[b"a"]] * LARGE_ROOM


async def test_a_broadcast_to_a_small_room_does_not_wait(stage: Stage) -> None:
    member = stage.socket("room")
    stage.hub.expects_more = lambda: True
    stage.hub.broadcast("room", lambda _: b"a")
    await stage.quiet()
    assert stage.texts_of(member) == [b"a"]


async def test_a_socket_that_leaves_receives_a_pending_broadcast(stage: Stage) -> None:
    members = [stage.socket("room") for _ in range(LARGE_ROOM)]
    stage.hub.expects_more = lambda: True
    stage.hub.broadcast("room", lambda _: b"a")
    await asyncio.sleep(0)
    stage.hub.leave("room", members[0])
    late = stage.socket("room")
    stage.hub.broadcast("room", lambda _: b"b")
    await until(lambda: bool(stage.texts_of(late)))
    assert stage.texts_of(members[0]) == [b"a"]
    assert b"".join(stage.texts_of(members[1])) == b"ab"
    assert stage.texts_of(late) == [b"b"]


@pytest.mark.parametrize("urgent", [True, False])
async def test_output_caused_by_writing_is_written_too(stage: Stage, urgent: bool) -> None:  # noqa: FBT001
    listener = stage.socket("other")
    speaker = stage.socket("room")
    speaker.connection.on_write = lambda: stage.hub.broadcast("other", lambda _: b"end of typing")
    if urgent:
        stage.hub.send(speaker.connection, b"a")
    else:
        stage.hub.broadcast("room", lambda _: b"a")
    await stage.quiet()
    assert stage.texts_of(listener) == [b"end of typing"]


async def test_an_answer_does_not_wait_with_a_broadcast(stage: Stage) -> None:
    for _ in range(LARGE_ROOM):
        stage.socket("room")
    speaker, listener = stage.socket(), stage.socket()
    speaker.connection.on_write = lambda: stage.hub.broadcast("room", lambda _: b"event")
    stage.hub.expects_more = lambda: True
    stage.hub.send(speaker.connection, b"a")
    stage.hub.send(listener.connection, b"b")
    await asyncio.sleep(0)
    assert (stage.texts_of(speaker), stage.texts_of(listener)) == ([b"a"], [b"b"])
    await until(lambda: len(stage.written) == 2 + LARGE_ROOM)
