"""A node handles incoming parcels in turns of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from talkwire.bus import carried
from talkwire.bus.carried import Published, TransportBus
from talkwire.bus.parcels import encode, pack
from talkwire.bus.seal import Seal
from talkwire.core.ports.bus import AnyBusMessage, EphemeralBatch
from tests.bus.networks import REALM
from tests.waiting import DEADLINE_S, block, deadline, until


class Pipe:
    """A transport that delivers what is put into it, at once."""

    includes_events = True
    announcements = None
    dispatch_max = 1 << 20
    failures: tuple[type[Exception], ...] = (OSError,)

    def __init__(self) -> None:
        self.parcels: asyncio.Queue[bytes] = asyncio.Queue()
        self.connections = 0
        self.published = 0
        self.is_cut = False
        """Whether it loses what is published."""
        self.another = Seal(REALM.key("log"))

    async def publish(self, parcels: Sequence[Published]) -> None:
        self.published += 1
        for parcel, _ in () if self.is_cut else parcels:
            self.parcels.put_nowait(parcel)

    @asynccontextmanager
    async def listening(self, node_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        self.connections += 1
        yield self._parcels()

    async def _parcels(self) -> AsyncIterator[bytes]:
        while True:
            yield await self.parcels.get()

    async def close(self) -> None:
        pass

    def bring(self, count: int) -> None:
        for number in range(count):
            notified = encode(EphemeralBatch(f"node-{number}", ()))
            assert notified is not None
            self.parcels.put_nowait(self.another.seal(pack([notified])))


async def received_between_turns(count: int, *, each_takes_s: float = 0.0) -> list[int]:
    """Returns how many of `count` simultaneous parcels had been handled each time another task ran."""
    pipe = Pipe()
    received: list[AnyBusMessage] = []

    def receive(dispatch: AnyBusMessage) -> None:
        received.append(dispatch)
        block(each_takes_s)

    bus = TransportBus(lambda _: pipe, REALM)
    await bus.start("log", "one", receive)
    pipe.bring(count)
    seen = []
    async with deadline():
        while len(received) < count:
            await asyncio.sleep(0)
            seen.append(len(received))
    await bus.close()
    return seen


async def test_all_arrived_messages_are_received_in_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        carried, "HANDLING_TURN_S", DEADLINE_S
    )  # a busy machine may stop this process for longer than a turn
    assert set(await received_between_turns(5)) <= {0, 5}


async def test_a_busy_sender_does_not_starve_other_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "HANDLING_TURN_S", 0.02)
    seen = await received_between_turns(10, each_takes_s=0.01)
    assert len(set(seen)) > 3, seen
    assert max(later - earlier for earlier, later in pairwise(seen)) <= 4, seen


async def test_a_bus_stays_connected_while_the_event_loop_stands_still(short_beats: Pipe) -> None:
    bus = TransportBus(lambda _: short_beats, REALM)
    await bus.start("log", "one", lambda _: None)
    block(0.3)
    sent = short_beats.published
    await until(lambda: short_beats.published >= sent + 2)
    assert not bus.is_disconnected
    assert short_beats.connections == 1
    await bus.close()


async def test_a_bus_whose_parcels_do_not_return_connects_again(short_beats: Pipe) -> None:
    short_beats.is_cut = True
    bus = TransportBus(lambda _: short_beats, REALM)
    await bus.start("log", "one", lambda _: None)
    await until(lambda: short_beats.connections >= 2)
    assert bus.is_disconnected
    await bus.close()


@pytest.fixture
def short_beats(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """A transport that has to return what a bus sends within 150 milliseconds in which the event loop runs."""
    for name, seconds in {"BEAT_S": 0.05, "BUS_ANSWER_S": 0.1, "LATENESS_CHECK_EVERY_S": 0.01}.items():
        monkeypatch.setattr(carried, name, seconds)
    return Pipe()
