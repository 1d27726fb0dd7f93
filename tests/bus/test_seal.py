"""Who can send a parcel, and how often it is accepted."""

from __future__ import annotations

import os
from itertools import permutations

import pytest

from talkwire.bus import seal as seal_module
from talkwire.bus.seal import PARCEL_HEAD_BYTES, Realm, Seal

REALM = Realm("postgresql 7/16384", b"secret")


def nodes(count: int, realm: Realm = REALM, log: str = "log") -> list[Seal]:
    return [Seal(realm.key(log)) for _ in range(count)]


def opened(node: Seal, parcel: bytes) -> bytes | None:
    found = node.open(parcel)
    return None if found is None else bytes(found.body)


@pytest.mark.parametrize("size", [0, 1, 100, 1 << 20])
def test_all_nodes_open_each_others_seals_and_recognise_their_own(size: int) -> None:
    one, two = nodes(2)
    body = os.urandom(size)
    parcel = one.seal(body)
    for node, own in ((one, True), (two, False)):
        found = node.open(parcel)
        assert found is not None
        assert (bytes(found.body), found.own) == (body, own)


def test_no_byte_of_a_parcel_can_be_changed_added_or_left_out() -> None:
    one, two = nodes(2)
    parcel = one.seal(b"hello")
    for index in range(len(parcel)):
        for changed in (parcel[index] ^ 1, parcel[index] ^ 0x80):
            assert two.open(parcel[:index] + bytes([changed]) + parcel[index + 1 :]) is None
        assert two.open(parcel[:index]) is None
    assert two.open(parcel + b"\0") is None
    assert opened(two, parcel) == b"hello"


@pytest.mark.parametrize(
    ("realm", "log"),
    [
        (Realm("postgresql 7/16385", b"secret"), "log"),
        (Realm("postgresql 8/16384", b"secret"), "log"),
        (Realm(REALM.database, b"another"), "log"),
        (REALM, "another"),
    ],
    ids=["another database", "another cluster", "another secret", "another log"],
)
def test_nodes_of_anything_else_are_not_believed(realm: Realm, log: str) -> None:
    [one], [other] = nodes(1), nodes(1, realm, log)
    assert one.open(other.seal(b"hello")) is None
    assert other.open(one.seal(b"hello")) is None


def test_names_belong_to_one_database_and_log_and_do_not_show_the_secret() -> None:
    names = {
        REALM.name("log"),
        REALM.name("another"),
        Realm("postgresql 7/16385", b"secret").name("log"),
        Realm("postgresql 8/16384", b"secret").name("log"),
    }
    assert len(names) == 4
    assert Realm(REALM.database, b"another").name("log") == REALM.name("log")


def test_a_parcel_is_opened_once_and_not_after_a_later_one() -> None:
    for order in permutations(range(4)):
        one, two = nodes(2)
        parcels = [one.seal(bytes([number])) for number in range(4)]
        received = [two.open(parcels[number]) for number in order for _ in range(2)]
        taken = [found.body[0] for found in received if found is not None]
        assert taken == sorted(set(taken))
        assert taken[-1] == 3


def test_each_sender_has_numbers_of_its_own() -> None:
    one, two, three = nodes(3)
    late = one.seal(b"one")
    for _ in range(5):
        assert opened(three, two.seal(b"two")) == b"two"
    assert opened(three, late) == b"one"


def test_the_number_of_remembered_senders_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal_module, "SENDERS_MAX", 10)
    [one], others = nodes(1), nodes(30)
    for other in others:
        assert opened(one, other.seal(b"x")) == b"x"
    assert len(one._newest) == 10


def test_random_bytes_are_not_opened() -> None:
    [one] = nodes(1)
    for size in (*range(PARCEL_HEAD_BYTES + 8), 1000, 70_000):
        assert one.open(os.urandom(size)) is None
        assert one.open(bytes(size)) is None
