"""The sockets of one session: which packets are allowed when."""

from __future__ import annotations

from math import inf
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.wire.errors import LocalProtocolError, RemoteProtocolError
from talkwire.wire.handshake import EngineOptions
from talkwire.wire.socket_session import (
    FIRST_PACKET_MAX,
    AckReceived,
    ConnectRequested,
    Disconnected,
    EventReceived,
    SocketSession,
)


def fresh() -> SocketSession:
    return SocketSession(EngineOptions(), now=0)


def joined(*namespaces: str) -> SocketSession:
    sockets = fresh()
    for namespace in namespaces:
        sockets.receive(f"0{namespace},", now=0)
        sockets.accept(namespace, "s")
    return sockets


@pytest.mark.parametrize(
    ("packet", "request_"),
    [
        ("0", ConnectRequested("/", {})),
        ("0{}", ConnectRequested("/", {})),
        ('0{"token":"abc"}', ConnectRequested("/", {"token": "abc"})),
        ('0{"pid":"p","offset":"7"}', ConnectRequested("/", {"pid": "p", "offset": "7"})),
        ("0/admin", ConnectRequested("/admin", {})),
        ('0/admin?x=1,{"a":1}', ConnectRequested("/admin?x=1", {"a": 1})),
    ],
)
def test_a_client_asks_for_a_namespace(packet: str, request_: ConnectRequested) -> None:
    sockets = fresh()
    assert sockets.receive(packet, now=1) == request_
    assert not sockets.connected(request_.namespace)


def test_a_client_is_accepted() -> None:
    sockets = fresh()
    sockets.receive("0/chat,", now=1)
    assert sockets.accept("/chat", "s1") == '0/chat,{"sid":"s1"}'
    assert sockets.connected("/chat")
    assert not sockets.connected("/")
    assert sockets.namespaces() == ["/chat"]


def test_turning_a_client_away_accepts_and_disconnects_it() -> None:
    sockets = fresh()
    sockets.receive("0/chat,", now=1)
    assert sockets.turn_away("/chat", "s1") == ('0/chat,{"sid":"s1"}', "1/chat,")
    assert not sockets.connected("/chat")
    assert sockets.receive('2/chat,["message"]', now=1) is None
    assert sockets.receive("0/chat,", now=1) == ConnectRequested("/chat", {})


def test_a_client_that_was_turned_away_has_joined_no_namespace() -> None:
    sockets = fresh()
    deadline = sockets.next_deadline()
    sockets.receive("0/chat,", now=1)
    sockets.turn_away("/chat", "s1")
    assert sockets.next_deadline() == deadline < inf


def test_a_client_turned_away_from_one_namespace_stays_in_the_others() -> None:
    sockets = joined("/")
    sockets.receive("0/chat,", now=1)
    sockets.turn_away("/chat", "s1")
    assert sockets.namespaces() == ["/"]
    assert sockets.next_deadline() == inf


def test_a_client_is_accepted_with_a_recovery_token() -> None:
    sockets = fresh()
    sockets.receive("0", now=1)
    assert sockets.accept("/", "s1", pid="p1") == '0{"sid":"s1","pid":"p1"}'


def test_a_refused_client_may_connect_again() -> None:
    sockets = fresh()
    sockets.receive("0/random", now=1)
    assert sockets.refuse("/random", "Invalid namespace") == '4/random,{"message":"Invalid namespace"}'
    assert sockets.receive("0/random", now=2) == ConnectRequested("/random", {})
    assert sockets.refuse("/random", "no", {"code": 7}) == '4/random,{"message":"no","data":{"code":7}}'


@pytest.mark.parametrize(
    ("packet", "event"),
    [
        ('2["foo",1]', EventReceived("/", ["foo", 1], None)),
        ('217["foo"]', EventReceived("/", ["foo"], 17)),
        ('2/chat,17["foo"]', EventReceived("/chat", ["foo"], 17)),
        ("2[1]", EventReceived("/", [1], None)),
        ("37[1,2]", AckReceived("/", [1, 2], 7)),
        ("3/chat,7[]", AckReceived("/chat", [], 7)),
        ("1", Disconnected("/")),
        ("1/chat,", Disconnected("/chat")),
        # An event without a name matches no handler, and an ack without an id acknowledges nothing.
        ("2", None),
        ("21", None),
        ("3[]", None),
    ],
)
def test_a_client_speaks_to_a_namespace_that_it_is_in(packet: str, event: object) -> None:
    assert joined("/", "/chat").receive(packet, now=1) == event


