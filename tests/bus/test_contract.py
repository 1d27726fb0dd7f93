"""What the core may expect of a bus, of each kind, over real servers; and what becomes of it when they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial

import msgspec
import pytest
from structlog.testing import capture_logs

from talkwire.bus import postgresql
from talkwire.bus.carried import BusTransport, Published, TransportBus
from talkwire.bus.memory import MemoryBus
from talkwire.core.domain.events import CustomEvent, MessageSent, TypingChanged, UserCreated
from talkwire.core.domain.model import Message, User
from talkwire.core.ports.bus import AnyBusMessage, CommittedBatch, EphemeralBatch, PeerAnswer, PeerQuestion
from tests.bus.networks import (
    FailingNetwork,
    Member,
    MemoryNetwork,
    Network,
    PostgresNetwork,
    ValkeyNetwork,
    let_answers_take_long,
)
from tests.databases import PostgresServer, postgresql_server
from tests.valkey_server import ValkeyServer, valkey_server
from tests.waiting import deadline, pause, turns, until


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@pytest.fixture(scope="module")
def failing_postgresql() -> Iterator[PostgresServer]:
    """Of this module's own, since tests end it."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
async def failing(request: pytest.FixtureRequest) -> AsyncIterator[FailingNetwork]:
    network: FailingNetwork
    if request.param == "valkey":
        network = ValkeyNetwork(request.getfixturevalue("valkey"))
    else:
        network = PostgresNetwork(request.getfixturevalue("failing_postgresql"), "postgres")
    yield network
    await network.close()


@pytest.fixture(params=["memory", "valkey", "postgresql"])
async def network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    """Works throughout a test."""
    let_answers_take_long(monkeypatch)
    network: Network
    if request.param == "memory":
        network = MemoryNetwork()
    elif request.param == "valkey":
        network = ValkeyNetwork(request.getfixturevalue("valkey"))
    else:
        network = PostgresNetwork(request.getfixturevalue("failing_postgresql"), "postgres")
    yield network
    await network.close()


@pytest.fixture
async def members(network: Network) -> list[Member]:
    """Three nodes of one log."""
    return [await network.member() for _ in range(3)]


def notified(number: int, payload: object = None, sender: str = "a") -> EphemeralBatch:
    return EphemeralBatch(sender, (CustomEvent(f"event-{number}", payload, user_id="alice"),))


def names(received: list[AnyBusMessage]) -> list[str]:
    return [
        event.name
        for batch in received
        if isinstance(batch, EphemeralBatch)
        for event in batch.events
        if type(event) is CustomEvent
    ]


def message_sent(pos: int) -> MessageSent:
    return MessageSent(pos, 0, Message(pos, "c", pos, "alice", "Alice", "Hello", 0))


def positions(received: Sequence[AnyBusMessage]) -> list[int]:
    """Returns the positions of the received transactions."""
    return [batch.pos for batch in received if isinstance(batch, CommittedBatch)]


each_failing = pytest.mark.parametrize("failing", ["valkey", "postgresql"], indirect=True)


# --- what arrives -----------------------------------------------------------------------------------------------------


async def test_members_receive_each_message_once_in_the_order_of_sending(members: list[Member]) -> None:
    one, *others = members
    for number in range(2000):
        one.bus.send(notified(number))
        if number % 70 == 0:
            await asyncio.sleep(0)
    for other in others:
        await other.until(lambda received: len(received) >= 2000)
        assert names(other.received) == [f"event-{number}" for number in range(2000)]


def _has(count: int, received: Sequence[AnyBusMessage]) -> bool:
    return len(received) >= count


async def test_messages_to_some_members_reach_these_in_order_with_those_to_all(
    network: Network, members: list[Member]
) -> None:
    one, two, three = members
    receivers = None, (two.node_id,), (three.node_id, two.node_id), (three.node_id,)
    for number in range(200):
        one.bus.send(notified(number), receivers[number % 4])
    for member in (two, three):
        expected = [
            number
            for number in range(200)
            if isinstance(network, PostgresNetwork) or member.node_id in (receivers[number % 4] or (member.node_id,))
        ]
        await member.until(partial(_has, len(expected)))
        assert names(member.received) == [f"event-{number}" for number in expected]


