"""Questions between nodes, whose answers may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest
from structlog.testing import capture_logs

from talkwire.core.cluster.peers import ANNOUNCED_FROM, Peers
from talkwire.core.domain.nodes.peer import ADDRESSED, ANNOUNCED, COMPACT, ROUTED, Peer
from talkwire.core.ports.bus import AnyBusMessage, EphemeralBatch, PeerAnswer, PeerQuestion, Receivers
from tests.waiting import SteppedClock, deadline, turns, until

FOR_EVER_S = 1000.0


class Net:
    """Delivers messages of the peers to all of them, including the sender, in the next turn, unless `passes` drops
    them."""

    def __init__(self) -> None:
        self.nodes: list[Peers] = []
        self.away = False
        self.sent: list[AnyBusMessage] = []
        self.greetings: list[tuple[str, Receivers]] = []
        """The empty messages: (sender, receiver)."""
        self.addressed: list[Receivers] = []
        """The nodes to which the messages were sent alone, None for all."""
        self.passes: Callable[[AnyBusMessage], bool] = lambda _: True

    def send(self, dispatch: AnyBusMessage, to: Receivers = None) -> None:
        if isinstance(dispatch, EphemeralBatch):
            self.greetings.append((dispatch.node_id, to))
            return
        self.sent.append(dispatch)
        self.addressed.append(to)
        if self.passes(dispatch):
            for node in self.nodes:
                assert isinstance(dispatch, PeerQuestion | PeerAnswer)
                asyncio.get_running_loop().call_soon(node.receive, dispatch)

    def join(self, *names: str, revision: int = ADDRESSED) -> Sequence[Peers]:
        """Adds nodes that know each other and answer a number with the next one."""
        self.nodes += [Peers(name, self.send, lambda: self.away) for name in names]
        for node in self.nodes:
            node.set_peers([Peer(other.node_id, None, revision=revision) for other in self.nodes])
            node.answer("next", int, _next)
        return self.nodes


async def _next(number: int) -> int:
    return number + 1


async def test_all_others_are_asked_and_answer() -> None:
    one, _, _ = Net().join("one", "two", "three")
    assert await one.ask("next", 4, int, wait_s=FOR_EVER_S) == {"two": 5, "three": 5}


async def test_a_question_can_be_sent_to_one_node() -> None:
    one, _, _ = Net().join("one", "two", "three")
    assert await one.ask("next", 4, int, to="three", wait_s=FOR_EVER_S) == {"three": 5}


async def test_a_question_to_one_node_and_every_answer_are_sent_to_one_node() -> None:
    net = Net()
    one, *_ = net.join("one", "two", "three")
    await one.ask("next", 4, int, to="three", wait_s=FOR_EVER_S)
    assert net.addressed == [("three",), ("one",)]
    await one.ask("next", 4, int, wait_s=FOR_EVER_S)
    assert [to for to in net.addressed[2:] if to is not None] == [("one",), ("one",)]


async def test_a_new_node_is_greeted_once() -> None:
    """Then it has a number of the sender's parcels, and refuses copies of earlier ones."""
    net = Net()
    one, _ = net.join("one", "two")
    assert net.greetings == [("one", ("two",)), ("two", ("one",))]
    one.set_peers([Peer("two", None, revision=ADDRESSED), Peer("three", None, revision=ADDRESSED)])
    assert net.greetings[2:] == [("one", ("three",))]


async def test_a_node_of_an_older_version_is_reached_by_what_is_sent_to_all() -> None:
    net = Net()
    one, *_ = net.join("one", "two", revision=ADDRESSED - 1)
    assert await one.ask("next", 4, int, to="two", wait_s=FOR_EVER_S) == {"two": 5}
    assert net.addressed == [None, None]


def _peers(count: int, *revisions: int) -> list[Peer]:
    named = [Peer(f"new-{number}", None, revision=revision) for number, revision in enumerate(revisions)]
    return [*(Peer(f"n{number}", None, revision=ANNOUNCED) for number in range(count)), *named]


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        (_peers(0), False),
        (_peers(ANNOUNCED_FROM - 1), False),
        (_peers(ANNOUNCED_FROM), True),
        (_peers(ANNOUNCED_FROM, ANNOUNCED + 1), True),
        (_peers(ANNOUNCED_FROM, ANNOUNCED - 1), False),
        (_peers(ANNOUNCED_FROM, 0), False),
    ],
    ids=["alone", "few", "enough", "one of a later version", "one of an older version", "one of unknown version"],
)
def test_events_are_announced_to_many_nodes_that_all_fetch_them(peers: Sequence[Peer], *, expected: bool) -> None:
    one = Peers("one", lambda *_: None, lambda: False)
    one.set_peers([*peers, Peer("one", None, revision=ANNOUNCED)])
    assert one.fetch_events is expected


