"""Parcels in PostgreSQL's notifications, which are short texts."""

from __future__ import annotations

import os

import pytest

from talkwire.bus.postgresql import NOTIFICATION_BYTES, Joiner, split


@pytest.mark.parametrize(
    "size", [0, 1, NOTIFICATION_BYTES - 1, NOTIFICATION_BYTES, NOTIFICATION_BYTES + 1, 5 * NOTIFICATION_BYTES, 1 << 20]
)
def test_a_parcel_of_any_size_is_put_together_again(size: int) -> None:
    parcel = b"mark" + os.urandom(size)
    texts = split(7, parcel)
    assert max(len(text) for text in texts) < 8000
    joiner = Joiner()
    assert [joiner.add(1, text) for text in texts] == [None] * (len(texts) - 1) + [parcel]


def test_parcels_of_several_senders_follow_each_other() -> None:
    joiner = Joiner()
    for sender in (1, 2, 1):
        parcel = os.urandom(3 * NOTIFICATION_BYTES)
        *first, last = split(1, parcel)
        assert {joiner.add(sender, text) for text in first} == {None}
        assert joiner.add(sender, last) == parcel


@pytest.mark.parametrize(
    "received",
    [
        [(1, 7, 1), (1, 7, 2)],
        [(1, 7, 0), (1, 7, 2)],
        [(1, 7, 0), (1, 7, 1), (1, 7, 1)],
        [(1, 7, 0), (1, 7, 1), (2, 7, 2)],
        [(1, 7, 0), (1, 7, 1), (1, 8, 2)],
    ],
    ids=["from the middle", "with a gap", "one twice", "another sender's end", "another parcel's end"],
)
def test_an_incomplete_parcel_is_dropped_and_the_next_one_is_received(received: list[tuple[int, int, int]]) -> None:
    texts = {number: split(number, os.urandom(3 * NOTIFICATION_BYTES)) for number in (7, 8)}
    joiner = Joiner()
    assert {joiner.add(sender, texts[number][index]) for sender, number, index in received} == {None}
    whole = b"the next"
    assert joiner.add(3, split(9, whole)[0]) == whole


@pytest.mark.parametrize("text", ["", "junk", "1 0 1", "1 0 1 ***", "1 x 1 YQ==", "1 0 x YQ==", "1 0 1 YQ== 2"])
def test_notifications_of_other_programs_are_ignored(text: str) -> None:
    assert Joiner().add(1, text) is None
