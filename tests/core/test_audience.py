"""Versions of an event for many members agree with the version that each single member may see."""

from __future__ import annotations

import pytest

from talkwire.core.domain.audience import Reader, event_for_reader, versions_of
from talkwire.core.domain.events import (
    Durable,
    MemberRemoved,
    MessageEdited,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    OfferCreated,
)
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import WHOLE, HistoryStart, Message, Offer, Quote

HISTORIES = {"carol": HistoryStart(7, 40), "dave": HistoryStart(2, 2)}
MEMBERS = ("alice", "bob", "carol", "dave")


def message(seq: int, quoted_seq: int | None = None) -> Message:
    quote = None
    if quoted_seq is not None:
        quote = Quote(id_at(quoted_seq), "bob", "quoted", seq=quoted_seq)
    return Message(id_at(seq), "c", seq, "alice", "Alice", "hello", 0, reply_to=quote)


@pytest.mark.parametrize(
    "event",
    [
        MessageSent(50, 0, message(9)),
        MessageSent(50, 0, message(9, quoted_seq=8)),
        MessageSent(50, 0, message(9, quoted_seq=3)),
        MessageSent(50, 0, message(9, quoted_seq=1)),
        MessageEdited(50, 0, message(3)),
        MessageEdited(50, 0, message(9)),
        OfferCreated(50, 0, Offer(id_at(3), "c", "alice", "a chair", 1, "EUR", "pending", 0, 0)),
        MemberRemoved(50, 0, "c", "erin"),
        MessagesRead(50, 0, "c", "alice", 3, 3),
        MessagesRead(50, 0, "c", "alice", 3, 3, withheld=("bob",)),
        MessagesRead(50, 0, "c", "alice", 3, 3, authors=("bob", "carol"), withheld=("bob",)),
        MessagesRead(50, 0, "c", "alice", 3, 3, authors=()),
        MessagesDelivered(50, 0, "c", "alice", 3, 3, withheld=("carol", "dave")),
    ],
    ids=repr,
)
def test_each_member_gets_exactly_the_version_that_they_may_see(event: Durable) -> None:
    versions = list(versions_of(event, lambda: HISTORIES))
    for user_id in MEMBERS:
        received = [version for version, members in versions if members.has(user_id)]
        seen = event_for_reader(event, Reader(user_id, {"c": HISTORIES.get(user_id, WHOLE)}))
        assert received == ([] if seen is None else [seen])