@pytest.mark.parametrize(("revision", "expected"), [(COMPACT, True), (COMPACT - 1, False)])
def test_compact_changes_are_sent_to_many_nodes_that_all_read_them(revision: int, *, expected: bool) -> None:
    one = Peers("one", lambda *_: None, lambda: False)
    one.set_peers(_peers(0, revision, *[COMPACT] * (ANNOUNCED_FROM - 2)))
    assert not one.read_compact
    one.set_peers(_peers(0, revision, *[COMPACT] * (ANNOUNCED_FROM - 1)))
    assert one.read_compact is expected


@pytest.mark.parametrize(("revision", "expected"), [(ROUTED, True), (ROUTED - 1, False)])
def test_signals_are_sent_to_some_of_many_nodes_if_all_need_only_their_own(revision: int, *, expected: bool) -> None:
    one = Peers("one", lambda *_: None, lambda: False)
    one.set_peers(_peers(0, revision, *[ROUTED] * (ANNOUNCED_FROM - 2)))
    assert not one.address_signals
    one.set_peers(_peers(0, revision, *[ROUTED] * (ANNOUNCED_FROM - 1)))
    assert one.address_signals is expected


def test_a_node_that_has_just_started_may_be_of_an_older_version() -> None:
    one = Peers("one", lambda *_: None, lambda: False)
    one.set_peers(_peers(ANNOUNCED_FROM))
    seen = [one.fetch_events]
    one.add("newcomer")
    seen.append(one.fetch_events)
    one.start_reading()
    one.set_peers([*_peers(ANNOUNCED_FROM), Peer("newcomer", None, revision=ANNOUNCED)])
    seen.append(one.fetch_events)
    one.set_peers(_peers(ANNOUNCED_FROM - 1))
    seen.append(one.fetch_events)
    assert seen == [True, False, True, False]


async def test_questions_at_the_same_time_get_their_own_answers() -> None:
    one, two = Net().join("one", "two")
    asked = [node.ask("next", number, int, wait_s=FOR_EVER_S) for number in range(20) for node in (one, two)]
    answers = await asyncio.gather(*asked)
    assert [list(answer.values()) for answer in answers] == [[number + 1] for number in range(20) for _ in (one, two)]


async def test_a_single_node_or_one_without_a_bus_asks_no_other() -> None:
    net = Net()
    [one] = net.join("one")
    assert await one.ask("next", 4, int, wait_s=FOR_EVER_S) == {}
    net.join("two")
    net.away = True
    assert await one.ask("next", 4, int, wait_s=FOR_EVER_S) == {}
    assert net.sent == []


def test_a_node_discovered_while_the_leases_are_read_is_kept() -> None:
    one = Peers("one", lambda *_: None, lambda: False)
    one.start_reading()
    one.add("two")
    one.set_peers([])
    assert one.has_peers
    one.start_reading()
    one.set_peers([])
    assert not one.has_peers, "it has no lease"


async def test_nodes_that_do_not_answer_in_time_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SteppedClock(monkeypatch)
    net = Net()
    one, _, _ = net.join("one", "two", "three")
    net.passes = lambda dispatch: not (isinstance(dispatch, PeerAnswer) and dispatch.node_id == "three")
    asking = asyncio.ensure_future(one.ask("next", 4, int, wait_s=5))
    await turns(1)
    clock.advance(4.9)
    await turns(10)
    assert not asking.done()
    clock.advance(0.2)
    assert await asking == {"two": 5}


async def test_nodes_that_died_are_not_waited_for() -> None:
    net = Net()
    one, _, _ = net.join("one", "two", "three")
    net.passes = lambda dispatch: not (isinstance(dispatch, PeerAnswer) and dispatch.node_id == "three")
    asking = asyncio.ensure_future(one.ask("next", 4, int, wait_s=FOR_EVER_S))
    await until(lambda: any(isinstance(sent, PeerAnswer) for sent in net.sent))
    one.set_peers([Peer("two", None)])
    async with deadline():
        assert await asking == {"two": 5}


