"""What travels between nodes, of the same version and of others."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talkwire.bus.outgoing import PARCEL_MAX_BYTES
from talkwire.bus.parcels import Unpacker, encode, pack
from talkwire.core.domain.events import CustomEvent, TypingChanged, UserBanned
from talkwire.core.ports.bus import AnyBusMessage, CommittedBatch, EphemeralBatch, PeerQuestion

BANNED = UserBanned(5, 1, "bob")
TYPING = TypingChanged("c", "alice", "Alice", is_typing=True)


def packed(*dispatches: AnyBusMessage) -> bytes:
    encoded = [encode(dispatch) for dispatch in dispatches]
    return pack(each for each in encoded if each is not None)


def another_versions(*dispatches: dict[str, Any]) -> bytes:
    return msgspec.msgpack.encode(list(dispatches))


def test_a_parcel_brings_what_was_put_in() -> None:
    dispatches = (CommittedBatch("a", 4, 5, (BANNED,)), CommittedBatch("a", 5, 9), EphemeralBatch("a", (TYPING,)))
    assert Unpacker(PARCEL_MAX_BYTES).unpack(packed(*dispatches)) == dispatches
    assert Unpacker(PARCEL_MAX_BYTES).unpack(packed()) == ()


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**300])
def test_a_number_of_any_length_arrives(number: int) -> None:
    received = EphemeralBatch("a", (CustomEvent("e", {"a": [number, {"b": number}], "c": b"\x00"}, user_id="alice"),))
    assert list(Unpacker(PARCEL_MAX_BYTES).unpack(packed(received))) == [received]


def test_a_question_with_a_body_of_any_kind_arrives() -> None:
    question = PeerQuestion("a", "1", "topic", msgspec.Raw(msgspec.msgpack.encode({"x": 1})), to="b")
    [arrived] = Unpacker(PARCEL_MAX_BYTES).unpack(packed(question))
    assert isinstance(arrived, PeerQuestion)
    assert (arrived.to, msgspec.msgpack.decode(arrived.body)) == ("b", {"x": 1})


def test_fields_of_a_newer_version_are_ignored() -> None:
    event = {"type": "UserBanned", "pos": 5, "at_ms": 1, "user_id": "bob", "mood": "new"}
    parcel = another_versions(
        {"kind": "committed", "node_id": "a", "start_pos": 4, "pos": 5, "events": [event], "x": 1}
    )
    assert list(Unpacker(PARCEL_MAX_BYTES).unpack(parcel)) == [CommittedBatch("a", 4, 5, (BANNED,))]


def test_the_position_of_an_unknown_event_is_known() -> None:
    known = {"type": "UserBanned", "pos": 5, "at_ms": 1, "user_id": "bob"}
    unknown = {"type": "UserPraised", "pos": 6, "at_ms": 1, "user_id": "bob"}
    changed = {"type": "UserBanned", "pos": 7, "at_ms": 1, "user_id": 17}
    parcel = another_versions(
        {"kind": "committed", "node_id": "a", "start_pos": 4, "pos": 5, "events": [known]},
        {"kind": "committed", "node_id": "a", "start_pos": 5, "pos": 6, "events": [unknown]},
        {"kind": "committed", "node_id": "a", "start_pos": 6, "pos": 7, "events": [changed]},
    )
    unpacker = Unpacker(PARCEL_MAX_BYTES)
    assert list(unpacker.unpack(parcel)) == [
        CommittedBatch("a", 4, 5, (BANNED,)),
        CommittedBatch("a", 5, 6),
        CommittedBatch("a", 6, 7),
    ]
    assert unpacker.not_understood == 0


def test_only_ephemeral_events_that_are_not_understood_are_dropped() -> None:
    received = {
        "type": "TypingChanged",
        "conversation_id": "c",
        "user_id": "alice",
        "user_name": "Alice",
        "is_typing": True,
    }
    parcel = another_versions(
        {"kind": "sung", "node_id": "a"},
        {"kind": "told", "node_id": "a", "events": [{"type": "Sighed"}, received]},
    )
    unpacker = Unpacker(PARCEL_MAX_BYTES)
    assert list(unpacker.unpack(parcel)) == [EphemeralBatch("a", (TYPING,))]
    assert unpacker.not_understood == 2


def test_each_kind_of_thing_that_is_not_understood_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    unpacker = Unpacker(PARCEL_MAX_BYTES)
    for _ in range(10):
        unpacker.unpack(another_versions({"kind": "sung", "node_id": "a"}))
    unpacker.unpack(another_versions({"kind": "danced", "node_id": "a"}))
    output = capsys.readouterr().out
    assert (output.count("sung"), output.count("danced")) == (1, 1)


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\xc1",
        b"\x93abc",
        b"\x91\xc0",
        b"\x91\x81\xa4kind\xa4told",
        b"\xa1\xff",
        b"\x91" * 5000,
        b"\x91\xd4\x07\x00",
    ],
)
def test_an_invalid_parcel_has_no_messages(junk: bytes) -> None:
    assert list(Unpacker(PARCEL_MAX_BYTES).unpack(junk)) == []


def test_messages_with_unsupported_values_are_not_encoded() -> None:
    assert encode(EphemeralBatch("a", (CustomEvent("e", object(), user_id="alice"),))) is None
    assert encode(EphemeralBatch("a", (CustomEvent("e", {"n": 10**30, "o": object()}, user_id="alice"),))) is None
    assert encode(EphemeralBatch("a", (CustomEvent("e", "\ud800", user_id="alice"),))) is None
