"""Live delivery reads members' histories only for events that not every member may see."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from talkwire.core.connected.directory import Directory, LoadedUsers
from talkwire.core.connected.limited_history_index import LimitedHistoryIndex
from talkwire.core.domain.audience import Reader, event_for_reader
from talkwire.core.domain.events import (
    ConversationDeleted,
    ConversationUpdated,
    Durable,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    MessageEdited,
    MessagesDelivered,
    MessagesRead,
    OfferCreated,
)
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Conversation, HistoryStart, Member, Message, Offer
from talkwire.realtime.delivery.event_delivery import EventDelivery
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.engine.hub import Hub

LATE = HistoryStart(7, 40)
CAROL = Member("c", "carol", "member", 0, history_seq=LATE.seq, history_pos=LATE.pos)


class CountedLimitedHistories(LimitedHistoryIndex):
    """Counts how often the limited histories of a conversation are read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def of(self, conversation_id: str) -> Mapping[str, HistoryStart]:
        self.asked += 1
        return super().of(conversation_id)


async def _nobody(_: Collection[str]) -> LoadedUsers:
    return LoadedUsers(0, {})


def histories_read(event: Durable) -> int:
    hub = Hub()
    directory = Directory(_nobody)
    directory.limited_histories = index = CountedLimitedHistories()
    index.add("carol", {"c": LATE})
    EventDelivery(hub, Rooms(hub, lambda _: None), directory, lambda _socket, _reason: None).deliver([event])
    return index.asked


@pytest.mark.parametrize(
    "event",
    [
        MemberAdded(50, 0, "c", (CAROL,)),
        MemberUpdated(50, 0, CAROL),
        MemberRemoved(50, 0, "c", "alice"),
        ConversationUpdated(50, 0, Conversation("c", "group", None, None, 2, 9, 0, 0)),
        ConversationDeleted(50, 0, "c", "alice"),
        MessagesRead(50, 0, "c", "alice", 3, 3),
        MessagesDelivered(50, 0, "c", "alice", 3, 3),
    ],
    ids=lambda event: type(event).__name__,
)
def test_limited_histories_are_not_read_for_events_that_all_members_see(event: Durable) -> None:
    """A conversation whose history begins with joining consists of members with a limited history, so reading them
    costs a step each."""
    assert event_for_reader(event, Reader("carol", {"c": LATE})) is event
    assert histories_read(event) == 0


@pytest.mark.parametrize(
    "event",
    [
        MessageEdited(50, 0, Message(3, "c", 3, "alice", "Alice", "a secret", 0)),
        OfferCreated(50, 0, Offer(id_at(3), "c", "alice", "a secret", 1, "EUR", "pending", 0, 0)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_limited_histories_are_read_for_events_that_may_be_hidden(event: Durable) -> None:
    assert event_for_reader(event, Reader("carol", {"c": LATE})) is None
    assert histories_read(event) == 1