async def test_a_new_node_is_waited_for_before_its_lease_was_read() -> None:
    net = Net()
    one, _ = net.join("one", "two")
    one.set_peers([])
    one.start_reading()
    one.add("two")
    asking = asyncio.ensure_future(one.ask("next", 4, int, wait_s=FOR_EVER_S))
    await asyncio.sleep(0)
    one.set_peers([])
    assert await asking == {"two": 5}


def test_a_new_node_without_an_answer_leaves_a_question_open() -> None:
    one, _ = Net().join("one", "two")
    one.add("three")
    assert [one.have_answered(answers) for answers in (["two"], ["two", "three"])] == [False, True]


async def test_duplicate_late_and_unknown_answers_are_ignored() -> None:
    net = Net()
    one, _ = net.join("one", "two")
    assert await one.ask("next", 4, int, wait_s=FOR_EVER_S) == {"two": 5}
    [answer] = [sent for sent in net.sent if isinstance(sent, PeerAnswer) and sent.node_id == "two"]
    one.receive(answer)
    asking = asyncio.ensure_future(one.ask("next", 6, int, wait_s=FOR_EVER_S))
    await asyncio.sleep(0)
    question = net.sent[-1]
    assert isinstance(question, PeerQuestion)
    for sender in ("stranger", "two", "two"):
        body = msgspec.Raw(msgspec.msgpack.encode(1 if sender == "stranger" else 2))
        one.receive(PeerAnswer(sender, question.id, "one", body))
    assert await asking == {"two": 2}


async def test_a_question_that_fails_or_is_not_known_is_not_answered_and_does_no_harm() -> None:
    net = Net()
    one, two = net.join("one", "two")

    async def fail(_: int) -> int:
        raise ValueError("as a bug would")

    async def unsayable(_: int) -> object:
        return object()

    two.answer("failing", int, fail)
    two.answer("unsayable", int, unsayable)
    for topic, body in (("failing", 1), ("unsayable", 1), ("unknown", 1), ("next", "no number")):
        assert await one.ask(topic, body, int, wait_s=0.02) == {}
    assert await one.ask("next", 1, int, wait_s=FOR_EVER_S) == {"two": 2}


async def test_an_answer_of_another_type_is_ignored() -> None:
    one, two, _ = Net().join("one", "two", "three")

    async def say(number: int) -> str:
        return str(number)

    two.answer("next", int, say)
    assert await one.ask("next", 1, int, wait_s=FOR_EVER_S) == {"three": 2}


async def test_nodes_that_died_are_reported() -> None:
    [one] = Net().join("one")
    gone: list[set[str]] = []
    one.on_peers_gone = lambda ids: gone.append(set(ids))
    one.set_peers([Peer("one", None), Peer("two", "10.0.0.2:80"), Peer("three", None)])
    assert one.find("two") == Peer("two", "10.0.0.2:80")
    assert one.find("one") is None
    one.set_peers([Peer("two", "10.0.0.2:80"), Peer("four", None)])
    one.set_peers([Peer("two", "10.0.0.2:80"), Peer("four", None)])
    assert gone == [{"three"}]


async def test_malformed_bodies_are_counted_and_logged_once_without_a_traceback() -> None:
    one, two = Net().join("one", "two")
    malformed = [b"", b"\xc1", b"\xa3abc", b"\x91" * 2000 + b"\xc0", b"\xdd\xff\xff\xff\xff", b"\xa2\xff\xfe"]
    with capture_logs() as logs:
        for body in malformed:
            two.receive(PeerQuestion("one", "q", "next", msgspec.Raw(body)))
        for _ in range(5):
            await asyncio.sleep(0)
    assert [(entry["log_level"], entry["topic"], "exc_info" in entry) for entry in logs] == [("warning", "next", False)]
    assert two.malformed == len(malformed)
    assert await one.ask("next", 1, int, wait_s=FOR_EVER_S) == {"two": 2}


async def test_a_malformed_answer_is_ignored() -> None:
    net = Net()
    one, _, _ = net.join("one", "two", "three")

    def is_not_of_two(dispatch: AnyBusMessage) -> bool:
        return not (isinstance(dispatch, PeerAnswer) and dispatch.node_id == "two")

    net.passes = is_not_of_two
    asking = asyncio.ensure_future(one.ask("next", 1, int, wait_s=FOR_EVER_S))
    await asyncio.sleep(0)
    question = net.sent[0]
    assert isinstance(question, PeerQuestion)
    one.receive(PeerAnswer("two", question.id, "one", msgspec.Raw(b"\xc1")))
    assert await asking == {"three": 2}
    assert one.malformed == 1