def test_a_client_sends_attachments() -> None:
    sockets = joined("/")
    assert sockets.receive('51-7["file",{"_placeholder":true,"num":0}]', now=1) is None
    assert sockets.receive(b"\x01", now=1) == EventReceived("/", ["file", b"\x01"], 7)


@pytest.mark.parametrize("packet", ['2["foo"]', '2/chat,["foo"]', "3/chat,1[]", "1/chat,", "4/chat,{}", '4"x"', ""])
def test_a_client_that_has_not_joined_may_only_connect(packet: str) -> None:
    with pytest.raises(RemoteProtocolError):
        fresh().receive(packet, now=1)


@pytest.mark.parametrize("packet", ["0/chat,", "4/chat,{}", '4/chat,"x"', ""])
def test_a_client_that_has_joined_may_not_do_so_again_or_refuse(packet: str) -> None:
    with pytest.raises(RemoteProtocolError):
        joined("/chat").receive(packet, now=1)


@pytest.mark.parametrize("packet", ["0", '2["foo"]', "31[]", "1"])
def test_a_client_waits_for_the_answer_to_its_connect(packet: str) -> None:
    sockets = fresh()
    sockets.receive("0", now=1)
    with pytest.raises(RemoteProtocolError):
        sockets.receive(packet, now=1)


def test_a_client_that_left_may_come_again_and_must_before_it_speaks() -> None:
    sockets = joined("/chat")
    assert sockets.receive("1/chat,", now=1) == Disconnected("/chat")
    assert not sockets.connected("/chat")
    with pytest.raises(RemoteProtocolError):
        sockets.receive('2/chat,["foo"]', now=1)
    assert sockets.receive("0/chat,", now=1) == ConnectRequested("/chat", {})


@pytest.mark.parametrize("packet", ['2/chat,["foo"]', "3/chat,1[]", "1/chat,"])
def test_packets_that_cross_a_disconnect_are_dropped(packet: str) -> None:
    sockets = joined("/", "/chat")
    assert sockets.disconnect("/chat") == "1/chat,"
    assert not sockets.connected("/chat")
    assert sockets.receive(packet, now=1) is None
    assert sockets.receive("0/chat,", now=1) == ConnectRequested("/chat", {})


def test_namespaces_do_not_depend_on_each_other() -> None:
    sockets = joined("/", "/chat")
    assert sockets.disconnect("/") == "1"
    assert sockets.receive('2/chat,["foo"]', now=1) == EventReceived("/chat", ["foo"], None)


def test_only_a_request_can_be_answered() -> None:
    sockets = joined("/chat")
    with pytest.raises(LocalProtocolError):
        sockets.accept("/", "s")
    with pytest.raises(LocalProtocolError):
        sockets.accept("/chat", "s")
    with pytest.raises(LocalProtocolError):
        sockets.refuse("/chat", "no")
    with pytest.raises(LocalProtocolError):
        sockets.disconnect("/")


def test_a_session_that_joins_nothing_has_45_seconds() -> None:
    sockets = SocketSession(EngineOptions(), now=100)
    assert sockets.next_deadline() == 145
    sockets.receive("0/random", now=101)
    sockets.refuse("/random", "Invalid namespace")
    assert sockets.next_deadline() == 145
    sockets.receive("0", now=102)
    sockets.accept("/", "s")
    assert sockets.next_deadline() == inf


def test_a_packet_is_small_until_the_peer_has_joined_a_namespace() -> None:
    token = "t" * (FIRST_PACKET_MAX - 20)
    sockets = SocketSession(EngineOptions(), now=0)
    assert sockets.receive(f'0{{"token":"{token}"}}', now=1) == ConnectRequested("/", {"token": token})
    with pytest.raises(RemoteProtocolError):
        sockets.receive("0/" + "a" * FIRST_PACKET_MAX, now=2)
    sockets.accept("/", "s")
    assert sockets.receive(f'2["{token}{token}"]', now=3) == EventReceived("/", [token + token], None)


