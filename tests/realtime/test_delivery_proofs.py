"""Delivery receipts: a heartbeat that a client has answered proves that messages have arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from talkwire.core.commands.receipts import MarkDelivered
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Actor, Message
from talkwire.realtime.delivery.delivery_proofs import DeliveryProofs
from talkwire.realtime.delivery.heartbeats import ROUND_S
from tests.waiting import SteppedClock, turns


@dataclass
class Device:
    """A socket whose client answers heartbeats when the test says so."""

    user_id: str
    clock: SteppedClock
    pinged: int = 0
    answered_at: float = -1.0
    gone: bool = False

    @property
    def actor(self) -> Actor:
        return Actor(self.user_id, self.user_id)

    def answered_after(self, time: float) -> bool:
        return self.answered_at > time

    def hasten_ping(self) -> None:
        self.pinged += 1

    def answer(self) -> None:
        self.clock.advance(0.001)
        self.answered_at = self.clock()


@dataclass
class Room:
    """A conversation with devices in it, and what was marked as delivered."""

    clock: SteppedClock
    devices: list[Device]
    marked: list[tuple[str, str]] = field(default_factory=list)
    fails: bool = False
    seq: int = 0

    def __post_init__(self) -> None:
        self.arrivals = DeliveryProofs(lambda _: self.devices, self._mark, rounds_max=5)

    def _mark(self, actor: Actor, command: MarkDelivered) -> None:
        if self.fails:
            raise ChatError("unavailable", "")
        assert command.message_id is not None
        self.marked.append((actor.user_id, command.message_id))

    def send(self, sender_id: str) -> None:
        self.seq += 1
        self.clock.advance(0.001)
        message = Message(self.seq, "c", self.seq, sender_id, sender_id, "x", 0)
        self.arrivals.follow([MessageSent(self.seq, 0, message)])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Lets rounds pass until the condition holds."""
        for _ in range(10):
            if condition():
                return
            self.clock.advance(ROUND_S)
            await turns(2)
        raise TimeoutError


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> SteppedClock:
    return SteppedClock(monkeypatch)


@pytest.fixture
def bob(clock: SteppedClock) -> Device:
    return Device("bob", clock)


@pytest.fixture
def room(clock: SteppedClock, bob: Device) -> Room:
    return Room(clock, [Device("alice", clock), bob])


async def test_a_heartbeat_answered_after_the_message_proves_its_arrival(room: Room, bob: Device) -> None:
    room.send("alice")
    bob.answer()
    await room.until(lambda: bool(room.marked))
    assert room.marked == [("bob", "1")]


async def test_a_heartbeat_answered_before_the_message_proves_nothing(room: Room, bob: Device) -> None:
    bob.answer()
    room.send("alice")
    await room.until(lambda: bob.pinged > 1)
    assert room.marked == []


async def test_unproved_recipients_are_pinged(room: Room, bob: Device) -> None:
    room.send("alice")
    await room.until(lambda: bob.pinged > 0)
    bob.answer()
    await room.until(lambda: bool(room.marked))
    assert room.marked == [("bob", "1")]


async def test_an_author_does_not_receive_their_own_messages_as_missed(room: Room) -> None:
    room.send("alice")
    await room.until(lambda: room.devices[1].pinged > 0)
    assert room.devices[0].pinged == 0


async def test_messages_sent_during_a_proof_are_proved_next(room: Room, bob: Device) -> None:
    room.send("alice")
    await room.until(lambda: bob.pinged > 0)
    room.send("alice")
    room.send("alice")
    bob.answer()
    await room.until(lambda: len(room.marked) == 2)
    assert room.marked == [("bob", "1"), ("bob", "3")]


async def test_one_device_is_enough(room: Room, bob: Device) -> None:
    room.devices.append(Device("bob", room.clock))
    room.send("alice")
    bob.answer()
    await room.until(lambda: bool(room.marked))
    assert room.marked == [("bob", "1")]


async def test_a_client_that_never_answers_is_disconnected_and_the_wheel_asks_no_more(room: Room, bob: Device) -> None:
    room.send("alice")
    await room.until(lambda: room.arrivals.idle)
    assert bob.pinged <= 5
    assert room.marked == []


async def test_disconnected_recipients_are_not_waited_for(room: Room, bob: Device) -> None:
    bob.gone = True
    room.send("alice")
    await room.until(lambda: room.arrivals.idle)
    assert bob.pinged == 0


async def test_a_refusal_keeps_no_other_from_being_marked(room: Room, bob: Device) -> None:
    room.fails = True
    room.send("alice")
    bob.answer()
    await room.until(lambda: room.arrivals.idle)
    room.fails = False
    room.send("alice")
    bob.answer()
    await room.until(lambda: bool(room.marked))
    assert room.marked == [("bob", "2")]
