"""Loops of coroutines suspend in every round, also where nothing that they await does.

Each test gives such a loop what is ready at once: calls that have ended, a client that has gone, a body that repeats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from math import inf
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
from websockets.asyncio.client import ClientConnection

from talkwire.api.backend.event_stream import blocks_of
from talkwire.api.backend.events import _pages
from talkwire.api.http import lingering
from talkwire.asgi import wait_for_disconnect
from talkwire.bus import carried
from talkwire.bus.carried import Published, TransportBus
from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.command import Command
from talkwire.core.commands.presence import FoundPlaces
from talkwire.core.commands.sync import ListLogEvents, LogPage
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.model import Actor
from talkwire.core.engine.log_watches import LogWatch, LogWatches
from talkwire.core.ports.bus import Announcement
from talkwire.core.signals.contact_places import ContactPlaces
from talkwire.core.signals.node_users import NodeUsers
from talkwire.core.signals.presence_state import PresenceState
from talkwire.core.single_flight import SingleFlight
from talkwire.realtime.transport.asgi_websocket import _send_there
from tests.bus.networks import REALM
from tests.bus.test_announcer import Announcing, Link, Server, message
from tests.bus.test_carried import Pipe
from tests.contracts.node import BACKEND
from tests.waiting import deadline, turns

R = TypeVar("R")

ROUNDS_MAX = 1000
"""How many calls one turn of the event loop may contain. A loop that never suspends makes more."""

TURNS = 20


class NeverSuspendedError(AssertionError):
    """A loop made more than `ROUNDS_MAX` calls in one turn of the event loop."""


class Rounds:
    """Counts the calls of a loop, and ends a loop that makes too many of them in one turn of the event loop."""

    def __init__(self) -> None:
        self.total = 0
        self._in_turn = 0

    def count(self) -> None:
        self.total += 1
        self._in_turn += 1
        if self._in_turn == 1:
            asyncio.get_running_loop().call_soon(self._begin_turn)
        if self._in_turn > ROUNDS_MAX:
            raise NeverSuspendedError

    def _begin_turn(self) -> None:
        self._in_turn = 0

    def message(self, **message: object) -> Any:  # noqa: ANN401 (an ASGI function)
        """Returns an ASGI function that takes or returns `message` at once."""

        async def at_once(*_: object) -> dict[str, object]:
            self.count()
            return message

        return at_once


async def runs_beside_others(work: Coroutine[Any, Any, Any]) -> None:
    """Runs a loop for some turns of the event loop, then cancels it. Raises its error if it has failed."""
    task = asyncio.ensure_future(work)
    await turns(TURNS)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=1)
    assert done
    if not task.cancelled():
        task.result()


async def test_the_counter_finds_a_loop_that_never_suspends() -> None:
    rounds = Rounds()

    async def spin() -> None:
        while True:
            await rounds.message()()

    with pytest.raises(NeverSuspendedError):
        await runs_beside_others(spin())


async def test_a_body_that_a_middleware_repeats_is_asked_for_less_and_less_often() -> None:
    rounds = Rounds()
    await runs_beside_others(wait_for_disconnect(rounds.message(type="http.request", body=b"again")))
    assert 2 <= rounds.total <= 4


async def test_a_body_without_an_end_leaves_the_loop_to_others() -> None:
    rounds = Rounds()
    await runs_beside_others(
        wait_for_disconnect(rounds.message(type="http.request", body=b"more", more_body=True)),
    )
    assert rounds.total > TURNS / 2


async def test_a_refused_body_that_arrives_without_a_pause_is_read_for_a_limited_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lingering, "BODY_LINGER_S", 0.01)
    rounds = Rounds()
    sent: list[Any] = []

    async def answer(_scope: object, _receive: object, send: Any) -> None:  # noqa: ANN401 (ASGI)
        await send({"type": "http.response.body", "body": b""})

    async def send(message: object) -> None:
        sent.append(message)

    async with deadline():
        receive = rounds.message(type="http.request", body=b"more", more_body=True)
        await lingering._send_and_linger(cast("Any", answer), cast("Any", {}), receive, send)
    assert len(sent) == 2


async def test_messages_for_another_node_are_passed_on_beside_others() -> None:
    rounds = Rounds()

    class Other:
        send = staticmethod(rounds.message())

    receive = rounds.message(type="websocket.receive", text="2")
    await runs_beside_others(_send_there(receive, cast("ClientConnection", Other())))
    assert rounds.total > TURNS / 2


class BusyPipe(Pipe):
    """A transport that publishes at once, while the node already has another message to send."""

    def __init__(self, rounds: Rounds) -> None:
        super().__init__()
        self.rounds = rounds
        self.bus = TransportBus(lambda _: self, REALM)

    async def publish(self, parcels: Sequence[Published]) -> None:
        self.rounds.count()
        self.bus._outgoing.waiting.set()


async def test_a_bus_without_a_network_publishes_beside_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "BUS_START_S", 0)
    pipe = BusyPipe(Rounds())
    await pipe.bus.start("log", "one", lambda _: None)
    await turns(TURNS)
    assert not any(task.done() for task in pipe.bus._tasks)
    await pipe.bus.close()
    assert pipe.rounds.total > TURNS / 2


class BusyLink(Link):
    """A server of announced events that answers at once, while the node has more to announce and to fetch."""

    def __init__(self, rounds: Rounds) -> None:
        super().__init__(Server())
        self.rounds = rounds
        self.busy = Announcing(Server(), "a", self)

    async def announce(
        self, head: bytes, entries: bytes, events: Mapping[str, bytes], *, kept_s: float, gather_s: float
    ) -> bool:
        self.rounds.count()
        self.busy.announce(message(1))
        return True

    async def fetch(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        self.rounds.count()
        pos = self.rounds.total + 1
        self.busy.announcer._wanted[pos] = Announcement("b", pos, 1)
        return [None for _ in keys]


@pytest.mark.parametrize("loop", ["keep_announcing", "keep_fetching"])
async def test_events_are_announced_and_fetched_beside_others(loop: str) -> None:
    link = BusyLink(Rounds())
    link.busy.announce(message(1))
    link.busy.announcer._wanted[1] = Announcement("b", 1, 1)
    link.busy.announcer._wants.set()
    await runs_beside_others(getattr(link.busy.announcer, loop)())
    assert link.rounds.total > TURNS / 2


async def test_a_shared_call_that_ends_at_once_suspends_its_callers() -> None:
    rounds = Rounds()
    flight: SingleFlight[str, None] = SingleFlight()

    async def ask() -> None:
        while True:
            rounds.count()
            await flight.run("key", rounds.message())

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(runs_beside_others(ask()))
    assert rounds.total > TURNS / 4


async def test_contacts_are_looked_up_beside_others_though_the_database_answers_at_once() -> None:
    rounds = Rounds()
    state = PresenceState()
    state.connected("alice", "phone", None)

    async def answer(actor: Actor, command: Command[Any]) -> FoundPlaces:
        rounds.count()
        places.look_up(["alice"])
        return FoundPlaces(())

    chat = cast("ChatAccess", SimpleNamespace(execute=answer))
    places = ContactPlaces(chat, Peers("here", lambda *_: None, lambda: False), state, NodeUsers(), 100)
    places.is_selective = places._is_looking_up = True
    places.look_up(["alice"])
    await runs_beside_others(places._keep_looking_up())
    assert TURNS / 2 < rounds.total < ROUNDS_MAX, "an error of the database would end the turn, too"


class LogOfNode:
    """A log whose queries return at once, and whose newest page has no events. `held` holds the queries."""

    def __init__(self, pos: int) -> None:
        self.pos = pos
        self.rounds = Rounds()
        self.more = False
        self.held: asyncio.Future[None] | None = None

    def execute(self, _actor: Actor, _command: Command[R]) -> Awaitable[R]:
        return cast("Awaitable[R]", self._page())

    async def _page(self) -> LogPage:
        self.rounds.count()
        page = LogPage((), "epoch", self.pos, more=self.more)
        if self.held is not None:
            await self.held
        return page


class CountedWatches(LogWatches):
    """The readers of a log, which count how often they ask for a page."""

    rounds = Rounds()

    async def read(self, actor: Actor, query: ListLogEvents) -> LogPage:
        self.rounds.count()
        return await super().read(actor, query)


def watching(log: LogOfNode) -> tuple[LogWatches, ListLogEvents]:
    return CountedWatches(log, log.pos), ListLogEvents(LogPage((), "epoch", log.pos, more=False).cursor)


async def test_a_reader_that_wakes_as_the_read_of_another_one_ends_reads_again() -> None:
    """The page that both read is older than the event that has just woken the second one."""
    log = LogOfNode(10)
    watches, query = watching(log)
    loop = asyncio.get_running_loop()
    with watches.open(BACKEND, query) as first, watches.open(BACKEND, query) as second:
        await first.next_page(0)
        await second.next_page(0)
        log.held = loop.create_future()
        pages = [loop.create_task(watch.next_page(loop.time() + 3600)) for watch in (first, second)]
        await turns(3)
        first.note(11)
        await turns(3)
        log.pos = watches.pos = 11
        log.held.set_result(None)
        second.note(11)
        await turns(TURNS)
        watches.drain()
        async with deadline():
            assert [page.pos for page in await asyncio.gather(*pages)] == [11, 11]
    assert log.rounds.total <= 6


async def test_a_stream_to_a_client_that_has_gone_leaves_the_loop_to_others() -> None:
    log = LogOfNode(10)
    log.more = True
    watches, query = watching(log)

    async def stream(watch: LogWatch) -> None:
        first = await watch.next_page(0)
        async for block in blocks_of(_pages(watch, first, inf)):
            await log.rounds.message()(block)

    with watches.open(BACKEND, query) as watch:
        await runs_beside_others(stream(watch))