def test_attachments_before_a_namespace_is_joined_are_small_too() -> None:
    sockets = SocketSession(EngineOptions(), now=0)
    assert sockets.receive('52-["a"]', now=1) is None
    assert sockets.receive(b"x" * (FIRST_PACKET_MAX - 10), now=1) is None
    with pytest.raises(RemoteProtocolError):
        sockets.receive(b"xxx", now=1)


def test_a_peer_that_was_turned_away_has_joined_nothing() -> None:
    sockets = SocketSession(EngineOptions(), now=0)
    sockets.receive("0", now=1)
    sockets.turn_away("/", "s")
    assert (sockets.packet_max, sockets.next_deadline()) == (FIRST_PACKET_MAX, 45)


def test_each_part_of_a_packet_comes_within_the_ping_timeout() -> None:
    sockets = joined("/")
    assert sockets.receive('52-["a"]', now=100) is None
    assert (sockets.next_deadline(), sockets.waits_for_attachments) == (120, True)
    assert sockets.receive(b"x", now=110) is None
    assert sockets.next_deadline() == 130
    assert sockets.receive(b"y", now=120) is not None
    assert (sockets.next_deadline(), sockets.waits_for_attachments) == (inf, False)


def test_a_session_that_ever_joined_may_be_in_nothing() -> None:
    sockets = joined("/")
    sockets.receive("1", now=1)
    assert sockets.next_deadline() == inf


# --- the fast path of events of the root namespace --------------------------------------------------------------------


_PIECES = st.sampled_from(
    ["42", "42/chat,", "4٢", "42²", "42 7", "4299999999999999", "[", "]", '"', "{}", "é", "\\ud800"]
)
_AN_EVENT = st.builds(
    lambda id_, args: f"42{id_}{msgspec.json.encode(args).decode()}",
    st.none().map(lambda _: "") | st.integers(0, 10**12).map(str),
    st.lists(st.text(max_size=5) | st.integers() | st.dictionaries(st.text(max_size=3), st.integers()), max_size=3),
)


@example('42["connect"]')
@example('42["a",NaN]')
@example('42["a","\\ud800"]')
@example('42["a",' + "[" * 100 + "]" * 100 + "]")
@example('42["a",' + "[[]," * 60 + "1" + "]" * 60 + "]" + " " * 200)
@example('42["a","' + "x" * 5000 + '"]')
@example("42[1]")
@example("42[]")
@example("42")
@given(_AN_EVENT | st.lists(_PIECES | st.text(max_size=4), max_size=6).map("".join))
def test_the_fast_path_of_an_event_gives_what_receive_gives(message: str) -> None:
    found = joined("/").receive_root_event(message)
    if found is not None:
        event = joined("/").receive(message[1:], now=0)
        assert isinstance(event, EventReceived)
        assert (event.namespace, event.args, event.ack_id, event.flaw) == ("/", *found, "")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('42["a"]', (["a"], None)),
        ('4217["a",{"b":[1]}]', (["a", {"b": [1]}], 17)),
        ('4200["a"] ', (["a"], 0)),
    ],
)
def test_a_usual_event_takes_the_fast_path(message: str, expected: tuple[list[Any], int | None]) -> None:
    assert joined("/").receive_root_event(message) == expected


def test_events_take_the_fast_path_only_in_a_joined_namespace_and_between_packets() -> None:
    session = fresh()
    assert session.receive_root_event('42["a"]') is None
    session = joined("/")
    session.receive('51-["a",{"_placeholder":true,"num":0}]', now=0)
    assert session.receive_root_event('42["a"]') is None
    session.receive(b"x", now=0)
    assert session.receive_root_event('42["a"]') == (["a"], None)
    session.disconnect("/")
    assert session.receive_root_event('42["a"]') is None


def test_an_event_above_the_limit_does_not_take_the_fast_path() -> None:
    session = SocketSession(EngineOptions(max_payload=100), now=0)
    session.receive("0", now=0)
    session.accept("/", "socket")
    assert session.receive_root_event(f'42["{"x" * 95}"]') is None
    assert session.receive_root_event(f'42["{"x" * 80}"]') is not None
