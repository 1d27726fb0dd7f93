"""Announced events: those of the log that only some nodes need.

A node needs an event if it has loaded a user who is a member of the event's conversation. The other nodes only have to
know that the event's position is taken. They decide by the hash of the conversation's id, which is short and the same
on all nodes; two conversations with the same hash only make a node fetch an event that it does not need.
"""

from __future__ import annotations

from zlib import crc32

from talkwire.core.domain.events import (
    Durable,
    MessageReacted,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    ReadPositionMoved,
    ThreadMarked,
)

FOR_ALL_NODES = 0
"""Stand-in for a conversation's hash of an event that every node needs."""

OF_ONE_CONVERSATION = (
    MessageSent,
    MessageReacted,
    MessagesRead,
    MessagesDelivered,
    ReadPositionMoved,
    ThreadMarked,
)
"""Types of the events that only nodes with members of their conversation need: nearly all events are of these types.
They change nothing of what nodes cache about users, memberships, calls and streams."""


def conversation_hash(conversation_id: str) -> int:
    """Returns the hash of a conversation's id: a number from 1 to 2**32 - 1."""
    return crc32(conversation_id.encode("utf-8", "surrogatepass")) or 1


def hash_of(event: Durable) -> int:
    """Returns the hash of the conversation whose members' nodes need an event, or FOR_ALL_NODES."""
    return (
        conversation_hash(event.reach.about(event) or "") if isinstance(event, OF_ONE_CONVERSATION) else FOR_ALL_NODES
    )