async def test_many_messages_to_different_members_are_sent_together(
    network: Network, members: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, _ = members
    assert isinstance(one.bus, TransportBus | MemoryBus)
    calls: list[int] = []
    if isinstance(one.bus, TransportBus):
        carrier = one.bus._carrier
        publish = carrier.publish

        async def count(parcels: Sequence[Published]) -> None:
            calls.append(len(parcels))
            await publish(parcels)

        monkeypatch.setattr(carrier, "publish", count)
    for number in range(1000):
        one.bus.send(notified(number), (two.node_id, str(number % 7)))
    await two.until(partial(_has, 1000))
    assert names(two.received) == [f"event-{number}" for number in range(1000)]
    assert len(calls) <= 15


async def test_compressed_messages_and_events_arrive(network: Network) -> None:
    one, two = [await network.member() for _ in range(2)]
    two.bus.send(EphemeralBatch(two.node_id, ()), (one.node_id,))
    await one.until(bool)
    one.compresses = True
    one.bus.send(notified(1), (two.node_id,))
    one.bus.send(notified(2))
    one.bus.announce(CommittedBatch(one.node_id, 0, 1, (message_sent(1),)), [7])
    await two.until(lambda received: positions(received) == [1] and names([*received]) == ["event-1", "event-2"])


async def test_announced_events_reach_the_members_that_need_them(network: Network, members: list[Member]) -> None:
    one, two, three = members
    two.needed, three.needed = {7}, set()
    for member in members:
        member.bus.send(notified(0, sender=member.node_id))  # so that all know each other
    for member in members:
        await member.until(lambda received: len({batch.node_id for batch in received}) >= 2)
    count = 300
    for pos in range(1, count + 1):
        batch = CommittedBatch(one.node_id, pos - 1, pos, (message_sent(pos),))
        one.bus.announce(batch, [pos % 3 + 6])
        if pos % 70 == 0:
            await pause(0.01)
    if isinstance(network, PostgresNetwork):  # it announces nothing
        await three.until(lambda received: positions(received)[-1:] == [count])
        return
    await three.until(lambda _: len(three.announced) == count)
    await two.until(lambda received: len(positions(received)) == count // 3)
    assert positions(two.received) == list(range(1, count + 1, 3))
    assert positions(three.received) == []
    assert [each.pos for each in three.announced] == list(range(1, count + 1))
    assert {(each.node_id, each.conversation_hash) for each in three.announced} == {(one.node_id, n) for n in (6, 7, 8)}
    assert one.announced == []


async def test_a_node_that_was_sent_a_message_alone_is_known_by_its_announcements(network: Network) -> None:
    if isinstance(network, PostgresNetwork):
        pytest.skip("it announces nothing")
    one, two = [await network.member() for _ in range(2)]
    two.bus.send(EphemeralBatch(two.node_id, ()), (one.node_id,))
    await one.until(bool)
    one.bus.announce(CommittedBatch(one.node_id, 0, 1, (message_sent(1),)), [7])
    await two.until(lambda received: positions(received) == [1])


async def test_a_choice_that_fails_does_not_end_the_listening(network: Network) -> None:
    if not isinstance(network, ValkeyNetwork):
        pytest.skip("the loop itself reports it, or nothing is announced")
    one, two = [await network.member() for _ in range(2)]
    two.fails = True
    two.bus.send(EphemeralBatch(two.node_id, ()), (one.node_id,))
    await one.until(bool)
    one.bus.announce(CommittedBatch(one.node_id, 0, 1, (message_sent(1),)), [7])
    await until(lambda: len(two.announced) == 1)
    two.fails = False
    one.bus.announce(CommittedBatch(one.node_id, 1, 2, (message_sent(2),)), [7])
    await two.until(lambda received: positions(received) == [2])


async def test_simultaneous_messages_of_all_members_reach_all_others(members: list[Member]) -> None:
    for number in range(300):
        for index, member in enumerate(members):
            member.bus.send(notified(number, sender=f"node-{index}"))
    for index, member in enumerate(members):
        await member.until(lambda received: len({(batch.node_id, *names([batch])) for batch in received}) >= 600)
        for other in {0, 1, 2} - {index}:
            from_other = [batch for batch in member.received if batch.node_id == f"node-{other}"]
            assert names(from_other) == [f"event-{number}" for number in range(300)]


async def test_a_senders_own_messages_do_not_return_as_those_of_another_node(members: list[Member]) -> None:
    one, two, _ = members
    one.bus.send(notified(1, sender="one"))
    await two.until(lambda received: len(received) == 1)
    two.bus.send(notified(2, sender="two"))
    await one.until(lambda received: any(batch.node_id == "two" for batch in received))
    assert {batch.node_id for batch in one.received} <= {"one", "two"}
    assert [batch for batch in one.received if batch.node_id == "two"] == [notified(2, sender="two")]


@pytest.mark.parametrize(
    "payload",
    [
        "x" * 65_536,
        "\x00 \U0001f389 ﷽ \x7f",
        b"\x00\xff" * 32_768,
        {"blob": b"\x80", "list": [1, None, True, 1.5, {"\x00": ""}]},
        {"long": [10**30, -(10**25), 2**64 - 1, -(2**63)]},
        "é" * 300_000,
        None,
    ],
    ids=["64 KiB", "text", "bytes", "nested", "long numbers", "600 KB", "nothing"],
)
async def test_any_payload_arrives_as_it_is(members: list[Member], payload: object) -> None:
    one, two, _ = members
    one.bus.send(notified(1, payload))
    one.bus.send(notified(2))
    await two.until(lambda received: len(received) == 2)
    assert two.received == [notified(1, payload), notified(2)]


async def test_questions_and_answers_arrive(members: list[Member]) -> None:
    one, two, _ = members
    body = msgspec.msgpack.encode({"how many": 3})
    question = PeerQuestion("a", "q1", "count", msgspec.Raw(body))
    answer = PeerAnswer("a", "q1", "b", msgspec.Raw(body))
    one.bus.send(question)
    one.bus.send(answer)
    await two.until(lambda received: len(received) == 2)
    first, second = two.received
    assert isinstance(first, PeerQuestion)
    assert isinstance(second, PeerAnswer)
    assert (first.id, first.topic, first.to, bytes(first.body)) == ("q1", "count", None, body)
    assert (second.id, second.to, bytes(second.body)) == ("q1", "b", body)


def committed(start_pos: int) -> CommittedBatch:
    user = User("bob", "Bob \U0001f389", 5)
    message = Message(10**12, "c", 1, "bob", "Bob", "Hello\x00", 6, metadata={"n": 10**18, "list": [None, 1.5]})
    return CommittedBatch(
        "a", start_pos, start_pos + 2, (UserCreated(start_pos + 1, 5, user), MessageSent(start_pos + 2, 6, message))
    )


async def test_committed_batches_are_received(members: list[Member]) -> None:
    one, two, _ = members
    one.bus.send(committed(7))
    one.bus.send(committed(9))
    await two.until(
        lambda received: bool(received) and isinstance(received[-1], CommittedBatch) and received[-1].pos == 11
    )
    if two.bus.includes_events:
        assert two.received == [committed(7), committed(9)]
    else:
        # The newest position stands for all events before it.
        assert all(isinstance(batch, CommittedBatch) and batch.events is None for batch in two.received)


async def test_two_logs_on_one_server_receive_nothing_of_each_other(members: list[Member], network: Network) -> None:
    one, two, _ = members
    stranger = await network.member("another log")
    neighbour = await network.member("another log")
    stranger.bus.send(notified(1))
    await neighbour.until(lambda received: len(received) == 1)
    one.bus.send(notified(2))
    await two.until(lambda received: len(received) == 1)
    assert (stranger.received, neighbour.received, two.received) == ([], [notified(1)], [notified(2)])


async def test_sent_and_received_messages_are_counted(members: list[Member]) -> None:
    one, two, _ = members
    for number in range(5):
        one.bus.send(notified(number))
    await two.until(lambda received: len(received) == 5)
    assert two.bus.counts.received == 5
    await until(lambda: one.bus.counts.sent == 5)  # it may have arrived before that is known here
    assert one.bus.counts.dropped == 0


# --- beginning and end ------------------------------------------------------------------------------------------------


async def test_a_started_bus_is_connected_and_receives_what_is_sent_from_then_on(network: Network) -> None:
    one, two = [await network.member() for _ in range(2)]
    assert (one.bus.is_disconnected, two.bus.is_disconnected) == (False, False)
    one.bus.send(notified(1))
    await two.until(lambda received: len(received) == 1)


async def test_a_closed_bus_leaves_no_task_and_receives_nothing(network: Network) -> None:
    before = asyncio.all_tasks()
    one, two = [await network.member() for _ in range(2)]
    for number in range(100):
        one.bus.send(notified(number))
    await two.bus.close()
    received = len(two.received)
    one.bus.send(notified(100))
    await one.bus.close()
    assert asyncio.all_tasks() == before
    assert len(two.received) == received
    assert two.bus.is_disconnected


@each_failing
async def test_no_connection_is_left_at_the_end(failing: FailingNetwork) -> None:
    await until(lambda: failing.listening() == 0)
    one = await failing.member()
    await until(lambda: failing.listening() == 1)
    await one.bus.close()
    await until(lambda: failing.listening() == 0)


# --- when it fails ----------------------------------------------------------------------------------------------------


async def talks_again(one: Member, two: Member) -> None:
    """Checks that both receive from each other and count as connected. Messages sent before a failure was noticed are
    lost.
    """
    for speaker, listener in ((one, two), (two, one)):
        await until(partial(_is_received, speaker, listener))
    await until(lambda: not one.bus.is_disconnected and not two.bus.is_disconnected)


def _is_received(speaker: Member, listener: Member) -> bool:
    """Returns whether the listener has received an event of the speaker, and sends the event once more."""
    speaker.bus.send(notified(1001))
    return "event-1001" in names(listener.received)


async def send_while_away(member: Member) -> None:
    """Sends more than the queue holds."""
    payload = "x" * 500_000
    for number in range(200):
        member.bus.send(notified(number, payload))
        member.bus.send(committed(number))
        if number % 20 == 0:
            await turns(3)


@each_failing
@pytest.mark.parametrize("fault", ["gone", "paused"])
async def test_a_bus_is_disconnected_while_its_server_fails(failing: FailingNetwork, fault: str) -> None:
    before = asyncio.all_tasks()
    one, two = [await failing.member() for _ in range(2)]
    with getattr(failing, fault)():
        await until(lambda: one.bus.is_disconnected and two.bus.is_disconnected)
        await send_while_away(one)
    await talks_again(one, two)
    assert one.bus.counts.dropped > 0
    for member in (one, two):
        await member.bus.close()
    assert asyncio.all_tasks() == before


@each_failing
@pytest.mark.parametrize("fault", ["gone", "paused"])
async def test_the_queue_for_a_failing_server_is_bounded(failing: FailingNetwork, fault: str) -> None:
    one = await failing.member()
    bus = one.bus
    assert isinstance(bus, TransportBus)
    with getattr(failing, fault)():
        await until(lambda: bus.is_disconnected)
        payload = "x" * 500_000
        for number in range(200):
            one.bus.send(notified(number, payload))
        assert bus._outgoing._size <= 16 << 20  # a private attribute, since nothing public shows the size of the queue


@each_failing
async def test_listeners_whose_connection_is_cut_come_back(failing: FailingNetwork) -> None:
    one, two = [await failing.member() for _ in range(2)]
    for _ in range(3):
        failing.cut()
        await talks_again(one, two)
        one.received.clear()
        two.received.clear()


@pytest.mark.parametrize(
    ("idle_ms", "words"),
    [
        (0, "terminating connection due to administrator command"),
        (100, "terminating connection due to idle-session timeout"),
    ],
)
async def test_a_warning_has_postgresqls_words_for_the_end_of_a_listening_connection(
    failing_postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch, idle_ms: int, words: str
) -> None:
    let_answers_take_long(monkeypatch)
    monkeypatch.setattr(postgresql, "_SET", f"SELECT set_config('idle_session_timeout', '{idle_ms}', false)")
    network = PostgresNetwork(failing_postgresql, "postgres")
    with capture_logs() as logs:
        await network.member()
        if not idle_ms:
            network.cut()
        await until(lambda: any(log["event"] == "bus_disconnected" for log in logs))
    assert next(log["error"] for log in logs if log["event"] == "bus_disconnected") == words
    await network.close()


@each_failing
async def test_a_bus_that_starts_without_its_server_connects_later(failing: FailingNetwork) -> None:
    with failing.gone():
        one, two = [await failing.member() for _ in range(2)]
        assert one.bus.is_disconnected
        one.bus.send(notified(1))
    await talks_again(one, two)


@each_failing
@pytest.mark.parametrize("fault", ["gone", "paused"])
async def test_a_bus_can_be_closed_while_the_server_fails(failing: FailingNetwork, fault: str) -> None:
    before = asyncio.all_tasks()
    one = await failing.member()
    with getattr(failing, fault)():
        one.bus.send(notified(1))
        await asyncio.sleep(0)
        async with deadline():
            await one.bus.close()
    assert asyncio.all_tasks() == before


async def test_a_flushed_valkey_does_no_harm(valkey: ValkeyServer) -> None:
    network = ValkeyNetwork(valkey)
    one, two = [await network.member() for _ in range(2)]
    valkey.command("FLUSHALL")
    await talks_again(one, two)
    await network.close()


@pytest.mark.processes
async def test_a_subscriber_that_is_too_slow_for_valkey_reconnects() -> None:
    with valkey_server("--client-output-buffer-limit", "pubsub 100kb 100kb 1") as server:
        network = ValkeyNetwork(server)
        one, two = [await network.member() for _ in range(2)]
        for number in range(50):
            one.bus.send(notified(number, "x" * 200_000))
        await until(lambda: one.bus.counts.sent + one.bus.counts.dropped >= 50)
        await talks_again(one, two)
        await network.close()


async def test_a_subscription_that_receives_nothing_is_renewed(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = ValkeyNetwork(valkey)
    one, two = [await network.member() for _ in range(2)]
    for member in (one, two):
        # Publishing goes to other channels than the subscription, as if the way back were broken.
        monkeypatch.setattr(_carrier(member), "_channel", "talkwire:another:news")
        monkeypatch.setattr(_carrier(member), "_prefix", "talkwire:another:")
    await until(lambda: one.bus.is_disconnected)
    await talks_again(one, two)
    await network.close()


# --- what is not understood -------------------------------------------------------------------------------------------


async def test_too_large_messages_are_dropped_and_commits_are_still_announced(
    members: list[Member], network: Network
) -> None:
    if isinstance(network, MemoryNetwork):
        pytest.skip("nothing is too large for it")
    one, two, _ = members
    one.bus.send(notified(1, "x" * (9 << 20)))
    large = Message(10**12, "c", 1, "bob", "Bob", "x" * (9 << 20), 6)
    one.bus.send(CommittedBatch("a", 4, 5, (MessageSent(5, 6, large),)))
    one.bus.send(notified(2))
    await two.until(lambda received: notified(2) in received)
    assert two.received == [CommittedBatch("a", 4, 5), notified(2)]
    assert one.bus.counts.dropped == 1


async def test_messages_that_cannot_be_encoded_are_dropped_without_an_error(
    members: list[Member], network: Network
) -> None:
    if isinstance(network, MemoryNetwork):
        pytest.skip("everything can travel by it")
    one, two, _ = members
    one.bus.send(notified(1, object()))
    one.bus.send(notified(2))
    await two.until(lambda received: len(received) == 1)
    assert two.received == [notified(2)]


@each_failing
async def test_invalid_parcels_are_ignored(failing: FailingNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    let_answers_take_long(monkeypatch)
    one, two = [await failing.member() for _ in range(2)]
    carrier = _carrier(one)
    for junk in (
        b"",
        b"\xc1",
        b"\x93abc",
        b"12345678",
        b"12345678\x91\x81\xa4kind",
        b"12345678\xa1\xff",
        bytes(70_000),
    ):
        await carrier.publish([(junk, None)])
    await talks_again(one, two)
    assert [batch for batch in two.received if not names([batch])] == []


def _carrier(member: Member) -> BusTransport:
    assert isinstance(member.bus, TransportBus)
    return member.bus._carrier


async def test_a_listener_that_fails_receives_the_next_message(network: Network) -> None:
    if isinstance(network, MemoryNetwork):
        pytest.skip("the loop itself reports it")
    received: list[AnyBusMessage] = []

    def hear(dispatch: AnyBusMessage) -> None:
        received.append(dispatch)
        if len(received) == 1:
            raise ValueError("as a bug would")

    one = await network.member()
    failing_bus = network.bus()
    await failing_bus.start("log", "failing", hear)
    one.bus.send(EphemeralBatch("a", (TypingChanged("c", "alice", "Alice", is_typing=True),)))
    one.bus.send(notified(2))
    await until(lambda: len(received) == 2)
    for bus in (one.bus, failing_bus):
        await bus.close()
