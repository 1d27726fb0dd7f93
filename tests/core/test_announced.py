"""Which nodes need an event."""

from __future__ import annotations

from copy import deepcopy
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.connected.directory import Directory, DirectoryEntry, LoadedUsers
from talkwire.core.domain.events import (
    Durable,
    MessageReacted,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    ReadPositionMoved,
    ThreadMarked,
    UserBanned,
)
from talkwire.core.domain.log.announced import FOR_ALL_NODES, OF_ONE_CONVERSATION, conversation_hash, hash_of
from talkwire.core.domain.model import Message, User

MESSAGE = Message(1, "c", 1, "alice", "Alice", "Hello", 0)
EVENTS: tuple[Durable, ...] = (
    MessageSent(1, 0, MESSAGE),
    MessageReacted(1, 0, MESSAGE, "bob", "+1", added=True),
    MessagesRead(1, 0, "c", "alice", 1, 1),
    MessagesDelivered(1, 0, "c", "alice", 1, 1),
    ReadPositionMoved(1, 0, "c", "alice", 1, 0, 0),
    ThreadMarked(1, 0, "c", "alice", 1, True, 0, 0),
)


@given(st.text())
def test_the_hash_of_every_id_is_different_from_that_for_all(conversation_id: str) -> None:
    assert FOR_ALL_NODES < conversation_hash(conversation_id) < 2**32


def test_an_event_has_the_hash_of_the_conversation_that_it_is_about() -> None:
    assert {type(event) for event in EVENTS} == set(OF_ONE_CONVERSATION)
    assert {hash_of(event) for event in EVENTS} == {conversation_hash("c")}
    assert hash_of(UserBanned(1, 0, "alice")) == FOR_ALL_NODES


@pytest.mark.parametrize("kind", [kind for kind in get_args(Durable) if kind in OF_ONE_CONVERSATION])
def test_the_audience_of_an_announced_event_is_in_the_conversation(kind: type[Durable]) -> None:
    [event] = [event for event in EVENTS if type(event) is kind]
    assert event.reach.members_of(event) in {"c", None}
    assert (event.reach.members_of(event) is None) == (event.reach.user(event) is not None)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
async def test_no_cached_user_changes_by_an_event_that_some_nodes_pass_over(event: Durable) -> None:
    async def load(user_ids: object) -> LoadedUsers:
        return LoadedUsers(0, {"alice": DirectoryEntry(User("alice", "Alice", 0), {"c"})})

    directory = Directory(load)
    entry = directory.hold("alice", await directory.find("alice"))
    before = deepcopy(entry)
    directory.apply(event)
    for name in DirectoryEntry.__slots__:
        assert getattr(entry, name) == getattr(before, name), name
